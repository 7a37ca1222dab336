"""Trials as variants: the variant resolves to the very configuration that the trial trained."""

import json
from dataclasses import asdict, replace

import pytest

from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.tuning.apply_trial import apply_problems, apply_trials
from experiments.tuning.make_searches import make_searches
from experiments.tuning.optuna_study import open_study
from experiments.tuning.record import best_trials

HINGE = """\
loss:
      choice:
        paper: [{kind: relativistic-softplus}]
        hinge: [{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.5}]
    loss.1.margin: {log: [0.25, 4], when: {loss: hinge}}
    batch_size:"""
CONDITIONAL = (("batch_size:", HINGE), ("trials: 3", "trials: 8\n  default_first: false"))
FRONT = (("{metric: d_kl}", "[{metric: d_kl}, {metric: modes}]"), ("trials: 3", "trials: 3\n  default_first: false"))


def config_of(tmp_path, number):
    (path,) = (tmp_path / "files" / f"trial{number:04}").glob("*/config.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize("number", [None, 1, 3, 6])
def test_the_variant_resolves_to_what_the_trial_trained(search, storage, work, tmp_path, number):
    made = search(*CONDITIONAL)
    work(made, storage)
    file = tmp_path / "study.yaml"
    assert apply_trials(file, made.study, [made], storage, "tuned", number) == 0
    study = read_study(file)
    assert study.tuning_seeds["tuned"] == {1000}
    chosen = number if number is not None else best_trials(open_study(made, storage))[0].number
    jobs = [job for job in make_plan(study, None, {}, {}).jobs if job.variant == "tuned"]
    seed_of_the_trial = replace(jobs[0].config, seed=1000)
    assert json.loads(json.dumps(asdict(seed_of_the_trial))) == config_of(tmp_path, chosen)


def test_of_a_front_a_trial_must_be_chosen(search, storage, work, tmp_path, capsys, monkeypatch):
    made = search(*FRONT)
    work(made, storage)
    monkeypatch.setattr("experiments.tuning.apply_trial.best_trials", lambda study: study.trials[:2])
    file = tmp_path / "study.yaml"
    before = file.read_text()
    assert apply_trials(file, made.study, [made], storage, "tuned", None) == 1
    assert "none of the trials 0, 1 is best in every objective: choose one with --trial" in capsys.readouterr().err
    assert apply_trials(file, made.study, [made], storage, "tuned", 9) == 1
    assert "no trial is complete with the number 9" in capsys.readouterr().err
    assert file.read_text() == before
    assert apply_trials(file, made.study, [made], storage, "tuned", 1) == 0
    assert "trial: 1" in file.read_text()


def test_the_own_setting_is_not_written_as_a_variant_of_itself(search, storage, work, tmp_path, capsys):
    made = search()
    work(made, storage)  # by construction of the invented quality, the own setting is the best
    file = tmp_path / "study.yaml"
    before = file.read_text()
    assert apply_trials(file, made.study, [made], storage, "tuned", None) == 0
    assert "nothing is better than baseline's own setting: nothing is written" in capsys.readouterr().out
    assert file.read_text() == before


def test_what_the_command_line_sets_would_be_missing_from_the_variant(search):
    made = search()
    (problem,) = apply_problems(made.study, [made], "tuned", None, {"batch_size": 16})
    assert "--set changes batch_size, which the variant would not hold" in str(problem)


def test_a_variant_called_shared_is_included_like_any_other(write_tune, storage, work, tmp_path):
    path = write_tune(
        ("seeds: [1000]", "seeds: [1000]\n  variants: [shared]"), ("trials: 3", "trials: 3\n  default_first: false")
    )
    path.write_text(path.read_text().replace("variants:\n", "variants:\n  shared:\n    x_flip: true\n", 1))
    study = read_study(path)
    (made,) = make_searches(study, study.tune, {}, {"dataset": None, "variant": None})
    work(made, storage)
    assert apply_trials(path, study, [made], storage, "tuned", None) == 0
    assert read_study(path).includes["tuned"] == ["shared"]


def test_a_number_is_of_one_search(searches):
    made = searches(("seeds: [1000]", "seeds: [1000]\n  variants: [baseline, switch]"))
    (problem,) = apply_problems(made[0].study, made, "tuned", 3)
    assert str(problem) == "--trial: 3: is of which of the 2 searches? Choose with --variant and --dataset"
    assert list(apply_problems(made[0].study, made[:1], "tuned", 3)) == []
