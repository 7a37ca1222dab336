"""Fake studies in a temporary MLflow store, shaped like what `experiments` writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imsave
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

from experiments import names

Series = Mapping[str, Mapping[int, float]]  # metric -> images -> value


@dataclass
class FakeStudy:
    """Logs runs of one study, one second apart in start time, oldest first."""

    name: str
    client: MlflowClient
    folder: Path
    experiment_id: str = ""
    clock: int = field(default=1_700_000_000_000)

    def __post_init__(self) -> None:
        self.experiment_id = self.client.create_experiment(self.name, artifact_location=self.folder.as_uri())

    def log(
        self,
        variant: str,
        seed: int,
        metrics: Series,
        *,
        status: str = "FINISHED",
        dataset: str = "stacked-digits",
        profile: str = "laptop",
        comparison: str = "c1",
        configuration: str = "",
        samples: int = 5000,
        grid: np.ndarray | None = None,
    ) -> str:
        """One run; its identity is dataset-variant-seed-comparison-configuration. Returns the run_id."""
        self.clock += 1000
        configuration = configuration or f"{variant}-{comparison}"
        tags = {
            names.STUDY: self.name, names.VARIANT: variant, names.DATASET: dataset, names.SEED: str(seed),
            names.PROFILE: profile, names.COMPARISON: comparison, names.CONFIGURATION: configuration,
            names.IDENTITY: identity(variant, seed, dataset, comparison, configuration),
        }  # fmt: skip
        params = {"evaluation.samples": samples, "total_kimg": 21.0}
        run_id = self.client.create_run(
            self.experiment_id, self.clock, run_name=f"{dataset}/{variant}/{seed}"
        ).info.run_id
        points = [
            Metric(k, v, self.clock + step, step) for k, history in metrics.items() for step, v in history.items()
        ]
        self.client.log_batch(
            run_id, points, [Param(k, str(v)) for k, v in params.items()], [RunTag(k, v) for k, v in tags.items()]
        )
        if grid is not None:
            for images in (7000, 21000):  # only the last one may be shown
                path = self.folder / f"{images:010d}.png"
                imsave(path, grid if images == 21000 else np.zeros_like(grid))
                self.client.log_artifact(run_id, str(path), names.SAMPLES_FOLDER)
        if status != "RUNNING":
            self.client.set_terminated(run_id, status)
        return run_id


def identity(
    variant: str, seed: int, dataset: str = "stacked-digits", comparison: str = "c1", configuration: str = ""
) -> str:
    """What FakeStudy.log tags a run with."""
    return f"{dataset}-{variant}-{seed}-{comparison}-{configuration or f'{variant}-{comparison}'}"


def final(**metrics: float) -> Series:
    """Metrics with one point, at the end."""
    return {key: {21000: value} for key, value in metrics.items()}


@pytest.fixture
def new_study(store: MlflowClient, tmp_path: Path) -> Callable[[str], FakeStudy]:
    """Makes studies by name."""

    def make(name: str = "study") -> FakeStudy:
        folder = tmp_path / "artifacts" / name
        folder.mkdir(parents=True)
        return FakeStudy(name, store, folder)

    return make
