"""Search spaces: what is refused, with its line, and what a trial may choose."""

import optuna
import pytest

from experiments.study.problems import StudyError
from experiments.study.study import read_study
from experiments.tuning.make_searches import make_searches
from experiments.tuning.own_setting import own_setting_is_within
from r3gan.presets import PRESETS

GAMMA = "schedules.gamma.start: {log: [3, 300]}"
BATCH = "batch_size: {choice: [8, 16]}"


def problems(searches, *replacements):
    with pytest.raises(StudyError) as caught:
        searches(*replacements)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (GAMMA, "schedules.gamma.start: {log: [300, 3]}", ["low end 300 is not below the high end 3"]),
        (GAMMA, "schedules.gamma.start: {log: [3, 3]}", ["low end 3 is not below the high end 3"]),
        (GAMMA, "schedules.gamma.start: {log: [0, 3]}", ["low end 0 must be above 0"]),
        (GAMMA, "schedules.gamma.start: {log: [3]}", ["is not a pair [low, high]"]),
        (GAMMA, "schedules.gamma.start: {log: [3, high]}", ["'high' is not a valid number"]),
        (GAMMA, "schedules.gamma.start: {log: [3, 300], uniform: [1, 2]}", ["exactly one of", "uniform and log"]),
        (GAMMA, "schedules.gamma.start: {}", ["exactly one of", "none"]),
        (GAMMA, "schedules.gamma.start: {logg: [3, 300]}", ["unknown key logg", "did you mean log?"]),
        (GAMMA, "schedules.gamma.start: {log: [3, 300], step: 2}", ["step goes with uniform and int only"]),
        (GAMMA, "schedules.gamma.start: {uniform: [3, 300], step: 900}", ["step: 900 does not fit"]),
        (GAMMA, "schedules.gama.start: {log: [3, 300]}", ["unknown key gama", "did you mean gamma?"]),
        (GAMMA, "schedules.beta2: {uniform: [0.8, 1.5]}", ["must be from 0 to below 1"]),
        (GAMMA, "network.latent_dim: {uniform: [8, 9]}", ["not a valid integer"]),
        (GAMMA, "loss.1.margin: {log: [1, 2]}", ["1 is not an entry of the list of 1"]),
        (GAMMA, "dataset: {choice: [a, b]}", ["cannot be searched", "comes from"]),
        (GAMMA, "seed: {int: [1, 9]}", ["cannot be searched", "comes from"]),
        (GAMMA, "x_flip: {choice: [true, false]}", ["cannot be searched", "changes the data"]),
        (GAMMA, "evaluation.samples: {int: [1000, 2000]}", ["cannot be searched", "how trials are measured"]),
        (GAMMA, "total_kimg: {uniform: [1, 2]}", ["cannot be searched", "what a trial costs"]),
        (BATCH, "batch_size: {choice: []}", ["[] is not a list of plain values"]),
        (BATCH, "batch_size: {choice: [8, 8]}", ["a value is given twice"]),
        (GAMMA, "schedules.gamma.start: {log: [3, .inf]}", ["3 to inf is not a finite range"]),
        (GAMMA, "schedules.gamma.start: {uniform: [3, 4], step: .nan}", ["step: nan does not fit"]),
        (BATCH, "batch_size: {choice: {2020-01-01: 8, b: 16}}", ["neither text nor a number: put it into quotes"]),
        (BATCH, "batch_size: {choice: [1, true]}", ["a value is given twice"]),
        (BATCH, "batch_size: 16", ["a mapping of keys was expected, not 16"]),
        (
            GAMMA,
            "schedules.gamma.start: {uniform: [3, 4], step: 0.3}",
            ["in steps of 0.3, 3.9 is reached and 4 is not"],
        ),
        (BATCH, "loss: {choice: [[{kind: non-saturating}]]}", ["give", "a name"]),
        (BATCH, "batch_size: {choice: [8, 16], when: {lr: 1}}", ["when: unknown searched choice lr"]),
        (BATCH, "batch_size: {choice: [8, 16], when: {schedules.gamma.start: 3}}", ["when: unknown searched choice"]),
        (BATCH, "batch_size: {choice: [8, 16], when: {batch_size: 8}}", ["depends on itself"]),
        (BATCH, "include: [loss-shedule]", ["unknown space loss-shedule", "did you mean loss-schedule?"]),
        (BATCH, "schedules.lr.end: null", ["unknown key to take out: schedules.lr.end"]),
    ],
)
def test_what_is_wrong_with_a_space_is_told_with_line_and_key(searches, line_of, tmp_path, old, new, parts):
    found = problems(searches, (old, new))
    key = new.split(":")[0]
    line = line_of(tmp_path / "study.yaml", f"    {new}")
    assert f"study.yaml:{line}: tune.space.{key}" in found[0]
    assert [part for part in parts if part not in found[0]] == []


def test_a_value_that_a_choice_does_not_have_is_told(searches):
    dependent = f"{BATCH}\n    schedules.lr.start: {{log: [0.001, 0.01], when: {{batch_size: 32}}}}"
    (found,) = problems(searches, (BATCH, dependent))
    assert "when: unknown batch_size 32" in found


def test_a_range_that_fails_at_one_end_only_is_found_before_anything_runs(searches):
    # 4 * 16 = 64 channels inside the blocks of the first stage: not divisible by 4 groups at every width
    (found,) = problems(searches, (GAMMA, "network.attention.resolutions: {choice: {ok: [8], bad: [16]}}"))
    assert "16 is not a resolution of this network" in found


def test_nothing_to_search_is_refused(searches):
    found = problems(searches, (GAMMA, "batch_size: {value: 8}"), (BATCH, "schedules.beta2: {value: 0.9}"))
    assert "name a key to search" in found[0]


def test_a_trial_chooses_within_the_space_and_only_what_is_active(search):
    more = f"""{BATCH}
    loss.1.margin: {{log: [0.25, 4], when: {{loss: hinge}}}}
    loss:
      choice:
        plain: [{{kind: relativistic-softplus}}]
        hinge: [{{kind: relativistic-softplus}}, {{kind: relativistic-hinge, from_fraction: 0.5}}]
    network.latent_dim: {{int: [8, 32], step: 8}}
    schedules.lr.start: {{log_int: [1, 100], when: {{batch_size: [8, 32], loss: plain}}}}
    """
    with pytest.raises(StudyError, match="unknown batch_size 32"):
        search((BATCH, more))
    made = search((BATCH, more.replace("[8, 32], loss", "[8], loss")))
    keys = [p.key for p in made.space.parameters]
    assert keys.index("loss") < keys.index("loss.1.margin")  # whatever the order in the file
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(60):
        chosen = made.space.suggest(study.ask())
        assert 3 <= chosen["schedules.gamma.start"] <= 300
        assert chosen["network.latent_dim"] in (8, 16, 24, 32)
        assert ("loss.1.margin" in chosen) == (chosen["loss"] == "hinge")
        assert ("schedules.lr.start" in chosen) == (chosen["loss"] == "plain" and chosen["batch_size"] == 8)
        config = made.configured("baseline", chosen)
        assert config.schedules.gamma.start == chosen["schedules.gamma.start"]
        assert [phase.kind for phase in config.loss][1:] == ["relativistic-hinge"] * (chosen["loss"] == "hinge")
        if chosen["loss"] == "hinge":
            assert config.loss[1].margin == chosen["loss.1.margin"]
            assert config.loss[1].from_fraction == 0.5  # what the choice has set stays


@pytest.mark.parametrize("preset", PRESETS)
def test_the_ready_made_space_is_sound_for_every_preset_and_holds_its_own_setting(preset, tmp_path):
    path = tmp_path / "study.yaml"
    metric = "d_kl" if PRESETS[preset].metric == "digits" else "fid"
    path.write_text(
        f"study: s\nprofile: p\ndatasets: {{d: {{preset: {preset}}}}}\nprofiles: {{p: {{datasets: [d]}}}}\n"
        f"tune: {{space: {{include: [loss-schedule]}}, objective: {{metric: {metric}}}, trials: 5}}\n"
    )
    study = read_study(path)
    (made,) = make_searches(study, study.tune, {}, {"dataset": None, "variant": None})
    assert own_setting_is_within(made)
    keys = {p.key for p in made.space.searched}
    assert {"schedules.gamma.start", "schedules.gamma.end", "schedules.gamma.decay_img", "loss"} <= keys
    assert any(key.startswith("schedules.ema_half_life_img") for key in keys)


def test_edges_are_tried_out_also_where_a_key_is_searched_under_a_rare_choice_only(searches):
    plain = "[{kind: relativistic-softplus}]"
    hinge = "[{kind: relativistic-softplus}, {kind: relativistic-hinge, from_fraction: 0.5}]"
    choice = ", ".join([f"c{i}: {plain}" for i in range(40)] + [f"rare: {hinge}"])
    more = f"loss: {{choice: {{{choice}}}}}\n    loss.1.margin: {{uniform: [-0.5, 4], when: {{loss: rare}}}}"
    (found,) = problems(searches, (BATCH, more))
    assert "tune.space.loss.1.margin: -0.5 must be above 0" in found


@pytest.mark.parametrize("value", ["[[8]]", "{a: 1}", "[]"])
def test_a_condition_that_names_no_plain_value_is_told(searches, value):
    more = f"{BATCH}\n    schedules.lr.start: {{log: [0.001, 0.01], when: {{batch_size: {value}}}}}"
    (found,) = problems(searches, (BATCH, more))
    assert "when: batch_size: a value was expected, or a list of values" in found


@pytest.mark.parametrize("twice", ["loss.0.margin: {log: [1, 2]}\n    loss.00.margin", "schedules.gamma"])
def test_two_keys_that_set_the_same_are_told(searches, twice):
    found = problems(searches, (BATCH, f"{twice}: {{log: [1, 2]}}"))
    assert "set the same: search one of them" in found[0]


def test_an_own_key_replaces_what_lies_below_it_and_depends_on_it_in_a_ready_made_space(search):
    without = [(f"    schedules.gamma.{key}\n", "") for key in ("end: {value: 30}", "decay_img: {value: 160}")]
    gamma = search((GAMMA, "include: [loss-schedule]\n    schedules.gamma: {log: [3, 30]}"), *without)
    keys = [p.key for p in gamma.space.parameters]
    assert [key for key in keys if "gamma" in key] == ["schedules.gamma"]
    assert "schedules.beta2.start" in keys
    choice = "{a: [{kind: non-saturating}], b: [{kind: relativistic-softplus}]}"
    loss = search((BATCH, f"include: [loss-schedule]\n    loss: {{choice: {choice}}}"))
    assert [p.key for p in loss.space.parameters if p.key.startswith("loss")] == ["loss"]


def test_null_takes_out_of_a_ready_made_space_with_all_that_depends_on_it(search):
    made = search((BATCH, "include: [loss-schedule]\n    loss: null"))
    assert not [p.key for p in made.space.parameters if p.key.startswith("loss")]
    assert next(p for p in made.space.parameters if p.key == "schedules.gamma.start").high == 300
