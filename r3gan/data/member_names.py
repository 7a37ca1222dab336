"""The names that archives give to their members, in one form: cat/0.png, however they were written."""

import re

DRIVE = re.compile(r"[A-Za-z]:")


def normal_name(name: str) -> str | None:
    """The name with slashes, without `.` and empty parts. None if it leads out of the archive: absolute, or by `..`."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or DRIVE.match(name) or ".." in parts:
        return None
    return "/".join(parts)
