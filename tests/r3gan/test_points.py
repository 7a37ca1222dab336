"""Lines of metrics.jsonl: a damaged one is never read as another point, and the others stay."""

import json
import random

import pytest

from r3gan.jobdir import JobDir
from r3gan.points import PointReader, as_line, as_lines, points_before_damage, read_line, read_points
from r3gan.training.recorder import JsonlRecorder

POINTS = [
    {"images": 10 * i, "seconds": 0.5 * i, "time": 1.75 + i, "metrics": {"loss_d": 1 / i, "d_kl": float("inf")}}
    for i in range(1, 4)
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(as_lines(POINTS))
    return path


def test_every_flipped_bit_of_a_line_is_seen():
    line = as_line(POINTS[2]).encode()
    assert read_line(line) == POINTS[2]
    for place in range(len(line)):
        for bit in range(8):
            flipped = bytearray(line)
            flipped[place] ^= 1 << bit
            assert read_line(bytes(flipped)) in (None, POINTS[2]), bytes(flipped)


def test_one_damaged_line_hides_no_other_point(path):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1].replace("20", "70") + lines[2])
    assert read_points(path) == ([POINTS[0], POINTS[2]], [f"line 2 of {path} is damaged"])
    assert points_before_damage(path) == (POINTS[:1], False)


@pytest.mark.parametrize("line", ["", "null", "[]", "{}", '{"images": 5}', "\x00" * 20, "{'images': 5}"])
def test_other_content_is_no_point(path, line):
    path.write_text(as_lines(POINTS[:1]) + line + "\n" + as_lines(POINTS[1:]))
    assert read_points(path)[0] == POINTS
    assert points_before_damage(path) == (POINTS[:1], False)


def test_a_line_of_an_earlier_version_has_no_checksum_and_is_read():
    assert read_line(json.dumps(POINTS[0]).encode() + b"\n") == POINTS[0]


def test_a_reader_follows_a_growing_file_and_begins_anew_in_a_replaced_one(path, tmp_path):
    whole = path.read_text()
    reader = PointReader(path)
    path.write_text(whole[:30])
    assert reader.read() == []
    path.write_text(whole[:-5])
    assert reader.read() == POINTS[:2]
    with path.open("a") as file:
        file.write(whole[-5:])
    assert reader.read() == POINTS[2:]
    (tmp_path / "new").write_text(as_lines(POINTS[1:]) + "damaged\n")
    (tmp_path / "new").replace(path)
    assert (reader.read(), reader.damaged) == (POINTS[1:], 1)


def test_points_that_are_in_the_file_are_not_written_again(tmp_path):
    job = JobDir(tmp_path)
    JsonlRecorder(job).record(10, 1.0, {"loss_d": 0.5})
    recorder = JsonlRecorder(job)
    recorder.record(10, 1.0, {"loss_d": 9.0})
    recorder.record(20, 2.0, {"loss_d": random.random()})
    assert [(point["images"], point["metrics"]["loss_d"] == 0.5) for point in job.points()] == [(10, True), (20, False)]
