"""Where a job comes from: what has to be given to a command for the same job again. A run carries it along as JSON."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The study file as it was when the job was planned, and what the command line changed in it."""

    file: str = ""  # as the command named it; empty: unknown
    content: str = ""  # hash of its text
    settings: Mapping[str, Any] = field(default_factory=dict)  # dotted key -> value

    def as_text(self) -> str:
        """JSON, for a tag."""
        return json.dumps(asdict(self), sort_keys=True)


def content_hash(text: str) -> str:
    """Sixteen hexadecimal digits that stand for the text of a study file."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
