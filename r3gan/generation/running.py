"""How commands that generate end before their end: stopped by a signal, or for want of the device's memory."""

import argparse
import sys
from collections.abc import Callable

import torch

from r3gan.data.errors import BadData
from r3gan.data.signals import Stopped, stop_on_signals

Run = Callable[[argparse.Namespace], int]


def stoppable(run: Run) -> Run:
    """The command, with a sentence for such an end; what it was writing is then not there."""

    def wrapped(options: argparse.Namespace) -> int:
        try:
            with stop_on_signals():
                return run(options)
        except Stopped as stop:
            print(f"stopped; {options.destination} was not written", file=sys.stderr)
            return 128 + int(stop.args[0])
        except torch.OutOfMemoryError as error:
            raise BadData(
                f"--batch {options.batch} does not fit into the device's memory: name a smaller one"
            ) from error

    return wrapped
