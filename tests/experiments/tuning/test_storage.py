"""Storages: what is refused and how, and which samplers and pruners a section means."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import optuna
import pytest

from experiments.study.problems import StudyError
from experiments.tuning.optuna_study import existing_study, open_study
from experiments.tuning.pruners import make_pruner
from experiments.tuning.samplers import make_sampler
from experiments.tuning.storage import default_url, is_there, open_storage, url_for_people

PRUNER = "pruner: none"


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("nonsense", "expected sqlite:///FILE, postgresql://USER@HOST/DATABASE or journal:FILE"),
        ("mysql+nosuchdriver://me@here/x", "nosuchdriver"),
        ("postgresql+pg8000://me:secret@here/x", "pip install 'psycopg[binary]' for postgresql://"),
        ("sqlite:////proc/nowhere/x.db", "cannot be opened"),
        ("sqlite://", "is kept in memory"),
        ("sqlite:///:memory:", "is kept in memory"),
        ("postgresql://u@h:notaport/x", "expected sqlite:///FILE"),
        ("journal:/proc/nowhere/x.log", "cannot be opened"),
    ],
)
def test_a_storage_that_cannot_be_opened_is_told_in_one_line_without_its_password(url, part):
    with pytest.raises(StudyError) as caught:
        open_storage(url)
    (problem,) = caught.value.problems
    assert part in str(problem)
    assert "secret" not in str(problem)
    assert "\n" not in str(problem)


def test_a_dry_look_at_a_storage_creates_nothing(tmp_path, search):
    url = default_url(tmp_path / "tune")
    assert not is_there(url)
    assert not (tmp_path / "tune").exists()
    storage = open_storage(url)
    assert is_there(url)
    assert existing_study(search(), storage) is None
    open_study(search(), storage)
    assert existing_study(search(), storage) is not None
    assert is_there("postgresql://me@here/x")
    assert not is_there(f"journal:{tmp_path}/no.log")


def test_commands_that_start_together_on_an_empty_storage_all_open_it(url):
    together = Barrier(6)

    def command(_):
        together.wait()
        return open_storage(url).get_all_studies()

    with ThreadPoolExecutor(together.parties) as commands:
        assert list(commands.map(command, range(together.parties))) == [[]] * together.parties


def test_passwords_are_not_shown():
    assert url_for_people("postgresql://me:secret@here/x") == "postgresql://me:***@here/x"


def test_the_own_setting_is_queued_once_and_only_if_the_space_holds_it(search, storage):
    for _ in range(2):
        assert len(open_study(search(), storage).trials) == 1
    assert open_study(search(("[3, 300]", "[3, 20]")), storage).trials == []
    assert open_study(search(("trials: 3", "trials: 3\n  default_first: false")), storage).trials == []


@pytest.mark.parametrize("kind", ["tpe", "random", "qmc", "nsga-ii", "nsga-iii"])
def test_every_sampler_proposes_within_the_space(search, kind):
    made = search(("sampler: random", f"sampler: {kind}"))
    study = optuna.create_study(sampler=make_sampler(made))
    for value in range(4):
        trial = study.ask()
        assert 3 <= made.space.suggest(trial)["schedules.gamma.start"] <= 300
        study.tell(trial, value)


def test_a_sequence_varies_conditional_parameters_too(search):
    hinge = "[{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.5}]"
    space = f"loss: {{choice: {{hinge: {hinge}}}}}\n    loss.1.margin: {{log: [0.25, 4], when: {{loss: hinge}}}}"
    made = search(("batch_size: {choice: [8, 16]}", space), ("sampler: random", "sampler: qmc"))
    study = optuna.create_study()
    for number in range(6):
        study.sampler = make_sampler(made, number)
        trial = study.ask()
        made.space.suggest(trial)
        study.tell(trial, 1.0)
    assert len({trial.params["loss.1.margin"] for trial in study.trials}) == 6


def test_the_first_generation_is_as_large_as_asked(search):
    sampler = make_sampler(search(("sampler: random", "sampler: {kind: nsga-ii, population: 7}")))
    assert sampler.population_size == 7


def test_the_proposals_of_a_sampler_depend_on_its_seed_on_the_trials_and_on_the_slot(search):
    made, other = search(), search(("sampler: random", "sampler: {kind: random, seed: 1}"))

    def proposal(sampler):
        return made.space.suggest(optuna.create_study(sampler=sampler).ask())["schedules.gamma.start"]

    samplers = [make_sampler(made), make_sampler(made, 1), make_sampler(made, 0, 1), make_sampler(other)]
    assert len({proposal(sampler) for sampler in samplers}) == 4
    assert proposal(make_sampler(made, 5)) == proposal(make_sampler(made, 5))


def test_pruners_count_in_images(search):
    median = make_pruner(search((PRUNER, "pruner: {kind: median, startup_trials: 7, warmup_kimg: 0.08}")))
    assert isinstance(median, optuna.pruners.MedianPruner)
    assert (median._n_startup_trials, median._n_warmup_steps) == (7, 80)
    band = make_pruner(search((PRUNER, "pruner: hyperband"), ("seeds: [1000]", "seeds: [1, 2]")))
    assert isinstance(band, optuna.pruners.HyperbandPruner)
    assert (band._min_resource, band._max_resource, band._reduction_factor) == (80, 320, 3)
    halving = make_pruner(search((PRUNER, "pruner: {kind: successive-halving, min_kimg: 0.04, reduction_factor: 2}")))
    assert isinstance(halving, optuna.pruners.SuccessiveHalvingPruner)
    assert (halving._min_resource, halving._reduction_factor) == (40, 2)
    assert isinstance(make_pruner(search()), optuna.pruners.NopPruner)
