"""Frames as a strip, or as a film, written one after the other."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from r3gan.data.errors import BadData

LONGEST_STRIP = 65_000  # pixels: what most programs show
MOST_FRAMES = 100_000  # an hour at 25 frames per second
FASTEST_GIF = 50  # frames per second: what lasts less than 20 ms is shown for 100
FINEST = 1000  # a film's frames per second are a fraction of at most this denominator


class Frames(NamedTuple):
    """What is to be shown."""

    batches: Iterator[np.ndarray]  # uint8 [B, S, S, 3]
    total: int
    size: int  # S
    fps: float


def write_strip(frames: Frames, path: Path) -> None:
    """All frames side by side."""
    pixels = np.concatenate(list(frames.batches))
    Image.fromarray(np.concatenate(list(pixels), axis=1)).save(path, "png")


def write_gif(frames: Frames, path: Path) -> None:
    """A film without end, in 256 colours a frame; a frame's time is a multiple of 10 ms."""
    images = map(Image.fromarray, chain.from_iterable(frames.batches))
    first, duration = next(images), round(100 / frames.fps) * 10
    first.save(path, "gif", save_all=True, append_images=images, duration=duration, loop=0)


def write_mp4(frames: Frames, path: Path) -> None:
    """H.264, in the pixel format that every player reads. Raises BadData without PyAV."""
    import av  # an extra

    with av.open(str(path), "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(frames.fps).limit_denominator(FINEST))
        stream.width = stream.height = frames.size
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "16"}
        for pixels in chain.from_iterable(frames.batches):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        film.mux(stream.encode())


class Film(NamedTuple):
    """A kind of output."""

    write: Callable[[Frames, Path], None]
    text: str


FILMS = {
    ".png": Film(write_strip, "one strip"),
    ".gif": Film(write_gif, "a film in 256 colours"),
    ".mp4": Film(write_mp4, "a film"),
}


def film_of(path: Path, total: int, size: int) -> Film:
    """The kind that the suffix of a path names. Raises BadData if there is none, or if it cannot be written here."""
    film = FILMS.get(path.suffix.lower())
    if film is None:
        known = ", ".join(f"{suffix} ({row.text})" for suffix, row in FILMS.items())
        raise BadData(f"{path} ends in {path.suffix or 'nothing'}: known endings are {known}")
    if film.write is write_strip and total * size > LONGEST_STRIP:
        long = f"a strip of {total} frames would be {total * size} pixels long"
        raise BadData(f"{path}: {long}: take fewer --steps or --seeds, or .mp4")
    if total > MOST_FRAMES:
        raise BadData(f"{path}: {total:,} frames are more than {MOST_FRAMES:,}: take fewer --steps or --seeds")
    if film.write is write_mp4:
        require_video()
    return film


def require_rate(film: Film, path: Path, fps: int) -> None:
    """Raises BadData if programs would not show so many frames in a second."""
    if film.write is write_gif and fps > FASTEST_GIF:
        raise BadData(f"{path}: a GIF shows at most {FASTEST_GIF} frames in a second, not {fps}: write a .mp4")


def require_video() -> None:
    """Raises BadData where the library that writes MP4 is not installed."""
    try:
        import av  # noqa: F401
    except ImportError as error:
        raise BadData("MP4 needs PyAV: pip install -e '.[video]' brings it, or write a .gif") from error
