"""Sending what is new to MLflow from a thread, so that a slow or absent server never holds up the jobs."""

import threading
import time
from typing import Self


class Background:
    """A thread that calls `sync` every few seconds, and once more when the `with` block is left.

    That last time it is waited for, but not for longer than `wait_seconds` without an answer from MLflow.
    """

    warning: str | None = None  # why MLflow is behind, if it is

    def __init__(self, seconds: float, wait_seconds: float = 30.0):
        self._seconds, self.wait_seconds = seconds, wait_seconds
        self.answered()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="mlflow", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.answered()
        while self._thread.is_alive() and time.monotonic() - self.last_answer < self.wait_seconds:
            self._thread.join(0.1)
        if self._thread.is_alive():
            self.warning = f"no answer within {self.wait_seconds:g} s"

    def answered(self) -> None:
        """Note that MLflow has answered just now."""
        self.last_answer = time.monotonic()

    def sync(self) -> None:
        """Send what is new. Never raises: what goes wrong is put into `warning`."""
        raise NotImplementedError

    def _loop(self) -> None:
        while not self._closing.wait(self._seconds):
            self.sync()
        self.sync()
