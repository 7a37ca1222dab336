"""What MLflow's pages say and show of a study as a whole."""

from collections.abc import Sequence

from mlflow.tracking import MlflowClient

from experiments.study.plan import Job
from experiments.tracking.notes import note_tags, study_note
from experiments.tracking.view import share_view


def describe_study(client: MlflowClient, experiment_id: str, jobs: Sequence[Job]) -> None:
    """Bring the experiment's view up to date, and its words, if there are jobs. Raises what MLflow raises."""
    experiment = client.get_experiment(experiment_id)
    share_view(client, experiment)
    for key, value in note_tags(study_note(jobs), experiment.tags).items() if jobs else ():
        client.set_experiment_tag(experiment_id, key, value)
