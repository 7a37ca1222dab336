"""Where a browser finds an experiment in MLflow, for people."""

import os
from urllib.parse import urlsplit, urlunsplit

LOCAL = "http://127.0.0.1:5000"  # where `mlflow ui` serves by default
SERVED = ("http", "https")  # tracking addresses that are servers, with pages of their own
URI_VARIABLE = "MLFLOW_TRACKING_URI"
VIEW = "study"  # the view of a study's runs that is shared with the experiment (experiments/tracking/view.py)


def how_to_compare(what: str, experiment: str, uri: str | None = None) -> str:
    """A sentence and, on a line of its own, the address of the page that compares an experiment's runs.

    what: runs or trials; uri: the tracking address that the user set (default: that of the environment). A server's
    page is on that server; a store without one is served by `mlflow ui`, which reads no environment variable.
    """
    uri = _set_by_user() if uri is None else uri
    page = server_of(uri) + page_of_runs(experiment, what)
    if urlsplit(uri).scheme in SERVED:
        return f"compare the {what} in a browser:\n{page}"
    store = f' --backend-store-uri "${URI_VARIABLE}"' if uri else ""
    return f"compare the {what} in a browser: start `mlflow ui{store}` here and open\n{page}"


def server_of(uri: str) -> str:
    """Where the pages of a tracking address are served."""
    parts = urlsplit(uri)
    if parts.scheme not in SERVED:
        return LOCAL
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def page_of_runs(experiment: str, what: str = "runs") -> str:
    """The page on a server that compares: a study's runs in its shared view, trials of a search in MLflow's own."""
    page = f"/#/experiments/{experiment}/runs?workflowType=machine_learning&compareRunsMode=CHART"
    return f"{page}&viewStateShareKey={VIEW}" if what == "runs" else page


def page_of_run(experiment: str, run_id: str) -> str:
    """The address of a run's artifacts, on the server that the user has set, or the usual local one."""
    return f"{server_of(_set_by_user())}/#/experiments/{experiment}/runs/{run_id}/artifacts"


def _set_by_user() -> str:
    return os.environ.get(URI_VARIABLE, "")
