"""`python -m r3gan average`: averages of G of any length, from those that its training stored along the run."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.config_json import from_dict
from r3gan.data.errors import BadData
from r3gan.data.places import require_new
from r3gan.files import new_folder, replace_file
from r3gan.jobdir import JobDir
from r3gan.model.conv import settle_weights
from r3gan.model.networks import Generator
from r3gan.power_averages import WIDEST, Mixture, Profile, solve
from r3gan.snapshot import save_weights
from r3gan.tensor_files import load_tensors

LARGEST_ERROR = 0.05  # of a profile's length, above which it is warned of


def add_average(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`r3gan average`."""
    parser = commands.add_parser("average", help="weights averaged over any length, of what a training stored")
    parser.add_argument("job", type=Path, help="a job's directory whose configuration had post_hoc.every_kimg")
    what = f"widths, each above 0 and below {WIDEST:.3f} (the plain average of the whole run)"
    parser.add_argument("--sigma-rel", type=width, nargs="+", required=True, metavar="S", help=what)
    when = "the stored moment at which they end (default: the last)"
    parser.add_argument("--at-kimg", type=float, metavar="N", help=when)
    where = "NAME.safetensors for one width, or a folder, which gets a file for each"
    parser.add_argument("--out", type=Path, required=True, help=where)
    parser.set_defaults(run=run_average)


def width(text: str) -> float:
    """A sigma_rel of the command line."""
    value = float(text)
    if not 0 < value < WIDEST:
        raise argparse.ArgumentTypeError(f"{text} must be above 0 and below {WIDEST:.3f}")
    return value


def run_average(options: argparse.Namespace) -> int:
    """Read, mix, write, and say what was written and how near it came."""
    out, widths = options.out, list(dict.fromkeys(options.sigma_rel))
    if out.suffix not in ("", ".safetensors"):
        raise BadData(f"{out} ends in {out.suffix}: NAME.safetensors or a folder's name was expected")
    if out.suffix and len(widths) > 1:
        raise BadData(f"{out} is one file for {len(widths)} widths: name a folder")
    require_new(out)
    stored = stored_until(JobDir(options.job), options.at_kimg)
    images = stored[-1][0]
    config, profiles = read_profiles([path for _, path in stored])
    mixtures = [solve(profiles, Profile(images, sigma)) for sigma in widths]
    averages = mix([path for _, path in stored], mixtures)

    def write(i: int, path: Path) -> None:
        facts = {"sigma_rel": widths[i], "stored_averages": len(stored), "profile_error": mixtures[i].error}
        save_weights(generator_of(config, averages[i]), path, config, images, **facts)

    def write_all(folder: Path) -> None:
        for i, sigma in enumerate(widths):
            write(i, folder / f"sigma-rel-{sigma:g}.safetensors")

    if out.suffix:
        replace_file(out, partial(write, 0))
    else:
        new_folder(out, write_all)
    for sigma, mixture in zip(widths, mixtures, strict=True):
        if mixture.error > LARGEST_ERROR:
            print(f"warning: sigma_rel {sigma:g} is missed by {mixture.error:.0%}: the stored averages do not span it",
                  file=sys.stderr)  # fmt: skip
    errors = ", ".join(f"{s:g} (to {m.error:.1%})" for s, m in zip(widths, mixtures, strict=True))
    origin = f"after {images / IMG_PER_KIMG:g} kimg, of {len(stored)} stored averages"
    print(f"{out} is written: sigma_rel {errors}, {origin}")
    return 0


def stored_until(job: JobDir, kimg: float | None) -> list[tuple[int, Path]]:
    """What was stored up to a moment, which is a stored one. Raises BadData if there is no such moment."""
    stored = job.stored_averages()
    if not stored:
        raise BadData(f"{job.root} has no stored averages: its training needs post_hoc.every_kimg")
    moments = sorted({images for images, _ in stored})
    last = moments[-1] if kimg is None else round(kimg * IMG_PER_KIMG)
    if last not in moments:
        listed = ", ".join(f"{images / IMG_PER_KIMG:g}" for images in moments)
        raise BadData(f"{job.root} stored no averages at {kimg:g} kimg, but at {listed}")
    return [(images, path) for images, path in stored if images <= last]


def read_profiles(paths: Sequence[Path]) -> tuple[TrainConfig, list[Profile]]:
    """Whose averages they are, and over what. Raises DamagedTensors, OSError, and BadData for other files."""
    profiles, config = [], None
    for path in paths:
        facts = load_tensors(path)[1]
        try:
            config = from_dict(TrainConfig, facts["config"])
            profiles.append(Profile(facts["images"], facts["sigma_rel"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BadData(f"{path} is no stored average of this project: {error}") from error
    assert config is not None
    return config, profiles


def mix(paths: Sequence[Path], mixtures: Sequence[Mixture]) -> list[dict[str, Tensor]]:
    """One average for each mixture, summed in float64, with one stored average in memory at a time."""
    sums: list[dict[str, Tensor]] = [{} for _ in mixtures]
    for i, path in enumerate(paths):
        for name, tensor in load_tensors(path)[0].items():
            for sum_, mixture in zip(sums, mixtures, strict=True):
                part = tensor.double() * mixture.factors[i]
                sum_[name] = sum_[name].add_(part) if name in sum_ else part
    return [{name: tensor.float() for name, tensor in sum_.items()} for sum_ in sums]


def generator_of(config: TrainConfig, parameters: dict[str, Tensor]) -> Generator:
    """With these parameters; what weight rules remember is found anew from them."""
    embedding = parameters.get("embedding.weight", torch.empty(0, 0))
    generator = Generator(config.network, embedding.shape[1])
    generator.load_state_dict(generator.state_dict() | parameters)
    settle_weights(generator)
    return generator
