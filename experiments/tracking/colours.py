"""Runs in MLflow's pages have the colours of their variants in the figures."""

from mlflow.tracking import MlflowClient

from experiments import names
from experiments.palette import colours
from experiments.tracking.pages import all_runs

COLOUR = "mlflow.runColor"


def colour_runs(client: MlflowClient, experiment: str) -> None:
    """Give every job's run of a study the colour of its variant, where it has another. Raises what MLflow raises."""
    runs = [run for run in all_runs(client, experiment, names.IS_JOB) if set(names.TAGS) <= set(run.data.tags)]
    first: dict[str, float] = {}
    for run in runs:
        variant = run.data.tags[names.VARIANT]
        first[variant] = min(run.info.start_time, first.get(variant, run.info.start_time))
    by_variant = colours(first)
    for run in runs:
        colour = by_variant[run.data.tags[names.VARIANT]]
        if run.data.tags.get(COLOUR) != colour:
            client.set_tag(run.info.run_id, COLOUR, colour)
