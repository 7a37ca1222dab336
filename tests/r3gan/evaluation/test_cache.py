"""What is kept for all jobs is computed once, and again where the file is not what was written."""

import pytest
import torch

from r3gan.evaluation.cache import cached


@pytest.fixture
def compute(tmp_path, monkeypatch):
    """A computation that counts its calls."""
    monkeypatch.setenv("R3GAN_CACHE", str(tmp_path))

    def compute():
        compute.calls += 1
        return {"mean": torch.arange(4.0)}, {"accuracy": 0.5}

    compute.calls = 0
    return compute


def test_content_is_computed_once_and_read_as_it_was_written(compute, tmp_path):
    for _ in range(2):
        path, (tensors, facts) = cached("thing", compute)
        assert path == tmp_path / "thing.safetensors"
        assert torch.equal(tensors["mean"], torch.arange(4.0))
        assert facts == {"accuracy": 0.5}
    assert compute.calls == 1


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda data: data[:9], lambda _: b""]
)
def test_a_damaged_file_is_said_and_made_again(compute, capsys, damage):
    path, _ = cached("thing", compute)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    _, (tensors, _) = cached("thing", compute)
    assert torch.equal(tensors["mean"], torch.arange(4.0))
    assert compute.calls == 2
    assert f"warning: {path} is " in capsys.readouterr().err
    assert torch.equal(cached("thing", compute)[1][0]["mean"], torch.arange(4.0))
    assert compute.calls == 2
