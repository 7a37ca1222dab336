"""`python -m r3gan train`: a job whose directory is there, or a run outside a study."""

import argparse
import json
from pathlib import Path

from r3gan.arguments import positive, seed_number
from r3gan.computation import add_computation, computation_of
from r3gan.data.errors import BadData
from r3gan.job import train_job
from r3gan.jobdir import JobDir

ALONE = ("data", "preset", "out")  # what a run outside a study needs


def add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan train`."""
    parser = commands.add_parser(
        "train",
        help="train outside a study, or go on with it: --data, --preset and --out; or run a job's directory",
        epilog="any configuration key can be set, such as batch_size=32; docs/ablations-yaml.md lists them",
    )
    add = parser.add_argument
    add("words", nargs="*", metavar="KEY=VALUE | JOB", help="configuration keys, or the directory of a job to run")
    add("--data", metavar="NAME|PATH", help="a dataset's name, or a folder or zip of images to prepare")
    add("--preset", metavar="PRESET", help="ffhq64, say, or '{like: ffhq64, resolution: 128}'")
    add("--out", type=Path, metavar="DIR", help="the directory of the training; run again to go on with it")
    add("--init-from", metavar="WEIGHTS", help="fine-tuning: a job, checkpoint or file of weights to begin with")
    add("--seed", type=seed_number, default=0, help="names every random stream (default: 0)")
    add("--gpus", type=positive, default=1, metavar="N", help="GPUs to train on (default: 1); without any, processes")
    add("--track", action="store_true", help="copy points, samples and weights to MLflow")
    add_computation(parser)
    parser.set_defaults(run=run_train)


def run_train(options: argparse.Namespace) -> int:
    """Either. Raises BadData if it is not clear which."""
    missing = [f"--{name}" for name in ALONE if getattr(options, name) is None]
    settings = [word for word in options.words if "=" in word]
    if len(missing) == len(ALONE) and len(options.words) == 1 and (not settings or Path(settings[0]).is_dir()):
        return train_job(JobDir(Path(options.words[0])), computation_of(options))
    if missing:
        raise BadData(f"train needs {', '.join(missing)} too, or the directory of a job alone")
    if len(settings) < len(options.words):
        odd = next(word for word in options.words if "=" not in word)
        raise BadData(f"{odd}: KEY=VALUE was expected, such as total_kimg=10")
    from r3gan.single.run import run_alone

    options.settings = settings + ([f"init_from={json.dumps(options.init_from)}"] if options.init_from else [])
    return run_alone(options)
