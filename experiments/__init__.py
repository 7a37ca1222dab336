"""From a study file to tracked runs: plan, launchers, tracking."""

import os

# Before MLflow is imported, wherever that is first.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # the default keeps a call hanging for four minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # no word of the tables that a new store creates
