"""Functions named by text, so that a table of them loads no library until one is called."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Deferred:
    """The function "package.module:name". Raises ImportError or AttributeError when called if there is none."""

    target: str

    def load(self) -> Any:
        """The function itself."""
        return _load(self.target)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.load()(*args, **kwargs)


@cache  # rows are called in every layer of every step
def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
