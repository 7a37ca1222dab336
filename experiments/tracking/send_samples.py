"""A job's sample grids as images with a step, which MLflow's pages play through training."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.tracking import MlflowClient
from PIL import Image

from experiments.sample_images import FOLDER, image_name, page_name
from r3gan.jobdir import JobDir

HAS_IMAGES = "mlflow.loggedImages"  # by this tag the pages know where to look for images
PAGE_PIXELS = 512  # at most, the longer side of the copy that pages show, which they do not enlarge


def send_samples(client: MlflowClient, run_id: str, job: JobDir) -> None:
    """Send every grid, and a copy of it for pages; what is there already is replaced by the same. Raises what MLflow
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
                for_page(image).save(Path(folder) / f"{page_name(images)}.webp", lossless=True)
        client.log_artifacts(run_id, folder, FOLDER)
    client.set_tag(run_id, HAS_IMAGES, "true")


def for_page(image: Image.Image) -> Image.Image:
    """A large grid made smaller; of a small one every pixel made a square of so many that it can be seen."""
    longer = max(image.size)
    if longer > PAGE_PIXELS:
        smaller = image.copy()
        smaller.thumbnail((PAGE_PIXELS, PAGE_PIXELS))
        return smaller
    times = PAGE_PIXELS // longer
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
