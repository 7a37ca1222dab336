"""The Optuna study behind a search."""

import optuna
from optuna.storages import BaseStorage

from experiments.tuning.own_setting import own_setting, own_setting_is_within
from experiments.tuning.pruners import make_pruner
from experiments.tuning.search import Search
from experiments.tuning.trial_attributes import IS_DEFAULT


def open_study(search: Search, storage: BaseStorage) -> optuna.Study:
    """The Optuna study of a search, created if need be, with the variant's own setting as its first trial."""
    study = optuna.create_study(
        storage=storage,
        study_name=study_name(search),
        directions=[objective.direction for objective in search.objectives],
        pruner=make_pruner(search),
        load_if_exists=True,
    )
    if not study.get_trials(deepcopy=False) and search.default_first and own_setting_is_within(search):
        setting = own_setting(search)
        own = {p.key: setting[p.key] for p in search.space.searched if p.key in setting}
        study.enqueue_trial(own, user_attrs={IS_DEFAULT: True}, skip_if_exists=True)
    return study


def existing_study(search: Search, storage: BaseStorage) -> optuna.Study | None:
    """The Optuna study of a search, if there is one."""
    if study_name(search) not in optuna.get_all_study_names(storage):
        return None
    return optuna.load_study(study_name=study_name(search), storage=storage)


def study_name(search: Search) -> str:
    """The search's name in the storage."""
    return f"{search.study.name}/{search.name}/{search.identity}"
