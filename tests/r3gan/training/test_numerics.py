import pytest
import torch

from r3gan.training.numerics import use_tf32
from tests.r3gan.small import small_config
from tests.r3gan.training.test_train import run_inside


@pytest.fixture(autouse=True)
def _restored():
    yield
    use_tf32(False)


def precisions():
    return torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision


@pytest.mark.parametrize(("on", "expected"), [(True, "tf32"), (False, "ieee")])
@pytest.mark.filterwarnings("error")
def test_convolutions_and_matrix_products_are_set_alike(on, expected):
    use_tf32(not on)
    use_tf32(on)
    assert precisions() == (expected, expected)


@pytest.mark.parametrize("on", [True, False])
def test_a_job_sets_what_it_is_asked_for_and_writes_it_down(tmp_path, on):
    import json

    use_tf32(not on)
    job, _ = run_inside(small_config(total_kimg=0.08), tmp_path, tf32=on)
    assert precisions() == (("tf32",) * 2 if on else ("ieee",) * 2)
    assert json.loads(job.environment.read_text())["tf32"] is on
