"""The benchmark of a whole study: what it runs, what it counts, and what it says."""

import json

import pytest

from benchmarks import study
from benchmarks.study import AS_IT_IS, OTHER, Form, Taken, rotated, tables, trained_kimg
from r3gan.points import as_line


def test_each_round_begins_with_another_form():
    assert [rotated(["a", "b", "c"], number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_what_jobs_have_from_others_is_not_counted_as_trained(tmp_path):
    for name, inherited in (("a", None), ("b", 1200)):
        job = tmp_path / "runs" / "study" / name
        job.mkdir(parents=True)
        (job / "result.json").write_text("{}")
        (job / "metrics.jsonl").write_text(as_line({"images": 2000, "seconds": 1.0, "time": 0.0, "metrics": {}}))
        if inherited:
            record = {"name": "a/0", "identity": "x", "images": inherited, "seconds": 1.0}
            (job / "inherited.json").write_text(json.dumps(record))
    assert trained_kimg(tmp_path) == pytest.approx(2.8)


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """A function that runs the benchmark with made-up times: seconds by checkout, options and cores."""
    ran = []

    def run(place, form, asked, cores=()):
        ran.append((place, form.options, list(asked), *([list(cores)] if cores else [])))
        seconds = 100.0 if place != study.HERE else 55.0 + 10 * len(form.options)
        return Taken(seconds * (1 + sum(cores)), 90.0, 12.0)

    monkeypatch.setattr(study, "run", run)
    monkeypatch.setattr(study, "prepare", lambda place: None)
    monkeypatch.setattr(study, "commit_of", lambda place: place.name)

    def start(*arguments):
        monkeypatch.setattr("sys.argv", ["study", "--json", str(tmp_path / "result.json"), *arguments])
        study.main()
        return ran, json.loads((tmp_path / "result.json").read_text())

    return start


def test_every_form_is_run_in_every_round_and_compared_with_the_study_as_it_is(benchmark, tmp_path):
    other = tmp_path / "old"
    with pytest.raises(SystemExit):
        benchmark("--against", str(other))
    other.mkdir()
    (other / study.STUDY).touch()
    arguments = ("--rounds", "2", "--seeds", "0", "--forms", "without sharing", "--against", str(other))
    ran, result = benchmark(*arguments, "--set", "total_kimg=1")
    asked = ["--seeds", "0", "--set", "total_kimg=1"]
    plain, alone, old = (study.HERE, (), asked), (study.HERE, ("--no-sharing",), asked), (other, (), asked)
    assert ran == [plain, alone, old, alone, old, plain]
    (table,) = tables(result)
    assert [(row[0], row[2], row[3]) for row in table.rows] == [
        (AS_IT_IS, "55", "1.00"),
        ("without sharing", "65", "0.85"),
        (OTHER, "100", "0.55"),
    ]
    assert "other checkout old" in table.title


def test_forms_beside_the_study_as_it_is_have_halves_of_the_cores_and_exchange_them(benchmark, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1}, raising=False)
    ran, result = benchmark("--rounds", "3", "--seeds", "0", "--forms", "without sharing", "--beside")
    alone, plain = ((study.HERE, options, ["--seeds", "0"]) for options in (("--no-sharing",), ()))
    assert [sorted(ran[i : i + 2]) for i in (0, 2, 4)] == [
        [(*plain, [1]), (*alone, [0])],
        [(*plain, [0]), (*alone, [1])],
        [(*plain, [1]), (*alone, [0])],
    ]
    (row,) = tables(result)[0].rows
    assert row[:4] == ["without sharing", "12", "65", "1.69"], "the median of 110 / 65, 55 / 130 and 110 / 65"


def test_a_run_is_held_to_its_cores_and_its_failure_is_shown(monkeypatch):
    held = []
    monkeypatch.setattr("os.sched_setaffinity", lambda process, cores: held.append(cores), raising=False)
    with pytest.raises(SystemExit, match="no-such-key"):
        study.run(study.HERE, Form(), ["--dry-run", "--set", "no-such-key=1"], [1])
    assert held == [[1]]
    monkeypatch.setattr(study, "trained_kimg", lambda folder: len(list(folder.iterdir())))
    taken = study.run(study.HERE, Form(), ["--dry-run", "--no-costs"])
    assert held == [[1]]
    assert (taken.trained_kimg, taken.processor_seconds > 0) == (0, True)
