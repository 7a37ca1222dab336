"""Sample grids among a run's artifacts, named so that MLflow's pages show them as one image that plays over the steps.

MLflow's own call ends each name with a random one, so that what is sent twice is there twice; these names are the same
whenever a grid is sent.
"""

import re
from uuid import NAMESPACE_URL, uuid5

from experiments.metric_keys import QUALITY

FOLDER = "images"  # MLflow's, for images with a step
KEY = f"{QUALITY}/samples"
NAME = re.compile(r"\+step\+(\d+)\+.*\.png")


def image_name(images: int) -> str:
    """The name, without its ending, of the grid after so many images of training. The time in it is of no use here."""
    start = f"{KEY.replace('/', '~')}+step+{images}+timestamp+{images}"
    return f"{start}+{uuid5(NAMESPACE_URL, start)}"


def page_name(images: int) -> str:
    """The same of the copy that pages show; the whole one is shown on a click."""
    return f"{image_name(images)}+compressed"


def images_of(path: str) -> int | None:
    """How many images training had seen, of the path of a whole grid; None for anything else."""
    found = NAME.search(path)
    return int(found[1]) if found else None
