"""The report while a study runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from analysis.__main__ import main
from tests.analysis.conftest import FakeStudy, final

NewStudy = Callable[..., FakeStudy]
PAGE = Path("runs/tiny/report/report.html")


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """What happens between looks, in turn; afterwards nothing does. Returns the list of waits."""

    def set_up(*events: Callable[[], object]) -> list[int]:
        waits: list[int] = []

        def sleep(seconds: int) -> None:
            waits.append(seconds)
            if len(waits) <= len(events):
                events[len(waits) - 1]()

        monkeypatch.setattr("analysis.watch_command.time.sleep", sleep)
        monkeypatch.setattr("analysis.report.draw_all", lambda *_: [])  # takes seconds
        return waits

    return set_up


def test_it_waits_reports_partially_and_ends_by_itself(
    new_study: NewStudy, store: MlflowClient, between: Callable[..., list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    study = new_study("tiny")
    first = study.log("baseline", 0, final(modes=900.0), status="RUNNING")
    second = study.log("baseline", 1, final(modes=1.0), status="RUNNING")
    partial = []

    def second_ends() -> None:
        partial.extend([PAGE.read_text(), PAGE.with_suffix(".md").read_text()])
        store.log_metric(second, "modes", 910.0, step=21000)
        store.set_terminated(second)

    waits = between(lambda: store.set_terminated(first), second_ends)
    assert main(["watch", "--study", "tiny", "--every", "7"]) == 0
    assert waits == [7] * 4, "the third look is new, the next two are not"
    page, text = partial
    assert '<meta http-equiv="refresh" content="7">' in page
    assert "1 of 2 runs finished, 1 in training" in page
    assert "baseline (1)" in text
    assert "1 job without a result" in text
    assert "Partial" not in PAGE.read_text()
    assert "http-equiv" not in PAGE.read_text()
    assert "baseline (2)" in PAGE.with_suffix(".md").read_text()
    lines = [line for line in capsys.readouterr().out.splitlines() if "UTC:" in line]
    assert ["waiting for the first" in line for line in lines] == [True, False, False, False]
    assert lines[-1].endswith("the study has ended")


def test_an_interrupt_ends_with_130_and_a_page_that_stays(
    new_study: NewStudy, between: Callable[..., list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    study = new_study("tiny")
    study.log("baseline", 0, final(modes=900.0))
    study.log("baseline", 1, final(modes=1.0), status="RUNNING")

    def interrupt() -> None:
        raise KeyboardInterrupt

    between(interrupt)
    assert main(["watch"]) == 130
    page = PAGE.read_text()
    assert "http-equiv" not in page
    assert "Partial" in page
    assert page.endswith("</html>\n")
    assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_study_and_a_wait_that_is_none_are_errors(
    new_study: NewStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    new_study("tiny").log("baseline", 0, final(modes=900.0))
    assert main(["watch", "--study", "tinny"]) == 2
    assert "did you mean 'tiny'?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["watch", "--every", "0"])
    assert "'0' is no number of whole seconds" in capsys.readouterr().err
