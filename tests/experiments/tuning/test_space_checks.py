"""What is wrong with a search space is refused, with its line."""

import pytest

GAMMA = "schedules.gamma.start: {log: [3, 300]}"
BATCH = "batch_size: {choice: [8, 16]}"


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
def test_what_is_wrong_with_a_space_is_named_with_line_and_key(problems, line_of, tmp_path, old, new, parts):
    found = problems((old, new))
    key = new.split(":")[0]
    line = line_of(tmp_path / "study.yaml", f"    {new}")
    assert f"study.yaml:{line}: tune.space.{key}" in found[0]
    assert [part for part in parts if part not in found[0]] == []


def test_a_value_that_a_choice_does_not_have_is_refused(problems):
    dependent = f"{BATCH}\n    schedules.lr.start: {{log: [0.001, 0.01], when: {{batch_size: 32}}}}"
    (found,) = problems((BATCH, dependent))
    assert "when: unknown batch_size 32" in found


@pytest.mark.parametrize("value", ["[[8]]", "{a: 1}", "[]"])
def test_a_condition_that_names_no_plain_value_is_refused(problems, value):
    more = f"{BATCH}\n    schedules.lr.start: {{log: [0.001, 0.01], when: {{batch_size: {value}}}}}"
    (found,) = problems((BATCH, more))
    assert "when: batch_size: a value was expected, or a list of values" in found


@pytest.mark.parametrize("twice", ["loss.0.margin: {log: [1, 2]}\n    loss.00.margin", "schedules.gamma"])
def test_two_keys_that_set_the_same_are_refused(problems, twice):
    found = problems((BATCH, f"{twice}: {{log: [1, 2]}}"))
    assert "set the same: search one of them" in found[0]
