"""`python -m r3gan card`: a model card of a generator, with a picture beside it."""

import argparse
import os
from pathlib import Path

import torch

from r3gan.data.errors import DatasetUnavailable
from r3gan.data.places import require_new
from r3gan.export.card import Model, card_text, samples_path
from r3gan.export.facts import facts_of
from r3gan.export.formats import require_packages
from r3gan.export.records import UNKNOWN, data_of, measured_of, trained_config
from r3gan.files import replace_file, write_text
from r3gan.generation.images import save_grid
from r3gan.generation.load import load

SAMPLES_AT_ONCE = 64


def add_card(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan card`."""
    parser = commands.add_parser("card", help="write a model card of a generator, by Hugging Face's conventions")
    parser.add_argument("source", type=Path, help="job directory, checkpoint folder, or .safetensors file of weights")
    parser.add_argument("destination", type=Path, help="a new .md file; the samples lie beside it")
    which = "which of a job's generators (default: ema)"
    parser.add_argument("--weights", choices=("ema", "raw", "best"), default="ema", help=which)
    parser.set_defaults(run=run_card)


def run_card(options: argparse.Namespace) -> int:
    """Write both files, and say what is left to fill in."""
    source, destination = options.source, options.destination
    if destination.suffix.lower() != ".md":
        raise DatasetUnavailable(f"{destination}: a file that ends in .md was expected")
    picture = samples_path(destination)
    for path in (destination, picture):
        require_new(path)
    require_packages("writing a model card", ("huggingface_hub",))
    generator = load(source, options.weights, torch.device("cpu"))
    facts = facts_of(source, options.weights)
    model = Model(
        name=source.resolve().stem,
        place=os.path.relpath(source, destination.parent),
        weights=options.weights,
        samples=picture.name,
        generator=generator,
        facts=facts,
        config=trained_config(facts),
        data=data_of(source, generator),
        measured=measured_of(source, generator, facts, options.weights),
    )
    text = card_text(model)
    replace_file(picture, lambda temporary: save_grid(generator.network, temporary, SAMPLES_AT_ONCE))
    write_text(destination, text)
    print(f"{destination} and {picture} are written; so often it says {UNKNOWN!r}: {text.count(UNKNOWN)}")
    return 0
