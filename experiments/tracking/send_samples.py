"""A job's sample grids as images with a step, which MLflow's pages play through training."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.tracking import MlflowClient
from PIL import Image

from experiments.sample_images import FOLDER, image_name, small_name
from r3gan.jobdir import JobDir

HAS_IMAGES = "mlflow.loggedImages"  # by this tag the pages know where to look for images
SMALL_PIXELS = 256  # the longer side of a small copy


def send_samples(client: MlflowClient, run_id: str, job: JobDir) -> None:
    """Send every grid, and a small copy of it; what is there already is replaced by the same. Raises what MLflow
    raises, and OSError for a file that is no image.
    """
    grids = sorted(job.samples.glob("*.png"))
    if not grids:
        return
    with TemporaryDirectory() as folder:
        for grid in grids:
            images = int(grid.stem)
            shutil.copy(grid, Path(folder) / f"{image_name(images)}.png")
            with Image.open(grid) as image:
                image.thumbnail((SMALL_PIXELS, SMALL_PIXELS))
                image.save(Path(folder) / f"{small_name(images)}.webp", lossless=True)
        client.log_artifacts(run_id, folder, FOLDER)
    client.set_tag(run_id, HAS_IMAGES, "true")
