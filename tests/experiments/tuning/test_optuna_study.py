"""The Optuna study behind a search: its first trial."""

from experiments.tuning.optuna_study import open_study


def test_the_own_setting_is_queued_once_and_only_if_the_space_holds_it(search, storage):
    for _ in range(2):
        assert len(open_study(search(), storage).trials) == 1
    assert open_study(search(("[3, 300]", "[3, 20]")), storage).trials == []
    assert open_study(search(("trials: 3", "trials: 3\n  default_first: false")), storage).trials == []
