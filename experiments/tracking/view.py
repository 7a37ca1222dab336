"""How MLflow's pages show a study at first: its charts, run by run in their colours, the list of runs by variant."""

import json

from mlflow.entities import Experiment
from mlflow.tracking import MlflowClient

from experiments import names
from experiments.tracking.address import VIEW

TAG = f"mlflow.sharedViewState.{VIEW}"  # MLflow's own name for a view that an address can name
STATE = json.dumps(
    {
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": names.VARIANT}]},
        "useGroupedValuesInCharts": False,  # averages over a group would have MLflow's colours, and not be ours
        "runsHiddenMode": "SHOW_ALL",  # else the first ten
    }
)


def share_view(client: MlflowClient, experiment: Experiment) -> None:
    """Let the address that is printed find the view. Raises what MLflow raises."""
    if experiment.tags.get(TAG) != STATE:
        client.set_experiment_tag(experiment.experiment_id, TAG, STATE)
