"""Files of tensors say when they are not what was written."""

import random

import pytest
import torch
from safetensors.torch import save_file

from r3gan.tensor_files import DamagedTensors, hash_tensors, load_tensors, save_tensors

TENSORS = {"b": torch.arange(6.0).view(2, 3), "a": torch.tensor(2.5), "c": torch.ones(3, dtype=torch.bfloat16)}


def test_tensors_and_facts_come_back(tmp_path):
    save_tensors(TENSORS, tmp_path / "x", kind="test", nested={"value": 0.1})
    tensors, facts = load_tensors(tmp_path / "x")
    assert facts == {"kind": "test", "nested": {"value": 0.1}}
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_what_the_system_refuses_to_write_is_an_os_error_with_its_number(tmp_path):
    with pytest.raises(FileNotFoundError) as missing:
        save_tensors(TENSORS, tmp_path / "missing" / "x")
    assert missing.value.filename == str(tmp_path / "missing" / "x")


def test_every_flipped_bit_is_seen_or_harmless(tmp_path):
    path = tmp_path / "x"
    save_tensors(TENSORS, path, kind="test")
    whole, unseen = path.read_bytes(), 0
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << random.Random(place).randrange(8)
        path.write_bytes(flipped)
        try:
            tensors, facts = load_tensors(path)
        except DamagedTensors:
            continue
        unseen += 1
        assert facts == {"kind": "test"}
        assert hash_tensors(tensors) == hash_tensors(TENSORS)
    assert unseen < len(whole) / 10  # padding, and the like


@pytest.mark.parametrize("content", [b"", b"\x00" * 200, b"text"])
def test_what_is_no_such_file_is_said(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DamagedTensors, match="x is no sound file of tensors"):
        load_tensors(tmp_path / "x")
    save_file(TENSORS, tmp_path / "y")
    with pytest.raises(DamagedTensors, match="y is no sound file of tensors"):
        load_tensors(tmp_path / "y")


def test_a_hash_is_of_the_tensors_and_not_of_their_order():
    assert hash_tensors(TENSORS) == hash_tensors(dict(reversed(TENSORS.items())))
    others = [
        TENSORS | {"b": TENSORS["b"].view(3, 2)},
        TENSORS | {"b": -TENSORS["b"]},
        TENSORS | {"c": torch.ones(3, dtype=torch.float16)},
        {name + "x": tensor for name, tensor in TENSORS.items()},
    ]
    assert len({hash_tensors(tensors) for tensors in [TENSORS, *others]}) == 5
