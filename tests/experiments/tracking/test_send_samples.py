import re

import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from PIL import Image

from analysis.load import sent_grids
from experiments.sample_images import image_name, images_of, page_name
from experiments.tracking.send_samples import for_page, send_samples
from r3gan.jobdir import JobDir


@pytest.fixture
def run_id(store):
    return store.create_run(store.create_experiment("study")).info.run_id


@pytest.fixture
def job(tmp_path):
    job = JobDir(tmp_path / "job")
    job.samples.mkdir(parents=True)
    for images in (80, 1600):
        Image.new("RGB", (600, 300), (images % 256, 0, 0)).save(job.sample(images))
    return job


def artifacts(store, run_id):
    return [file.path for file in store.list_artifacts(run_id, "images")]


def test_grids_are_there_once_however_often_they_are_sent(store, run_id, job):
    send_samples(store, run_id, job)
    once = artifacts(store, run_id)
    Image.new("RGB", (600, 300), "blue").save(job.sample(3200))
    for _ in range(2):
        send_samples(store, run_id, job)
    assert set(once) < set(artifacts(store, run_id))
    assert len(artifacts(store, run_id)) == 6
    assert sorted(sent_grids(store.get_run(run_id).info.artifact_uri)) == [80, 1600, 3200]
    assert store.get_run(run_id).data.tags["mlflow.loggedImages"] == "true"


def test_a_whole_grid_is_what_was_drawn(store, run_id, job, tmp_path):
    send_samples(store, run_id, job)
    whole = store.download_artifacts(run_id, sent_grids(store.get_run(run_id).info.artifact_uri)[80], tmp_path)
    assert np.array_equal(Image.open(whole), Image.open(job.sample(80)))
    page = store.download_artifacts(run_id, f"images/{page_name(80)}.webp", tmp_path)
    assert Image.open(page).size == (512, 256)


@pytest.mark.parametrize(
    ("size", "shown"), [((64, 64), (512, 512)), ((300, 100), (300, 100)), ((2048, 1024), (512, 256))]
)
def test_pages_show_a_copy_that_can_be_seen(size, shown):
    assert for_page(Image.new("RGB", size)).size == shown


def test_a_pixel_of_a_small_grid_stays_a_square_of_one_colour():
    grid = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert np.array_equal(np.asarray(for_page(Image.fromarray(grid))), grid.repeat(8, 0).repeat(8, 1))


def test_names_are_of_the_form_that_mlflow_gives(store, run_id):
    """Else its pages show nothing."""
    MlflowClient().log_image(run_id, np.zeros((4, 4, 3), np.uint8), key="image quality/samples", step=80, timestamp=80)
    theirs = {re.sub(r"[0-9a-f-]{36}", "ID", path) for path in artifacts(store, run_id)}
    ours = {f"images/{image_name(80)}.png", f"images/{page_name(80)}.webp"}
    assert {re.sub(r"[0-9a-f-]{36}", "ID", path) for path in ours} == theirs
    assert sorted(filter(None, map(images_of, [*artifacts(store, run_id), "samples/0000000080.png"]))) == [80]


def test_a_job_without_grids_says_of_none(store, run_id, tmp_path):
    send_samples(store, run_id, JobDir(tmp_path / "none"))
    assert "mlflow.loggedImages" not in store.get_run(run_id).data.tags
