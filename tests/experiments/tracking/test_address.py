import pytest

from experiments.tracking.address import how_to_compare


@pytest.mark.parametrize(
    ("uri", "sentence", "page"),
    [
        (
            "",
            "compare the runs in a browser: start `mlflow ui` here and open",
            "http://127.0.0.1:5000/#/experiments/7/",
        ),
        (
            "sqlite:////data/mlflow.db",
            'compare the runs in a browser: start `mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"` here and open',
            "http://127.0.0.1:5000/#/experiments/7/",
        ),
        ("http://tracking:5001", "compare the runs in a browser:", "http://tracking:5001/#/experiments/7/"),
        ("https://me:secret@host/mlflow/", "compare the runs in a browser:", "https://host/mlflow/#/experiments/7/"),
    ],
)
def test_the_page_is_where_the_tracking_address_says_and_tells_no_password(uri, sentence, page, monkeypatch):
    first, second = how_to_compare("runs", "7", uri).split("\n")
    assert first == sentence
    charts = f"{page}runs?workflowType=machine_learning&compareRunsMode=CHART"
    assert second == f"{charts}&viewStateShareKey=study"
    assert how_to_compare("trials", "7", uri).split("\n")[1] == charts, "a search has no view of its own"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert how_to_compare("runs", "7") == f"{first}\n{second}"
