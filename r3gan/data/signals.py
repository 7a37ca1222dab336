"""Signals that end a piece of work in order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class Stopped(KeyboardInterrupt):
    """A signal was received, whose number is the argument."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """SIGINT and SIGTERM end the work within by an exception, also where the shell started it with SIGINT ignored."""

    def stop(number: int, frame: object) -> NoReturn:
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
