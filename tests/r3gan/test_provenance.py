"""Which code trains a job: recorded at each start, and kept for the part of the training that it did."""

import json
import subprocess
from dataclasses import replace

import r3gan.provenance
from r3gan.provenance import code_here, source_hash
from r3gan.training.environment import Stretch, stretches
from tests.r3gan.small import small_config
from tests.r3gan.training.test_train import run_inside


def other_package(folder, monkeypatch, text="x = 1\n"):
    package = folder / "package"
    package.mkdir(parents=True)
    for name in ("__init__.py", "losses.py"):
        (package / name).write_text(text)
    monkeypatch.setattr(r3gan.provenance, "PACKAGE", package)
    code_here.cache_clear()
    source_hash.cache_clear()
    return package


def fresh():
    code_here.cache_clear()
    source_hash.cache_clear()
    return code_here()


def test_one_edited_character_is_another_hash_and_a_touched_file_is_not(tmp_path, monkeypatch):
    package = other_package(tmp_path, monkeypatch)
    before = fresh().sources
    (package / "losses.py").touch()
    (package / "notes.txt").write_text("no source")
    assert fresh().sources == before
    (package / "losses.py").write_text("x = 2\n")
    assert fresh().sources != before
    (package / "losses.py").write_text("x = 1\n")
    assert fresh().sources == before
    (package / "losses.py").rename(package / "penalties.py")
    assert fresh().sources != before


def test_commit_and_edits_are_those_of_the_repository_that_tracks_the_sources(tmp_path, monkeypatch):
    package = other_package(tmp_path, monkeypatch)

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert (fresh().commit, fresh().is_edited) == ("", False)
    git("init")
    assert fresh().commit == ""  # a repository around an environment, say, that does not track it
    git("add", ".")
    git("commit", "-m", "first")
    assert (fresh().commit, fresh().is_edited) == (git("rev-parse", "HEAD"), False)
    (package / "losses.py").write_text("x = 2\n")
    assert (fresh().commit, fresh().is_edited) == (git("rev-parse", "HEAD"), True)


def test_a_job_records_each_code_for_the_part_that_it_trained(tmp_path, monkeypatch):
    calls = iter(range(100))
    job, _ = run_inside(small_config(), tmp_path, should_stop=lambda: next(calls) == 6)
    other = replace(code_here(), sources="other")
    monkeypatch.setattr("r3gan.training.loop.code_here", lambda: other)
    run_inside(small_config(), tmp_path)
    recorded = json.loads(job.environment.read_text())["trained_by"]
    assert [(part["from_images"], part["code"]["sources"]) for part in recorded] == [(0, source_hash()), (56, "other")]


def test_what_was_trained_again_from_an_earlier_checkpoint_counts_for_who_trained_it_last():
    first, second = (replace(code_here(), sources=name) for name in "ab")
    before = {"trained_by": [{"from_images": n, "code": vars(c)} for n, c in ((0, first), (80, second))]}
    assert stretches(before, 160, second) == (Stretch(0, first), Stretch(80, second))
    assert stretches(before, 80, first) == (Stretch(0, first),)
    assert stretches(before, 0, second) == (Stretch(0, second),)
    assert stretches(None, 40, first) == (Stretch(40, first),)
