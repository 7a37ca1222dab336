"""Where a browser finds an experiment in MLflow, for people."""

import os
from urllib.parse import urlsplit, urlunsplit

LOCAL = "http://127.0.0.1:5000"  # where `mlflow ui` serves by default
URI_VARIABLE = "MLFLOW_TRACKING_URI"


def how_to_compare(what: str, experiment: str, uri: str | None = None) -> str:
    """A sentence and, on a line of its own, the address of the page that compares an experiment's runs.

    what: runs or trials; uri: the tracking address that the user set (default: that of the environment). A server's
    page is on that server; a store without one is served by `mlflow ui`, which reads no environment variable.
    """
    uri = os.environ.get(URI_VARIABLE, "") if uri is None else uri
    parts = urlsplit(uri)
    if parts.scheme in ("http", "https"):
        server = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        return f"compare the {what} in a browser:\n{_page(server, experiment)}"
    store = f' --backend-store-uri "${URI_VARIABLE}"' if uri else ""
    return f"compare the {what} in a browser: start `mlflow ui{store}` here and open\n{_page(LOCAL, experiment)}"


def _page(server: str, experiment: str) -> str:
    return f"{server}/#/experiments/{experiment}/runs?workflowType=machine_learning"
