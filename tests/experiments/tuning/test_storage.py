"""Storages: what is refused and how, and that commands can open one together."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from experiments.study.problems import StudyError
from experiments.tuning.optuna_study import existing_study, open_study
from experiments.tuning.storage import default_url, is_there, open_storage, url_for_people


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
def test_a_storage_that_cannot_be_opened_is_reported_in_one_line_without_its_password(url, part):
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
