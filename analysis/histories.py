"""The histories of metrics of many runs: in one query where MLflow's store is a database, else request by request."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.dbmodels.models import SqlMetric
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
from mlflow.tracking import MlflowClient
from sqlalchemy import Select, select

from experiments.metric_keys import metric_key

RUNS_PER_QUERY = 1000  # databases limit the values that a condition may list
ROWS_AT_ONCE = 20_000  # of a query; what of an answer is in memory as Python's objects
REQUESTS_AT_ONCE = 4  # hides the way to a distant server; one on this machine answers no faster
COLUMNS = (SqlMetric.run_uuid, SqlMetric.key, SqlMetric.step, SqlMetric.timestamp, SqlMetric.value, SqlMetric.is_nan)
FIELDS = tuple(map(itemgetter, range(len(COLUMNS))))  # by zip, an iterator for every row would wake the collector
POINT = np.dtype(
    [
        ("run", np.int32),  # its place in the list of runs that was asked for
        ("key", np.int32),  # likewise in the list of metrics
        ("step", np.int64),
        ("timestamp", np.int64),
        ("value", np.float64),
    ]
)


def read_histories(client: MlflowClient, run_ids: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """The histories of some metrics, by their recorded names, in long form: run_id, metric (categories), kimg, value.

    They are in the order of keys, then of run_ids, then by kimg. Where a step repeats, the value logged last counts; of
    several at the same millisecond, NaN, else the largest. Infinite values, which databases hold as the largest number,
    are infinite again. Raises MlflowException if the store cannot be read.
    """
    store = store_of(client)
    read = next(read for kind, read in WAYS if isinstance(store, kind))
    return long_form(read(client, run_ids, keys), run_ids, keys)


def store_of(client: MlflowClient) -> Any:
    """What a client reads from: a database, or a server by its requests."""
    return client._tracking_client.store


def query_histories(client: MlflowClient, run_ids: Sequence[str], keys: Sequence[str]) -> Iterator[np.ndarray]:
    """From the table of points itself, a few thousand rows at a time."""
    run_places = places(run_ids)
    key_places = {form: place for place, name in enumerate(keys) for form in (name, metric_key(name))}
    with store_of(client).ManagedSessionMaker() as session:
        for start in range(0, len(run_ids), RUNS_PER_QUERY):
            some = run_ids[start : start + RUNS_PER_QUERY]
            wanted: Select = select(*COLUMNS).where(SqlMetric.run_uuid.in_(some), SqlMetric.key.in_(list(key_places)))
            answer = session.connection().execute(wanted, execution_options={"yield_per": ROWS_AT_ONCE})
            for rows in answer.partitions():
                runs, metrics, steps, timestamps, values, is_nan = ([*map(column, rows)] for column in FIELDS)
                yield points_of(
                    [run_places[run] for run in runs],
                    [key_places[key] for key in metrics],
                    steps,
                    timestamps,
                    np.where(is_nan, np.nan, values),
                )


def request_histories(client: MlflowClient, run_ids: Sequence[str], keys: Sequence[str]) -> Iterator[np.ndarray]:
    """One request per run and metric, some at a time.

    A server's answers for many runs at once (ajax-api get-history-bulk) end after 25,000 points without saying so.
    """

    def request(pair: tuple[int, int]) -> np.ndarray:
        run, key = pair
        form, older_form = metric_key(keys[key]), keys[key]
        history = client.get_metric_history(run_ids[run], form) or client.get_metric_history(run_ids[run], older_form)
        columns = zip(*((point.step, point.timestamp, point.value) for point in history), strict=True)
        steps, timestamps, values = columns if history else ((), (), ())
        return points_of([run] * len(history), [key] * len(history), steps, timestamps, values)

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        yield from pool.map(request, product(range(len(run_ids)), range(len(keys))))


Read = Callable[[MlflowClient, Sequence[str], Sequence[str]], Iterator[np.ndarray]]
WAYS: tuple[tuple[type, Read], ...] = ((SqlAlchemyStore, query_histories), (AbstractStore, request_histories))


def places(items: Sequence[str]) -> dict[str, int]:
    """Where each item stands."""
    return {item: i for i, item in enumerate(items)}


def points_of(runs: Any, keys: Any, steps: Any, timestamps: Any, values: Any) -> np.ndarray:
    """Columns as an array of POINT."""
    points = np.empty(len(values), POINT)
    columns = (runs, keys, steps, timestamps, infinite_again(np.asarray(values, np.float64)))
    for name, column in zip(POINT.names or (), columns, strict=True):
        points[name] = column
    return points


def infinite_again(values: np.ndarray | float) -> np.ndarray:
    """MLflow's databases keep the largest number of 64 bits in place of infinity."""
    return np.where(np.abs(values) >= sys.float_info.max, np.copysign(np.inf, values), values)


def long_form(parts: Iterator[np.ndarray], run_ids: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """One table of all parts, in order, each step once."""
    points = np.concatenate([np.empty(0, POINT), *parts])
    points = points[np.lexsort([points[name] for name in ("value", "timestamp", "step", "run", "key")])]
    at = points[["run", "key", "step"]]
    points = points[np.append(at[1:] != at[:-1], True)[: len(points)]]
    return pd.DataFrame(
        {
            "run_id": pd.Categorical.from_codes(points["run"], categories=list(run_ids)),
            "metric": pd.Categorical.from_codes(points["key"], categories=list(keys)),
            "kimg": points["step"] / 1000,
            "value": points["value"],
        }
    )
