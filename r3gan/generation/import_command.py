"""`python -m r3gan import-official`: a snapshot of the official code as weights of ours."""

import argparse
from dataclasses import asdict
from functools import partial
from pathlib import Path

from r3gan.config import IMG_PER_KIMG
from r3gan.data.errors import BadData
from r3gan.data.places import require_new
from r3gan.files import new_folder, replace_file
from r3gan.generation.official import Official, read_official
from r3gan.tensor_files import save_tensors

FILES = {"G": "generator", "D": "discriminator", "G_ema": "ema"}  # as a checkpoint has them


def add_import_official(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan import-official`."""
    parser = commands.add_parser("import-official", help="weights from a network-snapshot-*.pkl of the official code")
    parser.add_argument("snapshot", type=Path, help="the .pkl file; nothing in it is run")
    what = "NAME.safetensors for the moving average of G alone, or a folder for G, D and the average"
    parser.add_argument("destination", type=Path, help=what)
    parser.set_defaults(run=run_import_official)


def run_import_official(options: argparse.Namespace) -> int:
    """Read, write, and say what was written."""
    destination = options.destination
    if destination.suffix not in ("", ".safetensors"):
        raise BadData(f"{destination} ends in {destination.suffix}: NAME.safetensors or a folder's name was expected")
    require_new(destination)
    official = read_official(options.snapshot)
    save = partial(save_network, official, options.snapshot.name)
    if destination.suffix:
        replace_file(destination, partial(save, "G_ema"))
        what = "the moving average of G (a folder's name as the destination also gets G and D)"
    else:
        new_folder(destination, lambda at: [save(key, at / f"{name}.safetensors") for key, name in FILES.items()])
        what = "G, D and the moving average of G"
    network, classes = official.network, official.classes
    kind = f"{network.resolution}x{network.resolution}, {f'{classes} classes' if classes else 'unconditional'}"
    print(f"{destination} is written: {what}, {kind}, after {official.images / IMG_PER_KIMG:g} kimg")
    return 0


def save_network(official: Official, source: str, key: str, path: Path) -> None:
    """One of the networks, with what is known of it."""
    facts = {"network": asdict(official.network), "images": official.images, "imported_from": source}
    save_tensors(official.tensors[key], path, **facts)
