"""A launcher whose jobs are over when they begin, for tests of commands: their results are written, not trained.

And `analysis` without processes of its own, which take seconds to begin.
"""

import io
import os
import subprocess
from contextlib import nullcontext, redirect_stdout
from types import SimpleNamespace
from unittest.mock import patch

from experiments.launch.execution import Hardware
from r3gan.files import write_json
from r3gan.training.recorder import JsonlRecorder


def analysis_here(monkeypatch):
    """Let the commands of `analysis`, which others start as processes, run in this one, and draw no figures."""
    from analysis.__main__ import main  # takes seconds

    def run(command, env, stdout=None, **_):
        assert command[1:3] == ["-m", "analysis"]
        printed = io.StringIO()
        with patch.dict(os.environ, env), redirect_stdout(printed) if stdout else nullcontext():
            code = main(command[3:])
        return subprocess.CompletedProcess(command, code, printed.getvalue())

    monkeypatch.setattr("analysis.report.draw_all", lambda *_: [])
    for module in ("experiments.run", "experiments.adaptive"):
        monkeypatch.setattr(f"{module}.subprocess", SimpleNamespace(run=run, PIPE=subprocess.PIPE))


class Done:
    def __init__(self, code):
        self.code = code

    def poll(self):
        return self.code


class AtOnce:
    """`started`: variant and seed of each job, in order. d_kl: what a variant and a seed come to. killed_at: how many
    jobs start before a Ctrl-C. passes: called with variant and seed, to let a clock go on."""

    poll_seconds, slots, hardware = 0.0, 1, Hardware()

    def __init__(self, execution, started, d_kl, *, failing=(), killed_at=None, passes=lambda variant, seed: None):
        self.execution, self.started, self.d_kl = execution, started, d_kl
        self.failing, self.killed_at, self.passes = failing, killed_at, passes

    def prepare(self, jobs):
        pass

    def start(self, directory, slot):
        variant, seed = directory.root.parent.name, int(directory.root.name.split("-")[0].removeprefix("seed"))
        if len(self.started) == self.killed_at:
            raise KeyboardInterrupt
        self.started.append((variant, seed))
        self.passes(variant, seed)
        directory.log.touch()
        if (variant, seed) in self.failing:
            return Done(1)
        recorder = JsonlRecorder(directory)
        for images in (80, 160):
            recorder.record(images, 1.0, {"d_kl": self.d_kl(variant, seed)})
        data = {"name": "stacked-digits", "source": "nowhere", "content_hash": "abc"}
        write_json(directory.environment, {"dataset": data, "feature_networks": {}})
        write_json(directory.result, directory.points()[-1])
        return Done(0)
