"""Which runs are compared, on small tables of runs."""

import pandas as pd
import pytest

from analysis.errors import ReportError
from analysis.outcomes import outcomes_of
from analysis.selection import (
    OLDER_COMPARISON,
    OLDER_CONFIGURATION,
    REPEATED,
    SUPERSEDED,
    UNFINISHED,
    Selection,
    select,
    variant_order,
)
from experiments import names


def jobs(*rows: dict[str, object]) -> pd.DataFrame:
    """Runs a, b, c ... started one after the other; by default baseline, seed 0, finished, all alike."""
    default = {
        names.STUDY: "s", names.PROFILE: "laptop", names.DATASET: "digits", names.VARIANT: "baseline", names.SEED: 0,
        names.COMPARISON: "new", "status": "FINISHED", "evaluation_samples": 5000.0,
    }  # fmt: skip
    frame = pd.DataFrame([default | {"run_id": "abcdefgh"[i], "start_time": i} | row for i, row in enumerate(rows)])
    if names.CONFIGURATION not in frame:
        frame[names.CONFIGURATION] = frame[names.VARIANT]
    parts = [frame[key].astype(str) for key in (names.DATASET, names.SEED, names.COMPARISON, names.CONFIGURATION)]
    frame[names.IDENTITY] = parts[0].str.cat(parts[1:], "/")
    return frame.sample(frac=1, random_state=0)


def reasons(selection: Selection) -> dict[str, str]:
    """Why each run was left out, by run_id."""
    return dict(zip(selection.left_out["run_id"], selection.left_out["reason"], strict=True))


def kept(selection: Selection) -> str:
    """The run_ids of the compared runs."""
    return "".join(sorted(selection.compared["run_id"]))


def test_only_the_newest_comparison_of_each_dataset_and_profile() -> None:
    old = {names.COMPARISON: "old"}
    selection = select(jobs(old, {}, {**old, names.DATASET: "mnist"}, {**old, names.PROFILE: "gpu"}))
    assert kept(selection) == "bcd"
    assert reasons(selection) == {"a": OLDER_COMPARISON}


def test_a_variant_never_mixes_two_configurations_over_its_seeds() -> None:
    heads4 = {names.VARIANT: "attention", names.CONFIGURATION: "heads4"}
    heads8 = {names.VARIANT: "attention", names.CONFIGURATION: "heads8"}
    base = {names.CONFIGURATION: "base"}
    selection = select(jobs(base, heads4, {**heads4, names.SEED: 1}, heads8))
    assert kept(selection) == "ad"
    assert reasons(selection) == {"b": OLDER_CONFIGURATION, "c": OLDER_CONFIGURATION}


def test_the_newest_run_of_a_repeated_job() -> None:
    selection = select(jobs({}, {}, {names.SEED: 1}))
    assert kept(selection) == "bc"
    assert reasons(selection) == {"a": REPEATED}
    assert (len(selection.set_aside), selection.unfinished) == (1, 0)


def test_unfinished_jobs_are_counted_once_and_not_if_another_run_finished_them() -> None:
    failed = {names.SEED: 1, "status": "FAILED"}
    selection = select(jobs({}, failed, {**failed, "status": "RUNNING"}, {"status": "KILLED"}))
    assert kept(selection) == "a"
    assert reasons(selection) == {"b": UNFINISHED, "c": UNFINISHED, "d": SUPERSEDED}
    assert (selection.unfinished, len(selection.set_aside)) == (1, 1)


def test_an_unfinished_job_of_a_replaced_baseline_is_not_missing_but_one_of_a_newer_baseline_is() -> None:
    selection = select(
        jobs({names.COMPARISON: "old", "status": "FAILED"}, {}, {names.COMPARISON: "newer", "status": "RUNNING"})
    )
    assert reasons(selection) == {"a": OLDER_COMPARISON, "c": UNFINISHED}
    assert selection.unfinished == 1


def test_unfinished_jobs_go_with_the_finished_runs_of_their_sources() -> None:
    def run(sources: str, seed: int, status: str = "FINISHED") -> dict[str, object]:
        return {names.SOURCES: sources, names.SEED: seed, "status": status, names.OUTCOME: ""}

    selection = select(
        jobs(run("aaa", 0), run("bbb", 1), run("aaa", 2, "FAILED"), run("bbb", 3, "FAILED"), run("", 4, "FAILED"))
    )
    groups = dict(iter(selection.compared.assign(collapsed=False).groupby(names.PROFILE)))
    found = {name: outcomes_of(group, selection.left_out) for name, group in groups.items()}
    assert {name: dict(zip(of[names.SEED], of["outcome"], strict=True)) for name, of in found.items()} == {
        "laptop, sources aaa": {0: "well", 2: "failed"},
        "laptop, sources bbb": {1: "well", 3: "failed"},
    }
    assert selection.unfinished == 3


def test_identities_restrict_and_those_without_a_run_count_as_unfinished() -> None:
    table = jobs({}, {names.SEED: 1}, {names.SEED: 2})
    wanted = table.loc[table["run_id"] == "b", names.IDENTITY].item()
    selection = select(table, [wanted, "0123abcd"])
    assert kept(selection) == "b"
    assert reasons(selection) == {}
    assert (selection.absent, selection.unfinished) == (["0123abcd"], 1)


def test_different_sample_counts_in_one_comparison_are_an_error_but_not_between_datasets() -> None:
    fewer = {"evaluation_samples": 1000.0}
    assert kept(select(jobs({}, {**fewer, names.DATASET: "mnist"}))) == "ab"
    with pytest.raises(ReportError, match=r"digits .*laptop.*1000 in attention; 5000 in baseline"):
        select(jobs({}, {**fewer, names.VARIANT: "attention"}))


def test_nothing_finished_is_an_error() -> None:
    with pytest.raises(ReportError, match="of 1 runs found, none has finished"):
        select(jobs({"status": "RUNNING"}))


def test_variants_are_ordered_by_first_run_after_the_baseline() -> None:
    table = jobs({names.VARIANT: "z"}, {names.VARIANT: "b"}, {}, {names.VARIANT: "a"}, {names.VARIANT: "z"})
    assert variant_order(table) == ["baseline", "z", "b", "a"]
