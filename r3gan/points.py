"""Lines of metrics.jsonl: recorded points, each with a checksum, so that a damaged one is never taken for another."""

import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Point = dict[str, Any]  # images, seconds, time, metrics
KEYS = {"images", "seconds", "time", "metrics"}
CHECKSUM = "crc32"


def as_line(point: Point) -> str:
    """A point as a line of the file, its line end included."""
    return json.dumps(point | {CHECKSUM: _checksum(point)}) + "\n"


def read_line(line: bytes) -> Point | None:
    """The point of a line; None if the line is not what was written. Lines of earlier versions have no checksum."""
    try:
        point = json.loads(line)
        promised = point.pop(CHECKSUM, None)
    except (ValueError, AttributeError, TypeError):
        return None
    is_sound = promised in (None, _checksum(point)) and point.keys() == KEYS and line.endswith(b"\n")
    return point if is_sound else None


def read_points(path: Path) -> tuple[list[Point], list[str]]:
    """All sound points of a file, and a sentence for each damaged line. A last line without an end is no line yet."""
    points, damage = [], []
    for number, line in enumerate(_lines(path), 1):
        point = read_line(line)
        if point is None:
            damage.append(f"line {number} of {path} is damaged")
        else:
            points.append(point)
    return points, damage


def points_before_damage(path: Path) -> tuple[list[Point], bool]:
    """The points up to the first damaged line, and whether that is all there is."""
    points: list[Point] = []
    data = path.read_bytes() if path.exists() else b""
    for line in data.splitlines(keepends=True):
        point = read_line(line)
        if point is None or (points and point["images"] <= points[-1]["images"]):
            return points, False
        points.append(point)
    return points, True


def as_lines(points: Iterable[Point]) -> str:
    """A whole file."""
    return "".join(map(as_line, points))


class PointReader:
    """Reads a file of points while it grows. Damaged lines are left out, and counted in `damaged`."""

    def __init__(self, path: Path):
        self.path, self.damaged = path, 0
        self._offset, self._file = 0, 0

    def read(self) -> list[Point]:
        """The points that are new since the last call; all again if the file was replaced."""
        if not self.path.exists():
            return []
        status = self.path.stat()
        if status.st_ino != self._file or status.st_size < self._offset:
            self.damaged, self._offset, self._file = 0, 0, status.st_ino
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        self._offset += sum(map(len, lines))
        found = [read_line(line) for line in lines]
        self.damaged += found.count(None)
        return [point for point in found if point is not None]


def _lines(path: Path) -> list[bytes]:
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1].splitlines(keepends=True)


def _checksum(point: Point) -> str:
    return f"{zlib.crc32(json.dumps(point, sort_keys=True).encode()):08x}"
