"""`--device`: where a command computes."""

import argparse

import torch

from r3gan.data.errors import BadData


def add_device(parser: argparse.ArgumentParser) -> None:
    """The option, which `device_of` reads."""
    parser.add_argument("--device", help="cpu or cuda (default: cuda if there is one)")


def device_of(text: str | None) -> torch.device:
    """The device that is asked for. Raises BadData if there is none of this name."""
    if text is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, _, index = text.partition(":")
    if text != "cpu" and (kind != "cuda" or (index and not index.isdecimal())):
        raise BadData(f"--device {text}: cpu, cuda or cuda:NUMBER was expected")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise BadData(f"--device {text}: torch sees {torch.cuda.device_count()} CUDA devices here: --device cpu")
    return torch.device(text)
