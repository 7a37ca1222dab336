"""Reading MLflow page by page, as its server hands things out."""

from collections.abc import Callable, Iterator
from typing import Any

RUNS_PER_PAGE = 1000


def all_pages(fetch: Callable[[str | None], Any]) -> Iterator[Any]:
    """Everything that `fetch` gives: it is called with the token of each page, None for the first."""
    token = None
    while True:
        page = fetch(token)
        yield from page
        token = page.token
        if not token:
            return


def all_runs(client: Any, experiment: str, condition: str) -> Iterator[Any]:
    """Every run of an experiment that fulfils a condition in MLflow's search language."""
    return all_pages(
        lambda token: client.search_runs([experiment], condition, max_results=RUNS_PER_PAGE, page_token=token)
    )


def all_experiments(client: Any) -> Iterator[Any]:
    """Every experiment."""
    return all_pages(lambda token: client.search_experiments(page_token=token))
