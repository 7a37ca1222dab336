"""Sending what is new to MLflow from a thread, so that a slow or absent server never holds up the jobs."""

import threading
from typing import Self


class Background:
    """A thread that calls `sync` every few seconds, and once more when the `with` block is left."""

    warning: str | None = None  # why MLflow is behind, if it is

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="mlflow", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def sync(self) -> None:
        """Send what is new. Never raises: what goes wrong is put into `warning`."""
        raise NotImplementedError

    def _loop(self) -> None:
        while not self._closing.wait(self._seconds):
            self.sync()
        self.sync()
