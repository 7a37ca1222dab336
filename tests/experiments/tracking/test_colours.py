import pytest

from analysis.figures.style import looks
from analysis.load import load_jobs
from analysis.selection import variant_order
from experiments.palette import COLOURS, colours, in_order
from experiments.tracking.colours import colour_runs
from tests.analysis.conftest import final, new_study  # noqa: F401


def colours_of(client, experiment):
    runs = client.search_runs([experiment])
    return {(run.data.tags["variant"], run.data.tags["seed"]): run.data.tags["mlflow.runColor"] for run in runs}


def test_runs_have_the_colours_of_the_figures(new_study, store):  # noqa: F811
    study = new_study()
    for variant, seed in (("switch-loss", 0), ("attention", 0), ("baseline", 0), ("attention", 1)):
        study.log(variant, seed, final(d_kl=1.0))
    colour_runs(store, study.experiment_id)
    found = colours_of(store, study.experiment_id)
    drawn = looks(variant_order(load_jobs(store, study.experiment_id)))
    assert found == {(variant, seed): drawn[variant].colour for variant, seed in found}
    assert [found[variant, "0"] for variant in ("baseline", "switch-loss", "attention")] == list(COLOURS[:3])


def test_colours_stay_when_a_variant_is_added_and_are_sent_once(new_study, store, monkeypatch):  # noqa: F811
    study = new_study()
    study.log("baseline", 0, final(d_kl=1.0))
    study.log("zebra", 0, final(d_kl=1.0))
    colour_runs(store, study.experiment_id)
    before = colours_of(store, study.experiment_id)
    study.log("ant", 0, final(d_kl=1.0))
    colour_runs(store, study.experiment_id)
    assert colours_of(store, study.experiment_id).items() > before.items()
    monkeypatch.setattr(type(store), "set_tag", lambda *_: pytest.fail("sent again"))
    colour_runs(store, study.experiment_id)


def test_variants_are_in_the_order_of_their_first_runs_and_the_baseline_before_them():
    assert in_order({"b": 2, "a": 2, "c": 1, "baseline": 9}) == ["baseline", "c", "a", "b"]


def test_no_variant_of_many_has_the_baselines_colour_and_those_of_one_colour_differ_in_their_marks():
    names = ["baseline", *(f"v{i:02}" for i in range(60))]
    found = colours({name: float(i) for i, name in enumerate(names)})
    assert [name for name in names if found[name] == found["baseline"]] == ["baseline"]
    drawn = looks(names)
    assert len({(drawn[name].colour, drawn[name].marker) for name in names[1:57]}) == 56
