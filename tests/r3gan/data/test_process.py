"""Preparing in a process of its own, which is stopped by signals and by a full disk."""

import hashlib
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from tests.r3gan.conftest import as_zip, encode

ROOT = Path(__file__).parents[3]
COUNT = 4_000


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "r3gan", "data", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture(scope="module")
def many(crops, tmp_path_factory):
    """Many images: seconds of work."""
    image = encode(crops.images[0])
    return as_zip(tmp_path_factory.mktemp("many") / "many.zip", {f"{i:05d}.png": image for i in range(COUNT)})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_leave_a_state_to_go_on_from(many, crops, tmp_path, number):
    process = command("prepare", many, tmp_path / "set")
    journal, deadline = tmp_path / "set.partial" / "journal.json", time.time() + 60
    while not (journal.exists() and json.loads(journal.read_text())["done"]) and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "run the same command again to go on" in err
    assert "Traceback" not in err
    done = json.loads(journal.read_text())["done"]
    assert 0 < done < COUNT
    expected = hashlib.sha256(crops.images[0].tobytes() * COUNT).hexdigest()[:16]
    assert write_prepared(open_source([many]), tmp_path / "set", Options()).manifest.content_hash == expected


def test_a_full_disk_is_one_message_and_not_a_crash(many, tmp_path):
    limit = 4_000_000  # bytes in a file: a write behind it fails as on a full disk
    process = command(
        "prepare", many, tmp_path / "set", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "set.partial cannot be written" in err
    assert "run the same again to go on" in err
    assert "Traceback" not in err
    assert json.loads((tmp_path / "set.partial" / "journal.json").read_text())["done"] > 0
