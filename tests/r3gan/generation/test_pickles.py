"""Hostile pickles: every one is refused by the name or the sentence that tells why, and none is run."""

import io
import pickle
import struct

import pytest
import torch

from r3gan.__main__ import main
from r3gan.generation.pickle_reader import read_pickle
from r3gan.generation.pickled_tensors import read_storage

PROTO = b"\x80\x04"


def text(value):
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


def name(module, attribute):
    return text(module) + text(attribute) + b"\x93"


def call(module, attribute, *arguments):
    return name(module, attribute) + b"(" + b"".join(arguments) + b"tR"


def whole(body):
    return PROTO + body + b"."


def in_networks(value, key="AggregationLayer.Layer.weight"):
    """A snapshot with `value` where the first tensor of G would be."""
    module = name("R3GAN.Networks", "Generator") + b")\x81}(" + text("_parameters") + b"}" + text(key) + value + b"s"
    module += b"".join(text(part) + b"}" for part in ("_buffers", "_modules")) + b"ub"
    wrapper = (
        name("training.networks", "Generator") + b")\x81}" + text("_modules") + b"}" + text("Model") + module + b"ssb"
    )
    items = (
        text("G")
        + wrapper
        + text("D")
        + wrapper.replace(text("Generator"), text("Discriminator"), 1)
        + text("G_ema")
        + wrapper
        + text("cur_nimg")
        + b"K\x01"
    )
    return whole(b"}(" + items + b"u")


def tensor(blob, size=b"K\x02\x85", stride=b"K\x01\x85", offset=b"K\x00"):
    storage = call("torch.storage", "_load_from_bytes", b"B" + struct.pack("<I", len(blob)) + blob)
    return call("torch._utils", "_rebuild_tensor_v2", storage, offset, size, stride, b"\x89", b"}")


def sound_blob(values=(1.0, 1.0), kind=torch.float32):
    buffer = io.BytesIO()
    storage = torch.TypedStorage(list(values), dtype=kind, _internal=True)
    torch.save(storage, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def blob_with(reference, numbers=b"\x02" + bytes(15), keys=b"\x80\x02]q\x00X\x01\x00\x00\x00aa."):
    head = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    return head + b"\x80\x02" + reference + b"." + keys + numbers


def reference_to(kind=b"ctorch\nFloatStorage\n", count=b"K\x02"):
    parts = b"X\x07\x00\x00\x00storage" + kind + b"X\x01\x00\x00\x00a" + b"X\x03\x00\x00\x00cpu" + count
    return b"(" + parts + b"NtQ"


def long_of(number):
    data = number.to_bytes(16, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


CANARY = "open('canary','w').close()"
SHELL = text("touch canary")
HOSTILE = {
    "os.system": (whole(call("os", "system", SHELL)), "asks for os.system"),
    "posix.system by GLOBAL": (b"\x80\x02cposix\nsystem\n(" + SHELL + b"tR.", "asks for posix.system"),
    "subprocess": (whole(call("subprocess", "Popen", SHELL)), "asks for subprocess.Popen"),
    "eval": (whole(call("builtins", "eval", text(CANARY))), "asks for builtins.eval"),
    "exec": (whole(call("builtins", "exec", text(CANARY))), "asks for builtins.exec"),
    "getattr": (whole(call("builtins", "getattr", text("a"), text("b"))), "asks for builtins.getattr"),
    "__import__": (whole(call("builtins", "__import__", text("os"))), "asks for builtins.__import__"),
    "a dotted name": (whole(name("torch", "os.system")), "asks for torch.os.system"),
    "an unpickler of its own": (whole(call("pickle", "loads", text("x"))), "asks for pickle.loads"),
    "torch.load": (whole(call("torch", "load", text("x"))), "asks for torch.load"),
    "StyleGAN's persistence": (
        whole(name("torch_utils.persistence", "_reconstruct_persistent_obj")),
        "asks for torch_utils.persistence._reconstruct_persistent_obj",
    ),
    "INST": (b"\x80\x02(" + SHELL + b"ios\nsystem\n.", "instruction INST"),
    "OBJ": (whole(b"(" + name("os", "system") + SHELL + b"o"), "asks for os.system"),
    "OBJ of a known class": (whole(b"(" + name("torch.nn.modules.linear", "Linear") + b"o"), "instruction OBJ"),
    "NEWOBJ_EX": (whole(name("collections", "OrderedDict") + b")}\x92"), "instruction NEWOBJ_EX"),
    "NEWOBJ with arguments": (
        whole(name("torch.nn.modules.linear", "Linear") + b"K\x01K\x01\x86\x81"),
        "makes an object of torch.nn.modules.linear.Linear with arguments",
    ),
    "BUILD with a state of its own": (
        whole(call("torch.storage", "_load_from_bytes", b"C\x00") + b"}" + text("__setstate__") + b"Nsb"),
        "sets the state of a Call",
    ),
    "BUILD of a name": (whole(name("torch", "float32") + b"}b"), "sets the state of a Name"),
    "a call of a call": (
        whole(call("torch.storage", "_load_from_bytes", b"C\x00") + b")R"),
        "calls a Call, not a function by its name",
    ),
    "persistent id": (whole(text("x") + b"Q"), "instruction BINPERSID"),
    "persistent id as text": (b"\x80\x02Px\n.", "instruction PERSID"),
    "extension code": (whole(b"\x82\x01"), "instruction EXT1"),
    "buffers out of band": (b"\x80\x05\x97.", "instruction NEXT_BUFFER"),
    "a byte array of an exbibyte": (b"\x80\x05\x96" + struct.pack("<Q", 2**60) + b".", "no sound pickle"),
    "bytes of an exbibyte": (whole(b"\x8e" + struct.pack("<Q", 2**60)), "no sound pickle"),
    "text of four gigabytes": (whole(b"X" + struct.pack("<I", 2**32 - 1)), "no sound pickle"),
    "a frame of an exbibyte": (PROTO + b"\x95" + struct.pack("<Q", 2**60) + b"N.", "it holds a NoneType"),
    "a far place in the memo": (whole(b"N" + b"r" + struct.pack("<I", 2**32 - 1)), "it holds a NoneType"),
    "a place that was never filled": (whole(b"h\x07"), "no sound pickle"),
    "decimal digits": (b"\x80\x02I" + b"9" * 100_000 + b"\n.", "no sound pickle"),
    "a list in itself": (whole(b"]\x94h\x00a"), "it holds a list"),
    "keys that are slow to hash": (
        whole(
            b"}" + b")\x94" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(60)) + b"Ns"
        ),
        "by other keys than texts and whole numbers",
    ),
    "an old protocol": (b"(lp0\n.", "no sound pickle|it holds the instruction"),
    "protocol 9": (b"\x80\x09N.", "protocol 9"),
    "an end in the middle": (PROTO + b"(", "no sound pickle"),
    "nothing on the stack": (whole(b""), "no sound pickle"),
    "a module in itself": (
        whole(
            b"}("
            + text("G")
            + name("training.networks", "Generator")
            + b")\x81\x94}"
            + text("_modules")
            + b"}"
            + text("Model")
            + b"h\x00ssb"
            + text("D")
            + b"h\x00"
            + text("G_ema")
            + b"h\x00"
            + text("cur_nimg")
            + b"K\x01u"
        ),
        "has no Model of R3GAN.Networks",
    ),
    "a pickle in a storage": (
        in_networks(tensor(b"\x80\x02cos\nsystem\n(" + SHELL + b"tR.")),
        "in a tensor's storage it asks for os.system (G.AggregationLayer.Layer.weight)",
    ),
    "a class of storage": (
        in_networks(tensor(blob_with(reference_to(b"cos\nsystem\n")))),
        "in a tensor's storage it asks for os.system (G.AggregationLayer.Layer.weight)",
    ),
    "a storage of an exbibyte": (
        in_networks(tensor(blob_with(reference_to(count=long_of(2**60))))),
        f"promises {2**60} numbers in a storage that has 8 bytes",
    ),
    "a storage of less than nothing": (in_networks(tensor(blob_with(reference_to(count=long_of(-1))))), "promises -1"),
    "a storage that contradicts itself": (
        in_networks(tensor(blob_with(reference_to(), numbers=struct.pack("<q", 2**40) + bytes(8)))),
        "promises 2 numbers in a storage that says otherwise",
    ),
    "a tensor beyond its storage": (
        in_networks(tensor(sound_blob(), size=long_of(2**50) + b"\x85")),
        "in a storage of 2 numbers",
    ),
    "one number spread over an exbibyte": (
        in_networks(tensor(sound_blob(), size=long_of(2**60) + b"\x85", stride=b"K\x00\x85")),
        "in a storage of 2 numbers",
    ),
    "a tensor before its storage": (
        in_networks(tensor(sound_blob(), offset=long_of(-9))),
        "no whole numbers from 0 up",
    ),
    "a tensor that is none": (in_networks(b"N\x85"), "has a tuple where a tensor was expected"),
    "a parameter that is no layer's": (in_networks(tensor(sound_blob()), "Basis"), "G has Basis, which the released"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles_are_refused_by_name_and_none_is_run(case, tmp_path, monkeypatch, capsys):
    content, expected = HOSTILE[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapshot.pkl").write_bytes(content)
    assert main(["import-official", "snapshot.pkl", "weights"]) == 2
    error = capsys.readouterr().err
    assert any(part in error for part in expected.split("|")), error
    assert "nothing in it was run" in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot.pkl"]


def test_the_hostile_pickles_do_harm_to_an_ordinary_unpickler(tmp_path, monkeypatch):
    """Else their refusal would prove nothing."""
    monkeypatch.chdir(tmp_path)
    for case in ("os.system", "posix.system by GLOBAL", "eval", "exec", "INST"):
        pickle.loads(HOSTILE[case][0])
        (tmp_path / "canary").unlink()


def test_deep_and_doubled_structures_are_read_without_being_expanded():
    deep = whole(b"]" * 200_000 + b"a" * 199_999)
    doubled = whole(b"]\x94" + b"".join(b"](h" + bytes([i]) + b"h" + bytes([i]) + b"e\x94" for i in range(200)) + b"t")
    doubled = doubled.replace(PROTO, PROTO + b"(")
    assert isinstance(read_pickle(io.BytesIO(deep), ()), list)
    assert len(read_pickle(io.BytesIO(doubled), ())) == 201


@pytest.mark.parametrize("kind", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_storages_are_read_as_torch_reads_them(kind):
    values = torch.tensor([1.5, -2.0, 0.25], dtype=kind)
    assert torch.equal(read_storage(sound_blob(values.tolist(), kind)), values)


@pytest.mark.parametrize("protocol", [4, 5])
def test_plain_values_are_read_as_the_library_reads_them(protocol):
    plain = {"a": [1, 2.5, None, True, -70_000], "b": {"c": (1, 2, 3, 4)}, 3: {"x", "y"}, "d": b"\x00", "e": 2**70}
    assert read_pickle(io.BytesIO(pickle.dumps(plain, protocol)), ()) == plain
