"""`cancel` takes a study's jobs out of Slurm, and notes those that Slurm has let go."""

import shutil
from pathlib import Path

import pytest

from experiments.cancel import main
from experiments.cluster import queue
from experiments.cluster.queue import SlurmAway
from experiments.cluster.submissions import Submissions
from experiments.study.plan import make_plan
from experiments.study.study import read_study


@pytest.fixture
def submitted(write_study, tmp_path, monkeypatch):
    """A study, whose jobs Slurm has as 7_0, 7_1 and so on, in the working folder: the arguments of its command."""
    monkeypatch.chdir(tmp_path)
    path = write_study()
    jobs = make_plan(read_study(path), None, {}, {}).jobs
    note = submissions()
    note.folder.mkdir(parents=True)
    note.add({job.identity: f"7_{i}" for i, job in enumerate(jobs)})
    return [str(path)]


def test_a_copy_of_the_folder_leaves_the_originals_jobs_alone(submitted, slurm, tmp_path, monkeypatch, capsys):
    shutil.copytree(tmp_path / "runs", tmp_path / "copy/runs")
    monkeypatch.chdir(tmp_path / "copy")
    assert main(submitted) == 0
    assert "cancelled 0 jobs" in capsys.readouterr().out
    assert slurm[0] == []
    monkeypatch.chdir(tmp_path)
    assert main(submitted) == 0
    assert "cancelled 8 jobs" in capsys.readouterr().out


@pytest.fixture
def slurm(monkeypatch):
    """Slurm with elements of the array 7. Returns what scancel was asked for, and how many of its calls succeed."""
    cancelled, succeed = [], [100]

    def ask(command, *words):
        if command == "squeue":
            return "".join(f"7|{i}|PENDING|Priority|\n" for i in range(8))
        assert command == "scancel"
        if len(cancelled) == succeed[0]:
            raise SlurmAway("Slurm does not answer here (no)")
        cancelled.append(words)
        return ""

    monkeypatch.setattr(queue, "ask", ask)
    return cancelled, succeed


def submissions():
    return Submissions.of(Path("runs"), "tiny")


def test_what_slurm_did_not_take_out_is_not_noted_as_cancelled(submitted, slurm, monkeypatch, capsys):
    monkeypatch.setattr(queue, "MOST_CANCELLED", 3)
    slurm[1][0] = 1
    assert main(submitted) == 2
    assert "Slurm does not answer" in capsys.readouterr().err
    assert submissions().cancelled() == {"7_0", "7_1", "7_2"}
    slurm[1][0] = 100
    assert main(submitted) == 0
    assert "cancelled 8 jobs; those that train write" in capsys.readouterr().out
    assert submissions().cancelled() == {f"7_{i}" for i in range(8)}
