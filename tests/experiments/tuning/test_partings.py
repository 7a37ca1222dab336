"""Where trials of a search may part from each other, as the space says, before any of them is trained."""

from itertools import pairwise

from experiments.tuning.partings import MOST, between, other_trials, partings
from experiments.tuning.sharing_text import checkpoint_bytes, sharing_text
from r3gan.beginning import latest_beginning
from r3gan.training.cost import Cost
from tests.experiments.tuning.conftest import GAMMA, RANGE

NO_SWITCH = {"loss": "no-switch"}


def hinge(fraction, margin=1.0):
    return {"loss": "hinge", "loss.1.from_fraction": fraction, "loss.1.margin": margin}


def test_the_values_of_a_stepped_place_are_kept_one_by_one_up_to_the_own_switch(over):
    made = over()
    assert partings(made, "baseline", NO_SWITCH).images == (40, 80, 120)
    assert partings(made, "baseline", hinge(0.5)).images == (40, 80)
    assert partings(made, "baseline", hinge(0.25)).images == (40,)


def test_a_range_of_places_is_kept_at_its_ends_and_evenly_between(over):
    made = over(places=RANGE, settings={"total_kimg": 8.0})
    places = partings(made, "baseline", NO_SWITCH).images
    assert (places[0], places[-1], len(places)) == (1600, 6400, MOST + 2)
    assert {place % 8 for place in places} == {0}
    steps = [later - earlier for earlier, later in pairwise(places)]
    assert max(steps) - min(steps) <= 8
    assert partings(made, "baseline", hinge(0.5)).images[-1] == 4000
    assert between(160, 160, 8) == set()


def test_every_place_is_one_that_another_trial_may_begin_in(over):
    made = over()
    own = made.configured("baseline", hinge(0.5))
    others = [made.configured("baseline", hinge(fraction, 2.0)) for fraction in (0.25, 0.5, 0.75)]
    assert [latest_beginning(other, own) for other in others] == [40, 80, 80]


def test_what_acts_from_the_start_as_a_range_leaves_nothing_to_share_and_as_a_choice_does(over, search):
    found = partings(
        over(more="    schedules.gamma: {log: [3, 300]}\n"), "baseline", NO_SWITCH | {"schedules.gamma": 30}
    )
    assert (found.images, found.from_the_start) == ((), "schedules.gamma")
    made = over(more="    batch_size: {choice: [8, 16]}\n")
    assert partings(made, "baseline", NO_SWITCH | {"batch_size": 16}).images == (48, 80, 128)


def test_what_is_not_sound_is_no_trial(over):
    made = over()
    (p,) = (p for p in made.space.parameters if p.key == "loss.1.from_fraction")
    (other,) = other_trials(made, "baseline", hinge(0.5), p, [1.5, 0.25])
    assert other.loss[1].from_fraction == 0.25


def test_the_dry_run_says_what_is_kept_and_what_it_takes_or_why_nothing_is_shared(over, search):
    cost = Cost(generator_parameters=10**6, discriminator_parameters=2 * 10**6, flops_per_image=1, memory_bytes=1,
        micro_batch=1, double_backward=False)  # fmt: skip
    assert checkpoint_bytes(cost) == 4 * (4 + 6) * 10**6
    assert sharing_text(over(), cost) == (
        "trials share their beginnings where they part later: the own setting's jobs keep 3 checkpoints for the others "
        "until the search is over, about 40 MB each, at 0.04, 0.08, 0.12 kimg"
    )
    assert "a setting's jobs keep" in sharing_text(over(more="    schedules.lr: {choice: [0.5, 0.6]}\n"), None)
    assert sharing_text(search(), None) == "trials share no beginnings: schedules.gamma.start acts from the start"
    only_sizes = search((GAMMA, "    batch_size: {choice: [8, 16]}\n"))
    assert sharing_text(only_sizes, None) == "trials share no beginnings: whatever is searched acts from the start"
