"""One new row in every table, and a study that uses them all: run by tests/test_new_rows.py in a process of its own.

What a newcomer would write: a row each, and the functions that the rows name. Nothing else of the project is changed.
"""

import json
import sys
from pathlib import Path

from torch.nn import functional as F

from r3gan.deferred import Deferred
from r3gan.tables.activations import ACTIVATIONS, ActivationRow
from r3gan.tables.extractors import EXTRACTORS, ExtractorRow
from r3gan.tables.losses import LOSSES, LossRow
from r3gan.tables.metrics import METRICS, Metric, Number
from r3gan.tables.resamplings import RESAMPLINGS, ResamplingRow

HERE = "tests.new_rows"


def add_rows():
    """Before the configuration is imported, as if they stood in the files."""
    LOSSES["least-squares"] = LossRow(
        discriminator=Deferred(f"{HERE}:least_squares_d"),
        generator=Deferred(f"{HERE}:least_squares_g"),
        options=("margin",),
        discriminator_text="(D(x) - D(G(z)) - margin)^2",
        generator_text="(D(G(z)) - D(x) - margin)^2",
    )
    ACTIVATIONS["steep-relu"] = ActivationRow(
        function=Deferred(f"{HERE}:steep_relu"), gain=1.6**0.5, negative_slope=0.5, text="slope 0.5"
    )
    RESAMPLINGS["smooth"] = ResamplingRow(taps=(1.0, 5.0, 10.0, 10.0, 5.0, 1.0), text="binomial")
    EXTRACTORS["mean-colour"] = ExtractorRow(made_for=Deferred(f"{HERE}:register_mean_colour"))
    METRICS["brightness"] = Metric(
        extractor="mean-colour",
        layers=("colour",),
        reference="nothing",
        scorer=Deferred(f"{HERE}:score_brightness"),
        numbers=(Number(key="brightness", better="higher", label="Brightness", unit="of 255", spec=".1f"),),
        best="brightness",
        progress=("brightness",),
        features_text="mean colour",
    )
    from experiments.study.search_methods import PRUNERS, SAMPLERS, SearchMethod
    from r3gan.data.catalog import DATASETS, DatasetRow
    from r3gan.data.facts import Facts
    from r3gan.data.stacked_digit_files import StackedDigitFiles
    from r3gan.presets import PRESETS

    DATASETS["dots"] = DatasetRow(
        Facts(8, 1000), StackedDigitFiles(loader=Deferred(f"{HERE}:load_dots"), package="this test")
    )
    PRESETS["dots-8x8"] = PRESETS["digits-8x8"]._replace(widths=(16, 8), groups=(4, 2), metric="brightness")
    SAMPLERS["first"] = SearchMethod(Deferred(f"{HERE}:make_first"), ("seed",), True, "always the low end")
    PRUNERS["never"] = SearchMethod(Deferred("experiments.tuning.pruners:make_none"), (), True, "no trial is ended")
    from experiments.launch.launchers import LAUNCHERS, LauncherRow

    LAUNCHERS["here"] = LauncherRow(
        make=Deferred("experiments.launch.in_process:InProcessLauncher"), summary="in this process"
    )


def least_squares_d(real, fake, margin):
    return (real - fake - margin).square()


def least_squares_g(real, fake, margin):
    return least_squares_d(fake, real, margin)


def steep_relu(x):
    return F.leaky_relu_(x, 0.5)


def score_brightness(features, reference, device=None):
    return {"brightness": features["colour"].mean().item()}


def register_mean_colour(data):
    """There are no weights: this file stands for them."""
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY, register_feature_extractor

    class MeanColour(FeatureExtractorBase):
        def __init__(self, name, features_list, **_):
            super().__init__(name, list(features_list))

        def forward(self, images):
            return (images.float().mean((2, 3)),)

        @staticmethod
        def get_provided_features_list():
            return ("colour",)

        @staticmethod
        def get_default_feature_layer_for_metric(metric):
            return "colour"

        @staticmethod
        def can_be_compiled():
            return False

    if "mean-colour" not in FEATURE_EXTRACTORS_REGISTRY:
        register_feature_extractor("mean-colour", MeanColour)
    return Path(__file__)


def load_dots(root):
    import torch

    from r3gan.data.digits import DigitImages

    labels = torch.arange(40) % 10
    images = torch.zeros(40, 8, 8, dtype=torch.uint8)
    images[torch.arange(40), labels % 8, torch.arange(40) % 8] = 255
    return DigitImages(images, labels), DigitImages(images[:10], labels[:10]), "dots"


def make_first(search, seed):
    from optuna.samplers import BaseSampler

    class First(BaseSampler):
        def infer_relative_search_space(self, study, trial):
            return {}

        def sample_relative(self, study, trial, search_space):
            return {}

        def sample_independent(self, study, trial, name, distribution):
            return getattr(distribution, "low", None)

    return First()


STUDY = """\
study: rows
profile: quick
baseline: {batch_size: 8}
variants:
  new:
    network: {activation: steep-relu, resampling: smooth}
    loss: [{kind: least-squares, margin: 0.5}]
datasets: {dots: {preset: dots-8x8}}
seeds: [0]
profiles:
  quick:
    datasets: [dots]
    total_kimg: 0.08
    evaluation: {every_kimg: 0.08, samples: 1000, keep_best: brightness}
    log_every_kimg: 0.08
tune:
  variants: [new]
  space:
    schedules.gamma.end: {log: [10, 20]}
    schedules.gamma.start: {value: 30}
    schedules.gamma.decay_img: {value: 80}
  objective: {metric: brightness}
  seeds: 1
  sampler: first
  pruner: never
  trials: 1
  default_first: false
"""


def main(folder):
    """Run the study and its search. Prints what the test looks at, as JSON on the last line."""
    import analysis.__main__ as analysis
    from experiments import run, tune

    path = Path(folder) / "study.yaml"
    path.write_text(STUDY)
    common = [str(path), "--launcher", "here", "--output", f"{folder}/runs"]
    codes = [run.main([*common, "--dry-run"]), run.main(common), tune.main(common)]
    report = ["report", "--study", "rows", "--out", f"{folder}/report"]  # in this process, which has the rows
    assert analysis.main(report) == 0
    jobs = sorted(Path(folder).glob("runs/rows/dots/*/*/"))
    found = {
        "codes": codes,
        "points": {job.parent.name: json.loads((job / "result.json").read_text())["metrics"] for job in jobs},
        "forms": [json.loads((job / "environment.json").read_text())["penalty_gradients"] for job in jobs],
        "table": (Path(folder) / "report/report.md").read_text(),
        "search": json.loads(next(Path(folder).rglob("tuning.json")).read_text()),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    add_rows()
    main(sys.argv[1])
