"""From the section to the space: what is added to a ready-made one, replaced and taken out."""

GAMMA = "schedules.gamma.start: {log: [3, 300]}"
BATCH = "batch_size: {choice: [8, 16]}"


def test_nothing_to_search_is_refused(problems):
    found = problems((GAMMA, "batch_size: {value: 8}"), (BATCH, "schedules.beta2: {value: 0.9}"))
    assert "name a key to search" in found[0]


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
