"""Names: what is known of them, where their files are looked for, and what happens before the jobs."""

import re
import threading
from pathlib import Path

import pytest
import torch

import r3gan.data.known
from r3gan.availability import availability_problems
from r3gan.data.catalog import DATASETS, DatasetUnavailable, cache_root, data_root, find_row, own_names
from r3gan.data.digits import StackedDigits
from r3gan.data.errors import BadData
from r3gan.data.facts import Facts
from r3gan.data.load import ensure_dataset, load_dataset
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.presets import PRESETS
from tests.r3gan.conftest import (
    as_folder,
    as_tar,
    as_zip,
    cifar_files,
    class_files,
    edm_files,
    flat_files,
    imagenet_files,
    npz_files,
    parquet_files,
)
from tests.r3gan.small import small_config, small_network

CPU = torch.device("cpu")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("R3GAN_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def _small_sets(monkeypatch):
    """The known datasets, of 48 images each."""
    for name, row in list(DATASETS.items()):
        if row.facts.images:
            resolution, classes = min(row.facts.resolution, 32), 2 if row.facts.classes else 0
            monkeypatch.setitem(DATASETS, name, row._replace(facts=Facts(resolution, classes, 48)))


def test_an_empty_variable_counts_as_unset(monkeypatch):
    for name in ("R3GAN_DATA", "R3GAN_CACHE"):
        monkeypatch.setenv(name, "")
    assert (data_root(), cache_root()) == (Path("data"), Path.home() / ".cache" / "r3gan")
    for name in ("R3GAN_DATA", "R3GAN_CACHE"):
        monkeypatch.setenv(name, "/elsewhere")
    assert (data_root(), cache_root()) == (Path("/elsewhere"), Path("/elsewhere"))


def test_facts_agree_with_the_presets():
    for name, preset in PRESETS.items():
        if name in DATASETS:
            assert DATASETS[name].facts.resolution == preset.resolution, name
            assert not preset.cond or DATASETS[name].facts.classes, name


def test_ones_own_prepared_dataset_is_known_by_its_folder(root, crops):
    assert find_row("flowers") is None
    write_prepared(open_source([as_folder(root / "x", class_files(crops))]), root / "flowers", Options(16))
    assert find_row("flowers").facts == Facts(16, 2, 48)
    assert own_names(root) == ["flowers"]
    assert load_dataset("flowers", root, CPU).name == "flowers"
    ensure_dataset("flowers", root)


def test_a_finished_folder_that_has_not_got_its_name_yet_is_no_dataset(root, crops):
    write_prepared(open_source([as_folder(root / "x", class_files(crops))]), root / "flowers", Options(16))
    (root / "flowers").rename(root / "flowers.partial")
    assert own_names(root) == []
    assert find_row("flowers.partial") is None


FOREIGN = {"web": b'{"name": "app", "icons": []}', "format": b'{"format": "png"}', "list": b"[]", "text": b"see README"}


@pytest.mark.parametrize("kind", [*FOREIGN, "deep"])
def test_another_programs_manifest_makes_no_dataset_of_a_folder(root, crops, kind):
    text = FOREIGN.get(kind, b"[" * 200_000)
    folder = as_folder(root / "mine", class_files(crops) | {"manifest.json": text})
    assert own_names(root) == []
    assert find_row("mine") is None
    source = open_source([folder])
    assert (len(source), source.class_names) == (48, ("china", "flower"))
    assert "not used: manifest.json" in source.notes
    with pytest.raises(BadData, match=r"mine/manifest\.json is another program's, and would be replaced"):
        write_prepared(source, folder, Options())
    assert (folder / "manifest.json").read_bytes() == text


@pytest.mark.parametrize("name", ["../flowers", "a/b", "", ".", ".hidden", "/etc"])
def test_a_name_is_no_path(root, name):
    assert find_row(name) is None
    for function in (lambda: load_dataset(name, root, CPU), lambda: ensure_dataset(name, root)):
        with pytest.raises(DatasetUnavailable, match="unknown"):
            function()


def data_problems(**changes):
    """What is wrong between a configuration and its dataset, metrics apart."""
    return [problem for problem in availability_problems(small_config(**changes)) if problem.path[0] != "evaluation"]


def test_an_unknown_name_is_a_problem_that_names_the_nearest_and_the_way_out(root):
    (problem,) = data_problems(dataset="cifar01")
    assert problem.path == ("dataset",)
    assert "did you mean cifar10?" in problem.message
    assert f"python -m r3gan data prepare IMAGES {root / 'cifar01'}" in problem.message


def test_missing_files_are_no_problem_yet_but_shapes_and_labels_are(root):
    network = small_network(widths=(8,) * 5, groups=(2,) * 5, blocks=(1,) * 5)
    assert data_problems(dataset="ffhq64", network=network) == []
    conditional = small_network(widths=(8,) * 5, groups=(2,) * 5, blocks=(1,) * 5, conditional=True)
    (problem,) = data_problems(dataset="ffhq64", network=conditional)
    assert problem.path == ("network", "conditional")
    assert "ffhq64 has none" in problem.message
    assert data_problems(dataset="imagenet64", network=conditional) == []
    (problem,) = data_problems(dataset="cifar10", network=network)
    assert problem.path == ("network", "widths")


def test_a_damaged_manifest_is_a_problem_of_the_plan(root):
    as_folder(root / "mine", {"manifest.json": b"{", "images.npy": b""})
    (problem,) = data_problems(dataset="mine")
    assert problem.path == ("dataset",)
    assert "manifest.json cannot be read" in problem.message


PLACES = {
    "cifar10 archive": ("cifar10", lambda root, c: as_tar(root / "cifar-10-python.tar.gz", cifar_files(c))),
    "cifar10 folder": ("cifar10", lambda root, c: as_folder(root / "cifar-10-batches-py", cifar_files(c))),
    "cifar10 own folder": (
        "cifar10",
        lambda root, c: as_tar(root / "cifar10" / "cifar-10-python.tar.gz", cifar_files(c)),
    ),
    "cifar10 raw": ("cifar10", lambda root, c: as_tar(root / "raw" / "cifar-10-python.tar.gz", cifar_files(c))),
    "ffhq64 zip": ("ffhq64", lambda root, c: as_zip(root / "ffhq-64x64.zip", edm_files(c, labels=False))),
    "ffhq64 parquet": ("ffhq64", lambda root, c: as_folder(root / "ffhq64" / "data", parquet_files(c))),
    "ffhq64 folder": ("ffhq64", lambda root, c: as_folder(root / "ffhq64" / "images", flat_files(c))),
    "ffhq256 numbered": ("ffhq256", lambda root, c: as_folder(root / "ffhq256", numbered(c))),
    "imagenet32 batches": ("imagenet32", lambda root, c: as_folder(root / "imagenet32", imagenet_files(c))),
    "imagenet32 zip": ("imagenet32", lambda root, c: as_zip(root / "Imagenet32_train.zip", imagenet_files(c))),
    "imagenet64 zips": (
        "imagenet64",
        lambda root, c: [
            as_zip(root / f"Imagenet64_train_part{n}_npz.zip", dict(list(npz_files(c).items())[part]))
            for n, part in ((1, slice(5)), (2, slice(5, 10)))
        ],
    ),
    "imagenet64 tree": ("imagenet64", lambda root, c: as_folder(root / "imagenet64" / "train", class_files(c))),
}


def numbered(crops):
    """As FFHQ has them: folders that are no classes."""
    return {f"{i // 20:02d}000/{i:05d}.png": data for i, data in enumerate(flat_files(crops).values())}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.usefixtures("_small_sets")
def test_known_sets_are_found_prepared_and_loaded(root, crops, place, capsys):
    name, put = PLACES[place]
    with pytest.raises(DatasetUnavailable, match=f"{name} was not found: put "):
        load_dataset(name, root, CPU)
    put(root, crops)
    assert DATASETS[name].storage.find(name, root)
    with pytest.raises(DatasetUnavailable, match=f"not prepared: python -m r3gan data prepare {name}"):
        load_dataset(name, root, CPU)
    ensure_dataset(name, root)
    err = capsys.readouterr().err
    assert "48/48" in err
    assert f"\n{name}: 48 images, " in err
    assert ("  took the training batches; left out: test_batch\n" in err) == (name == "cifar10")
    data = load_dataset(name, root, CPU)
    assert (data.name, data.resolution, data.classes, len(data)) == (name, *DATASETS[name].facts[:2], 48)
    ensure_dataset(name, root)
    assert capsys.readouterr().err == ""


def test_an_incomplete_known_set_is_refused(root, crops):
    as_tar(root / "cifar-10-python.tar.gz", cifar_files(crops))
    with pytest.raises(BadData, match=r"not all of it: found 32x32, 2 classes, 48 images; expected .* 50000 images"):
        ensure_dataset("cifar10", root)
    write_prepared(open_source([root / "cifar-10-python.tar.gz"]), root / "cifar10", Options())
    with pytest.raises(BadData, match="is not cifar10"):
        load_dataset("cifar10", root, CPU)


@pytest.mark.parametrize("name", ["ffhq64", "ffhq256", "imagenet32", "imagenet64"])
def test_what_has_no_public_source_says_which_file_goes_where(root, name):
    with pytest.raises(DatasetUnavailable) as caught:
        ensure_dataset(name, root)
    assert str(root / name) in str(caught.value)
    assert "R3GAN_DATA" in str(caught.value)


@pytest.mark.usefixtures("_small_sets")
def test_cifar10_is_downloaded_with_its_checksum_and_prepared(root, crops, monkeypatch):
    import torchvision.datasets.utils as utils

    calls = []

    def download(url, folder, filename, md5):
        calls.append((url, md5))
        as_tar(root / filename, cifar_files(crops))

    monkeypatch.setattr(utils, "download_url", download)
    ensure_dataset("cifar10", root)
    ensure_dataset("cifar10", root)
    assert [md5 for _, md5 in calls] == ["c58f30108f718f92721af3b95e74349a"]
    assert calls[0][0].endswith("cifar-10-python.tar.gz")
    assert len(load_dataset("cifar10", root, CPU)) == 48


def test_a_failed_download_says_what_to_do_and_leaves_no_file(root, monkeypatch):
    import torchvision.datasets.utils as utils

    def fail(url, folder, filename, md5):
        (root / filename).write_bytes(b"half")
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr(utils, "download_url", fail)
    with pytest.raises(DatasetUnavailable, match=r"put cifar-10-python\.tar\.gz .*download failed: File not found"):
        ensure_dataset("cifar10", root)
    assert [path.name for path in root.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_data_folder_that_takes_no_file_ends_the_download_at_once():
    with pytest.raises(DatasetUnavailable, match=r"put cifar-10.* \(the download failed: .*/proc/\.cifar-10"):
        ensure_dataset("cifar10", Path("/proc"))


@pytest.mark.parametrize("name", ["cifar10", "stacked-mnist"])
def test_a_data_folder_that_is_a_file_is_told(tmp_path, name):
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DatasetUnavailable, match="put "):
        ensure_dataset(name, tmp_path / "data")


@pytest.mark.usefixtures("_small_sets")
def test_two_that_ensure_at_once_prepare_once(root, crops, monkeypatch):
    as_folder(root / "imagenet32", imagenet_files(crops))
    ended, failed = [], []

    def ensure():
        try:
            ensure_dataset("imagenet32", root)
            ended.append(True)
        except Exception as error:
            failed.append(error)

    monkeypatch.setattr(r3gan.data.known, "progress_bar", quiet)
    threads = [threading.Thread(target=ensure) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(ended), failed) == (3, [])
    assert len(load_dataset("imagenet32", root, CPU)) == 48


class quiet:
    def __init__(self, activity):
        pass

    def __enter__(self):
        return lambda done, total: None

    def __exit__(self, *error):
        pass


def test_loading_stacked_digits_needs_no_preparation(root):
    ensure_dataset("stacked-digits", root)
    data = load_dataset("stacked-digits", root, CPU)
    assert isinstance(data, StackedDigits)
    assert len(data) == 1438**3
    histogram = data.label_histogram
    ones = [int((data.train.labels == digit).sum()) for digit in range(10)]
    assert histogram.sum() == len(data)
    assert histogram[345] == ones[3] * ones[4] * ones[5]


def test_every_known_dataset_says_its_licence_with_the_address_that_does_or_that_it_is_unknown():
    for name, row in DATASETS.items():
        assert re.search(r"https://\S+\w/?$", row.licence), name
        assert re.match(r"CC |ImageNet's terms|none needed|unknown", row.licence), name
