"""Calls to MLflow in a thread of their own, so that one that never comes back holds nobody up for ever."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from experiments.tracking.trouble import no_answer

Result = TypeVar("Result")


class NoAnswer(Exception):
    """MLflow has left a call without an answer for too long; the message says where and for how long."""


def call_patiently(work: Callable[[Callable[[], None]], Result], seconds: float) -> Result:
    """What `work` returns. It is handed a function that it calls whenever MLflow has answered.

    Raises what `work` raises, and NoAnswer after so many seconds without an answer: its thread is then left behind.
    """
    result: Future[Result] = Future()
    last = time.monotonic()

    def answered() -> None:
        nonlocal last
        last = time.monotonic()

    def run() -> None:
        try:
            result.set_result(work(answered))
        except Exception as error:  # whatever it is, it is the caller's
            result.set_exception(error)

    threading.Thread(target=run, name="mlflow call", daemon=True).start()
    while not result.done():
        left = last + seconds - time.monotonic()
        if left <= 0:
            raise NoAnswer(no_answer(seconds))
        wait([result], left)
    return result.result()
