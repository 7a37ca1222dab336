from pathlib import Path

import pytest

from analysis.sections.reproduce import as_ranges, reproduce_parts
from experiments import names
from experiments.origin import Origin, content_hash
from experiments.study.options import parse_seeds
from tests.analysis.studies import compared, runs_of

RUNS = runs_of({"d_kl": {"baseline": [0.3, 0.4, 0.5], "a": [0.5, 0.6, 0.7]}})


def section(**columns: object) -> str:
    return "\n".join(reproduce_parts(compared(RUNS.assign(**columns))))


def test_the_command_names_file_profile_seeds_and_what_was_set() -> None:
    origin = Origin(file="my study.yaml", content="abc", settings={"total_kimg": 100, "loss": "x y"})
    text = section(**{names.ORIGIN: origin.as_text()})
    command = (
        "python -m experiments.run 'my study.yaml' --profile laptop --seeds 0-2 --only dataset=digits "
        "total_kimg=100 'loss=\"x y\"'"
    )
    assert f"Command: `{command}`." in text or command.replace("total_kimg=100 'loss=\"x y\"'", "") in text
    assert "'loss=\"x y\"'" in text
    assert "total_kimg=100" in text
    assert "content abc; it is not where the report was made." in text


def test_a_file_that_was_changed_since_is_said(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("study: x")
    origin = Origin(file=str(file), content=content_hash("study: x"))
    assert "; unchanged since." in section(**{names.ORIGIN: origin.as_text()})
    file.write_text("study: y")
    assert f"changed since, to {content_hash('study: y')}." in section(**{names.ORIGIN: origin.as_text()})


def test_what_was_not_recorded_is_unknown_and_what_differs_is_counted() -> None:
    text = section(**{names.TORCH: ["2.9"] * 4 + ["2.10"] * 2, names.COMMIT: "c0ffee", names.IS_EDITED: "True"})
    assert "Command and study file: unknown (not recorded). Seeds: 0-2." in text
    assert "torch: 2.9 (4 runs); 2.10 (2 runs)." in text
    assert "Commit: c0ffee with changes that were not committed." in text
    assert "Python: unknown (not recorded);" in text
    assert "Hardware: device cpu, processor unknown (not recorded), ranks 1, threads of each ?." in text


@pytest.mark.parametrize(("seeds", "text"), [([3, 0, 1], "0-1,3"), ([5], "5"), ([0, 2, 4, 5, 6], "0,2,4-6")])
def test_seeds_are_as_the_command_takes_them(seeds: list[int], text: str) -> None:
    assert as_ranges(seeds) == text
    assert parse_seeds(text) == sorted(seeds)


@pytest.mark.parametrize("text", ["nope", '{"new": 1}', "[1]"])
def test_an_origin_that_cannot_be_read_is_said(text: str) -> None:
    text = section(**{names.ORIGIN: text})
    assert "- Command and study file: the tag `origin` in MLflow cannot be read. Seeds: 0-2.\n" in text
