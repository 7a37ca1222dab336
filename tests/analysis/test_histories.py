import math
from collections.abc import Callable
from types import SimpleNamespace

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.store.tracking.rest_store import RestStore
from mlflow.tracking import MlflowClient
from sqlalchemy import text

from analysis import histories, load
from analysis.histories import long_form, query_histories, read_histories, request_histories, store_of
from tests.analysis.conftest import FakeStudy, final

NewStudy = Callable[..., FakeStudy]
KEYS = ["fid", "modes"]


@pytest.fixture
def odd_study(new_study: NewStudy, store: MlflowClient) -> list[str]:
    """Repeated steps, later ones logged first, NaN, both infinities, a run without a metric, and one without any."""
    study = new_study()
    first = study.log("baseline", 0, {"modes": {1000: 5.0, 2000: 6.0}, "fid": {1000: math.inf, 3000: -math.inf}})
    second = study.log("attention", 0, {"modes": {3000: 1.0, 1000: math.nan, 2000: 2.5}, "loss": {1000: 1.0}})
    third = study.log("both", 0, {})
    for value, timestamp in ((7.0, 50_000), (8.0, 20_000), (6.5, 50_000)):
        store.log_metric(first, "modes", value, timestamp=study.clock + timestamp, step=1000)
    store.log_metric(second, "modes", 4.0, timestamp=study.clock + 50_000, step=1000)
    store.log_metric(second, "modes", math.nan, timestamp=study.clock + 60_000, step=3000)
    return [first, third, second]


def expected(first: str, second: str) -> pd.DataFrame:
    rows = [
        (first, "fid", 1.0, math.inf), (first, "fid", 3.0, -math.inf), (first, "modes", 1.0, 7.0),
        (first, "modes", 2.0, 6.0), (second, "modes", 1.0, 4.0), (second, "modes", 2.0, 2.5),
        (second, "modes", 3.0, math.nan),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["run_id", "metric", "kimg", "value"])


def plain(points: pd.DataFrame) -> pd.DataFrame:
    return points.assign(run_id=points["run_id"].astype(str), metric=points["metric"].astype(str))


@pytest.mark.parametrize("read", [query_histories, request_histories])
def test_both_ways_give_the_last_value_of_each_step_with_nan_and_infinity(
    read: histories.Read, odd_study: list[str], store: MlflowClient
) -> None:
    first, _, second = odd_study
    points = long_form(read(store, odd_study, KEYS), odd_study, KEYS)
    pd.testing.assert_frame_equal(plain(points), expected(first, second))
    assert list(points["run_id"].cat.categories) == odd_study


def test_an_answer_in_many_parts_is_the_same(
    odd_study: list[str], store: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(histories, "RUNS_PER_QUERY", 1)
    assert len(list(query_histories(store, odd_study, KEYS))) > 4
    pd.testing.assert_frame_equal(plain(read_histories(store, odd_study, KEYS)), expected(odd_study[0], odd_study[2]))


def test_a_value_that_is_nan_wins_over_one_of_the_same_millisecond(new_study: NewStudy, store: MlflowClient) -> None:
    run_id = new_study().log("baseline", 0, {})
    for value in (-1.0, math.nan, 3.0):
        store.log_metric(run_id, "modes", value, timestamp=1_700_000_000_000, step=1000)
    for read in (query_histories, request_histories):
        (value,) = long_form(read(store, [run_id], ["modes"]), [run_id], ["modes"])["value"]
        assert math.isnan(value)


def test_a_database_is_queried_and_a_server_is_requested(store: MlflowClient, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    ways = [(kind, lambda *_, name=read.__name__: taken.append(name) or iter(())) for kind, read in histories.WAYS]
    monkeypatch.setattr(histories, "WAYS", ways)
    server = SimpleNamespace(_tracking_client=SimpleNamespace(store=RestStore(lambda: None)))
    for client in (store, server):
        points = read_histories(client, ["run"], ["modes"])
        assert points.empty
        assert list(points) == ["run_id", "metric", "kimg", "value"]
    assert taken == ["query_histories", "request_histories"]


def test_a_run_whose_last_value_is_nan_keeps_its_history(new_study: NewStudy, store: MlflowClient) -> None:
    study = new_study()
    study.log("baseline", 0, {"modes": {1000: 5.0, 2000: math.nan}})
    points = load.load_points(store, load.load_jobs(store, study.experiment_id), ["modes"])
    assert points["value"].tolist() == pytest.approx([5.0, math.nan], nan_ok=True)


def test_the_last_value_of_a_job_is_infinite_where_the_database_holds_the_largest_number(
    new_study: NewStudy, store: MlflowClient
) -> None:
    study = new_study()
    study.log("baseline", 0, final(d_kl=math.inf, fid=-math.inf, modes=1e300))
    (job,) = load.load_jobs(store, study.experiment_id)[["d_kl", "fid", "modes"]].to_numpy().tolist()
    assert job == [math.inf, -math.inf, 1e300]


def test_a_store_that_breaks_while_it_is_read_is_mlflows_error(odd_study: list[str], store: MlflowClient) -> None:
    with store_of(store).engine.begin() as connection:
        connection.execute(text("DROP TABLE metrics"))
    with pytest.raises(MlflowException, match="no such table"):
        read_histories(store, odd_study, KEYS)


def test_metrics_in_sections_and_those_of_older_runs_meet_under_one_name(
    new_study: NewStudy, store: MlflowClient
) -> None:
    study = new_study()
    older = study.log("baseline", 0, {"modes": {1000: 5.0}, "classifier_test_accuracy": {1000: 0.9}})
    newer = study.log("baseline", 1, {"image quality/modes": {1000: 6.0, 2000: 7.0}})
    store.set_tag(newer, "classifier_test_accuracy", "0.95")
    jobs = load.load_jobs(store, study.experiment_id).set_index("run_id")
    assert jobs.loc[[older, newer], "modes"].tolist() == [5.0, 7.0]
    assert jobs.loc[[older, newer], "classifier_test_accuracy"].tolist() == [0.9, 0.95]
    for read in (query_histories, request_histories):
        points = long_form(read(store, [older, newer], ["modes"]), [older, newer], ["modes"])
        assert points["value"].tolist() == [5.0, 6.0, 7.0]
        assert set(points["metric"]) == {"modes"}
