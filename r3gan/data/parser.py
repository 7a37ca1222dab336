"""The command line of `python -m r3gan data`."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import ImageColor

from r3gan.data.catalog import DATASETS
from r3gan.data.commands import check_datasets, download_dataset, list_datasets, prepare_dataset
from r3gan.data.conversion import Colour
from r3gan.data.manifest import is_resolution
from r3gan.data.sources import LABEL_MODES
from r3gan.data.system_errors import told_in_one_sentence


def add_data(commands: Any) -> None:
    """`r3gan data` and its own commands, added to the subparsers `commands`."""
    data = commands.add_parser("data", help="list, check, prepare and download datasets").add_subparsers(required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        parser = data.add_parser(name, help=help, description=help)
        parser.set_defaults(run=told_in_one_sentence()(run))
        return parser

    add("list", list_datasets, "every dataset that is known, and where it is")
    parser = add("check", check_datasets, "read datasets whole and compare them with what they should be")
    parser.add_argument("datasets", nargs="*", metavar="NAME|PATH", help="default: every dataset that is there")
    add_options(parser)
    parser = add("prepare", prepare_dataset, "turn images into a prepared dataset, or into a StyleGAN/EDM dataset zip")
    parser.add_argument("source", help="a path, or a known dataset's name (write ./NAME for a path of that name)")
    parser.add_argument("destination", nargs="?", type=Path, help="a folder, or a file that ends in .zip")
    add_options(parser)
    parser = add("download", download_dataset, "fetch a dataset that has a public source, and prepare it")
    parser.add_argument("dataset", choices=list(DATASETS), metavar="NAME")


def add_options(parser: argparse.ArgumentParser) -> None:
    """How the images and labels at a path are taken."""
    parser.add_argument("--resolution", type=resolution, help="crop to the central square and reduce to this size")
    parser.add_argument("--labels", choices=LABEL_MODES, default="auto", help="where labels come from (default: auto)")
    parser.add_argument("--label-column", metavar="NAME", help="of parquet files or metadata.csv, if several fit")
    parser.add_argument("--image-column", metavar="NAME", help="of parquet files, if several fit")
    parser.add_argument("--to-rgb", action="store_true", help="convert grey, palette, CMYK, 16-bit, transparent images")
    shown = "what transparent images show with --to-rgb: a name, #RRGGBB, rgb(...) or hsl(...)"
    parser.add_argument("--background", type=colour, metavar="COLOUR", help=shown)
    upright = "turn images with a rotation mark (EXIF) upright"
    parser.add_argument("--apply-rotation", action="store_true", help=upright)


def colour(text: str) -> Colour:
    """Any opaque colour that Pillow knows. Raises ArgumentTypeError."""
    try:
        red, green, blue, alpha = (*ImageColor.getrgb(text), 255)[:4]
    except ValueError:
        red, green, blue, alpha = -1, -1, -1, 255
    if min(red, green, blue) < 0 or max(red, green, blue) > 255 or alpha != 255:
        raise argparse.ArgumentTypeError(f"{text!r}: an opaque colour was expected, such as white or #ffeedd")
    return red, green, blue


def resolution(text: str) -> int:
    """4 times a power of two. Raises ArgumentTypeError."""
    if not text.isdecimal() or not is_resolution(int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}: 4, 8, 16, 32, ... was expected")
    return int(text)
