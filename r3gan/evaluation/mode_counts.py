"""How many samples of a job's last evaluation show each mode, as a small file: which modes are missing."""

import json

from torch import Tensor

from r3gan.files import write_text
from r3gan.jobdir import JobDir


def write_mode_counts(job: JobDir, images: int, counts: Tensor) -> None:
    """Keep counts int64 [M] of the samples after so many images, in the place of those before. Raises OSError."""
    write_text(job.modes, json.dumps({"images": images, "counts": counts.tolist()}) + "\n")
