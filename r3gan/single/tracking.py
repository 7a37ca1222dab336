"""`--track`: another program of the project follows the job's directory and copies it to MLflow.

r3gan knows that program by its name alone, and works without it and without MLflow.
"""

import subprocess
import sys
from importlib.util import find_spec

from r3gan.data.errors import BadData
from r3gan.jobdir import JobDir

PROGRAM = "experiments.follow"
NEEDED = ("experiments", "mlflow")
WAIT_SECONDS = 60  # for what is left to send when training has ended


def require_tracking() -> None:
    """Raises BadData if the program or MLflow is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise BadData(f"--track needs {' and '.join(missing)}, not installed here: `pip install -e .` in the project")


class Follower:
    """The program, from the start of training to its end."""

    def __init__(self, job: JobDir):
        self._process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, str(job.root)], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def end(self, code: int) -> None:
        """Say with which exit code training has ended, and wait until the rest is sent."""
        try:
            self._process.communicate(f"{code}\n", timeout=WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            print("warning: MLflow is behind: `python -m experiments.sync` sends the rest", file=sys.stderr)
