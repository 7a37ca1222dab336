"""MLflow's pages of a finished study, as a person sees them who opens the printed address."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest
from PIL import Image

from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Task, prepare_directory
from experiments.study.plan import make_plan
from experiments.study.study import read_study
from experiments.tracking.address import how_to_compare, page_of_run
from experiments.tracking.colours import colour_runs
from experiments.tracking.describe import describe_study
from experiments.tracking.report_run import send_report
from experiments.tracking.run_upload import RunUpload, experiment_id
from r3gan.jobdir import JobDir
from r3gan.training.recorder import JsonlRecorder

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium")
NOT_OURS = ("users/current", "ResizeObserver", "sandboxed")  # MLflow asks for what its plain server does not have
POINT = {"d_kl": 0.5, "d_kl_floor": 0.019, "loss_d": 0.7, "r1": 0.1, "lr": 1e-3, "memory_gib": 0.5}
SECTIONS = ["image quality", "losses", "penalties", "schedules", "training cost"]


@pytest.fixture
def page():
    """A page of a new browser; what its console says is in page.errors."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1360, "height": 850})
        page.set_default_timeout(60_000)
        page.errors = []
        page.on("console", lambda said: said.type == "error" and page.errors.append(f"{said.text} {said.location}"))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("response", lambda answer: answer.status >= 400 and page.errors.append(answer.url))
        yield page
        browser.close()


@pytest.fixture
def study(store, write_study, tmp_path):
    """The experiment's id, its report's run and a finished study in the store."""
    jobs = make_plan(read_study(write_study()), None, {"variant": ["baseline", "both"], "seed": ["0"]}, {}).jobs
    experiment = experiment_id(store, "tiny")
    for job in jobs:
        task = Task(job, JobDir(job.directory(tmp_path / "runs")))
        prepare_directory(task)
        task.directory.samples.mkdir()
        for images in (80, 160):
            JsonlRecorder(task.directory).record(images, images / 100, POINT)
            Image.new("RGB", (64, 64), (images, 0, 0)).save(task.directory.sample(images))
        RunUpload(store, experiment, task).send(JobState.FINISHED)
    describe_study(store, experiment, jobs)
    colour_runs(store, experiment)
    report = tmp_path / "report"
    report.mkdir()
    (report / "report.html").write_text("<h1>The answer</h1>")
    return experiment, send_report(store, experiment, report, [job.identity for job in jobs])


@pytest.fixture
def server(tmp_path):
    """The address at which `mlflow ui` serves the store."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port), "--workers", "1"]
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "ui.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", f"sqlite:///{tmp_path}/store.db"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for(address, time.time() + 200)
            yield address
        finally:
            os.killpg(process.pid, 15)
            process.wait(30)


def wait_for(address, deadline):
    while True:
        try:
            return urlopen(f"{address}/health", timeout=5)
        except OSError:
            if time.time() > deadline:
                raise
            time.sleep(0.5)


def test_the_printed_address_opens_charts_runs_images_and_the_report(page, study, server):
    experiment, report = study
    page.goto(how_to_compare("runs", experiment, server).splitlines()[-1])
    headers = page.get_by_test_id("experiment-view-compare-runs-section-header")
    headers.filter(has_text="training cost").wait_for()
    assert [text.split("\n")[0] for text in headers.all_inner_texts()][:5] == SECTIONS
    page.get_by_text("Group: both").wait_for()
    page.get_by_text("differ from the baseline?").first.wait_for()

    for name in ("stacked-digits/both/0", "stacked-digits/baseline/0"):
        row = page.locator("[role=row]", has=page.get_by_text(name, exact=True)).first
        row.get_by_role("checkbox").first.click(force=True)
    page.get_by_role("button", name="Compare").first.click()
    page.get_by_text("Comparing 2 Runs").wait_for()

    page.go_back()
    page.get_by_text("stacked-digits/both/0", exact=True).first.click()
    page.get_by_text("It differs from the baseline in this").wait_for()
    page.goto(f"{page.url.partition('?')[0]}/model-metrics")
    card = page.get_by_test_id("experiment-view-compare-runs-card").filter(has_text="image quality/samples")
    card.locator("[data-component-id=fullscreen_button_chartcard]").click()
    for images in (80, 160):
        with page.expect_response(re.compile(rf"step%2B{images}%2B.*webp"), timeout=20_000) as image:
            page.get_by_role("dialog").get_by_role("slider").press("ArrowRight")
        assert image.value.ok

    page.goto(server + page_of_run(experiment, report).partition(":5000")[2])
    page.get_by_text("report.html").first.click()
    page.frame_locator("iframe").get_by_role("heading", name="The answer").wait_for()
    assert [error for error in page.errors if not any(known in error for known in NOT_OURS)] == []
