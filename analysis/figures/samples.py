"""Grids of samples side by side, in two arrangements: across variants, and over training."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from analysis.figures.layout import LINE, text_width, wrapped
from analysis.figures.style import ONE_COLUMN, SMALL, STYLE, TEXT, TWO_COLUMNS

GRIDS_PER_ROW = 5  # over two columns
GRIDS_PER_NARROW_ROW = 2
LARGEST = 2.2  # inches along a grid
GRID_SIDE = 8  # images along a side of a sample grid
FIRST_GAP = 24  # pixels beside the usual ones
TILES = (GRID_SIDE, GRID_SIDE)  # images down and across of a grid
WHOLE = (1, 1)  # the same of a scatter plot, which is one image
CROP = (2, 4)  # images down and across that are shown of a grid over training
TITLE_LINE = 0.15
TITLE_PAD = 0.12  # around the titles of a row
LEAST_FOR_ONE_LINE = 0.9  # width of a column with "1200 kimg" in one line
NAME_WIDTH = 0.8  # of the names beside grids over training


def draw_samples(
    grids: Mapping[tuple[str, int], np.ndarray | None],
    variants: Sequence[str],
    seeds: Sequence[int],
    width: float = TWO_COLUMNS,
    tiles: tuple[int, int] = TILES,
) -> Figure:
    """Sample grids side by side: variants as columns (in blocks where they are many), seeds as rows.

    grids: [H, W, 3] in 0..1 by (variant, seed). tiles: images down and across in each.
    """
    columns = min(GRIDS_PER_ROW if width > ONE_COLUMN else GRIDS_PER_NARROW_ROW, len(variants))
    blocks = [variants[i : i + columns] for i in range(0, len(variants), columns)]
    cell = min(width / columns, LARGEST)
    with matplotlib.rc_context(STYLE):
        titles = {variant: wrapped(variant, cell - 0.15, TEXT) for variant in variants}
        lines = sum(max(titles[variant].count("\n") + 1 for variant in block) for block in blocks)
        size = (cell * columns, cell * len(blocks) * len(seeds) + TITLE_LINE * lines)
        figure, axes = blank_axes(size, len(blocks) * len(seeds), columns)
        for b, block in enumerate(blocks):
            for s, seed in enumerate(seeds):
                row = axes[b * len(seeds) + s]
                row[0].set_ylabel(f"seed {seed}")
                for ax, variant in zip(row, block, strict=False):
                    grid = grids.get((variant, seed))
                    draw_images(ax, None if grid is None else separate(enlarge(as_bytes(grid)), tiles))
                    if s == 0:
                        ax.set_title(titles[variant])
    return figure


def draw_progress(
    grids: Mapping[tuple[str, float], np.ndarray],
    variants: Sequence[str],
    width: float = TWO_COLUMNS,
    shown: tuple[int, int] = CROP,
) -> Figure:
    """Some images of each grid over training: variants as rows, kimg as columns.

    grids: [H, W, 3] in 0..1 by (variant, kimg). shown: images down and across; WHOLE: all of it, as one.
    """
    times = sorted({kimg for _, kimg in grids})
    with matplotlib.rc_context(STYLE):
        names = {variant: wrapped(variant, NAME_WIDTH, SMALL) for variant in variants}
        beside = max(text_width(name, SMALL) for name in names.values()) + 0.1
        cell = min((width - beside) / len(times), LARGEST)
        lines = max(name.count("\n") + 1 for name in names.values())
        row_height = max(cell * shown[0] / shown[1] + 0.06, LINE * lines + 0.04)
        separator = " " if cell > LEAST_FOR_ONE_LINE else "\n"
        size = (cell * len(times) + beside, row_height * len(variants) + TITLE_LINE * (1 if separator == " " else 2))
        figure, axes = blank_axes(size, len(variants), len(times))
        for row, variant in zip(axes, variants, strict=True):
            row[0].set_ylabel(names[variant], fontsize=SMALL, rotation=0, ha="right", va="center")
            for ax, kimg in zip(row, times, strict=True):
                grid = grids.get((variant, kimg))
                part = grid if grid is None or shown == WHOLE else crop(grid)
                draw_images(ax, None if part is None else separate(enlarge(as_bytes(part)), shown))
        for ax, kimg in zip(axes[0], times, strict=True):
            ax.set_title(f"{kimg:g}{separator}kimg")
    return figure


def draw_pictures(
    pictures: Mapping[str, np.ndarray], shape: tuple[int, int], is_first_apart: bool, width: float = TWO_COLUMNS
) -> Figure:
    """Pictures of several images each side by side, in rows where they are many.

    pictures: [H, W, 3] in 0..1 by variant. shape: images down and across in each. is_first_apart: a wider gap after
    the first column of images.
    """
    variants = list(pictures)
    columns = min(GRIDS_PER_ROW if width > ONE_COLUMN else GRIDS_PER_NARROW_ROW, len(variants))
    rows = -(-len(variants) // columns)
    cell = min(width / columns, LARGEST)
    with matplotlib.rc_context(STYLE):
        titles = {variant: wrapped(variant, cell - 0.15, TEXT) for variant in variants}
        lines = sum(
            max(titles[variant].count("\n") + 1 for variant in variants[i : i + columns])
            for i in range(0, len(variants), columns)
        )
        size = (cell * columns, cell * shape[0] / shape[1] * rows + TITLE_LINE * lines + TITLE_PAD * rows)
        figure, axes = blank_axes(size, rows, columns)
        for ax, variant in zip(axes.ravel(), variants, strict=False):
            image = enlarge(as_bytes(pictures[variant]))
            first = image.shape[1] // shape[1]
            image = separate(image, shape)
            draw_images(ax, np.insert(image, [first] * FIRST_GAP, 255, axis=1) if is_first_apart else image)
            ax.set_title(titles[variant])
    return figure


def blank_axes(size: tuple[float, float], rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    """A figure with axes [rows, columns] that have neither ticks nor lines."""
    figure = Figure(size, layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03))
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.ravel():
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    return figure, axes


def draw_images(ax: Axes, image: np.ndarray | None) -> None:
    """An image as it is, or a word if it is missing."""
    if image is None:
        ax.text(0.5, 0.5, "no\nsamples", ha="center", va="center", color="0.5", fontsize=SMALL, transform=ax.transAxes)
        return
    ax.imshow(image, interpolation="nearest")


def as_bytes(grid: np.ndarray) -> np.ndarray:
    """0..1 as 0..255, uint8: a fourth of the time to draw, and what is written in the end."""
    return np.rint(grid * 255).astype(np.uint8)


def crop(grid: np.ndarray) -> np.ndarray:
    """The upper left images of a grid [H, W, 3], CROP of them."""
    height, width = (size // GRID_SIDE for size in grid.shape[:2])
    return grid[: CROP[0] * height, : CROP[1] * width]


def enlarge(grid: np.ndarray, least: int = 512) -> np.ndarray:
    """Nearest-neighbour upscaling of [H, W, 3] by the smallest whole factor that makes it `least` pixels wide."""
    factor = -(-least // grid.shape[1])
    return grid.repeat(factor, 0).repeat(factor, 1)


def separate(grid: np.ndarray, images: tuple[int, int] = (GRID_SIDE, GRID_SIDE), gap: int = 6) -> np.ndarray:
    """White lines of `gap` pixels between the images of a grid [H, W, 3], uint8, with so many down and across."""
    down, across = (np.arange(1, count) * (size // count) for count, size in zip(images, grid.shape[:2], strict=True))
    wide = np.insert(grid, np.repeat(down, gap), 255, axis=0)
    return np.insert(wide, np.repeat(across, gap), 255, axis=1)
