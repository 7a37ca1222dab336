"""A launcher whose jobs are over when they begin, for tests of commands: their results are written, not trained."""

from experiments.launch.execution import Hardware
from r3gan.files import write_json
from r3gan.training.recorder import JsonlRecorder


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
