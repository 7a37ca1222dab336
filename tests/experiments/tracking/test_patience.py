import threading

import pytest

from experiments.tracking import store
from experiments.tracking.patience import NoAnswer, call_patiently


def test_each_answer_gives_a_call_its_time_again():
    def work(answered):
        for _ in range(8):
            threading.Event().wait(0.3)
            answered()
        return "done"

    assert call_patiently(work, 2.0) == "done"


def test_a_call_without_an_answer_is_left_behind():
    over = threading.Event()
    with pytest.raises(NoAnswer, match=r"did not answer within 0\.1 s"):
        call_patiently(lambda answered: over.wait(60), 0.1)
    over.set()


def test_what_a_call_raises_is_the_callers_also_if_it_ran_out_of_time_itself():
    def work(answered):
        raise TimeoutError("of the call itself")

    with pytest.raises(TimeoutError, match="of the call itself"):
        call_patiently(work, 60)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_store_that_is_yet_to_be_made_may_take_longer(is_there, tmp_path, monkeypatch):
    if is_there:
        (tmp_path / "mlflow.db").touch()
    monkeypatch.setattr("mlflow.get_tracking_uri", lambda: f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setattr(store, "_open", lambda study: threading.Event().wait(0.3) or ("1", []))
    experiment, troubles = store.open_store("tiny", 0.05)
    assert experiment == (None if is_there else "1")
    assert len(troubles) == is_there
