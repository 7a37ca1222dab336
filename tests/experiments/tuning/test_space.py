"""Search spaces: what a trial may choose."""

import optuna
import pytest

from experiments.study.problems import StudyError

BATCH = "batch_size: {choice: [8, 16]}"


def test_a_trial_chooses_within_the_space_and_only_what_is_active(search):
    more = f"""{BATCH}
    loss.1.margin: {{log: [0.25, 4], when: {{loss: hinge}}}}
    loss:
      choice:
        plain: [{{kind: relativistic-softplus}}]
        hinge: [{{kind: relativistic-softplus}}, {{kind: relativistic-hinge, from_fraction: 0.5}}]
    network.latent_dim: {{int: [8, 32], step: 8}}
    schedules.lr.decay_img: {{log_int: [1, 100], when: {{batch_size: [8, 32], loss: plain}}}}
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
        depends = chosen["loss"] == "plain" and chosen["batch_size"] == 8
        assert ("schedules.lr.decay_img" in chosen) == depends
        config = made.configured("baseline", chosen)
        assert config.schedules.gamma.start == chosen["schedules.gamma.start"]
        assert [phase.kind for phase in config.loss][1:] == ["relativistic-hinge"] * (chosen["loss"] == "hinge")
        if chosen["loss"] == "hinge":
            assert config.loss[1].margin == chosen["loss.1.margin"]
            assert config.loss[1].from_fraction == 0.5  # what the choice has set stays
