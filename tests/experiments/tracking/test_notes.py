import json
from dataclasses import replace

import pytest

from experiments import names
from experiments.design import Design
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.tracking.address import how_to_compare
from experiments.tracking.describe import describe_study
from experiments.tracking.notes import NOTE, note_tags, run_note, study_note


@pytest.fixture
def jobs(write_study):
    return make_plan(read_study(write_study(("study: tiny\n", "study: tiny\nprimary: d_kl\n"))), None, {}, {}).jobs


def test_a_run_says_its_differences_to_the_baseline(jobs):
    by_variant = {job.variant: run_note(job) for job in jobs if job.seed == 1}
    assert by_variant["baseline"] == (
        "**baseline** on stacked-digits, seed 1, of the study tiny (profile quick). "
        "The other variants are compared with it."
    )
    assert by_variant["attention"] == (
        "**attention** on stacked-digits, seed 1, of the study tiny (profile quick). It differs from the baseline in "
        "this:\n\n- `network.attention.resolutions` is 8"
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "not there"), (True, "on"), (False, "off"), ([], "nothing"), ([8, 16, 32], "8, 16 and 32"), (0.5, "0.5")],
)
def test_values_are_said_in_words(jobs, value, words):
    assert run_note(replace(jobs[-1], differences={"key": value})).endswith(f"- `key` is {words}")


def test_a_study_says_what_is_compared_on_which_data_and_by_what(jobs):
    assert study_note(jobs) == (
        "Does **attention**, **switch** or **both** differ from the baseline?\n\n"
        "- on stacked-digits, 2 seeds for each variant: judged by `d_kl`, named before it ran"
    )
    alone = [replace(job, design=Design()) for job in jobs if job.variant == "baseline" and job.seed == 0]
    assert study_note(alone) == (
        "How good is the baseline?\n\n- on stacked-digits, 1 seed for each variant: no primary metric was named"
    )


def test_what_people_have_written_stays_and_what_was_sent_is_brought_up_to_date():
    first = note_tags("first", {})
    assert first[NOTE] == "first"
    assert note_tags("first", first) == {}
    assert note_tags("second", first)[NOTE] == "second"
    assert note_tags("second", first | {NOTE: "mine"}) == {}
    assert note_tags("second", {NOTE: "mine"}) == {}
    assert note_tags("second", first | {NOTE: ""})[NOTE] == "second"


def test_an_experiment_has_the_words_and_the_view_that_the_address_names(store, jobs):
    experiment = store.create_experiment("tiny")
    describe_study(store, experiment, [])
    assert NOTE not in store.get_experiment(experiment).tags, "nothing is known of the jobs"
    describe_study(store, experiment, jobs)
    store.set_experiment_tag(experiment, NOTE, "my own words")
    describe_study(store, experiment, jobs[:1])
    tags = store.get_experiment(experiment).tags
    assert tags[NOTE] == "my own words"
    key = how_to_compare("runs", experiment, "").rpartition("viewStateShareKey=")[2]
    state = json.loads(tags[f"mlflow.sharedViewState.{key}"])
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": names.VARIANT}]
