"""The report of a study as a run of MLflow's: its files are artifacts, which the pages show, and jobs lead to it.

The jobs are not nested below it: MLflow's pages fold nested runs away, and leave those out of the charts.
"""

from collections.abc import Collection
from pathlib import Path

from mlflow.tracking import MlflowClient

from experiments import names
from experiments.tracking.address import page_of_run, page_of_runs
from experiments.tracking.notes import note_tags
from experiments.tracking.pages import all_runs
from experiments.tracking.trouble import explain


def send_report(client: MlflowClient, experiment: str, folder: Path, identities: Collection[str]) -> str:
    """Send a report's folder to its run, which is made the first time; of several reports of a study each has its own.

    identities: of the jobs that it is about, whose runs get its address. Returns the run's id. Raises what MLflow
    raises.
    """
    run_id, tags = _find_or_create(client, experiment, folder.name)
    client.log_artifacts(run_id, str(folder))
    words = "The study's report is `report.html` among the artifacts."
    note = f"{words} [The runs that it compares]({page_of_runs(experiment).removeprefix('/')})"
    for key, value in note_tags(note, tags).items():
        client.set_tag(run_id, key, value)
    client.set_terminated(run_id, "FINISHED")
    address = page_of_run(experiment, run_id)
    for run in all_runs(client, experiment, names.IS_JOB):
        if run.data.tags.get(names.IDENTITY) in identities and run.data.tags.get(names.REPORT) != address:
            client.set_tag(run.info.run_id, names.REPORT, address)
    return run_id


def try_to_send_report(experiment: str, folder: Path, identities: Collection[str]) -> list[str]:
    """The same, to the store that MLflow's settings name. Returns, in a sentence, what went wrong."""
    try:
        send_report(MlflowClient(), experiment, folder, identities)
    except Exception as error:  # the report lies in its folder all the same
        return [f"MLflow lacks the report in {folder}: {explain(error)}"]
    return []


def _find_or_create(client: MlflowClient, experiment: str, name: str) -> tuple[str, dict[str, str]]:
    found = next(all_runs(client, experiment, f"tags.{names.REPORT_NAME} = '{name}'"), None)
    if found is not None:
        return str(found.info.run_id), found.data.tags
    run = client.create_run(experiment, tags={names.REPORT_NAME: name}, run_name=name)
    return str(run.info.run_id), {}
