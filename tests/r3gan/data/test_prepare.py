"""An interrupted preparation goes on where the disk's copy ends, and yields what an uninterrupted one does."""

import errno
import json
import os
import shutil
import threading
import time
from dataclasses import replace

import pytest
import torch
from PIL import Image

import r3gan.data.prepare
import r3gan.data.writer
from r3gan.data.conversion import Conversion
from r3gan.data.errors import BadData
from r3gan.data.manifest import read_manifest
from r3gan.data.prepare import Options, write_prepared
from r3gan.data.recognise import open_source
from r3gan.data.store import open_prepared, verify
from tests.r3gan.conftest import as_folder, class_files, encode, flat_files, marked


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch):
    monkeypatch.setattr(r3gan.data.prepare, "AT_ONCE", 4)
    monkeypatch.setattr(r3gan.data.writer, "SYNC_EVERY", 12)


@pytest.fixture
def source(crops, tmp_path):
    return open_source([as_folder(tmp_path / "tree", class_files(crops))])


class Interrupted:
    """A source that breaks after some images, and notes where reading begins."""

    def __init__(self, source, after=None, error=KeyboardInterrupt):
        self.source, self.after, self.error, self.starts = source, after, error, []
        self.labels, self.parts, self.description = source.labels, source.parts, source.description
        self.class_names, self.notes = source.class_names, source.notes

    def __len__(self):
        return len(self.source)

    def items(self, start):
        self.starts.append(start)
        for i, item in enumerate(self.source.items(start), start):
            if i == self.after:
                raise self.error
            yield item


def partial_of(tmp_path):
    return tmp_path / "set.partial"


@pytest.mark.parametrize(("after", "kept"), [(3, 0), (13, 12), (29, 24), (47, 36)])
def test_a_resumed_preparation_reads_on_and_ends_with_the_same_bytes(source, tmp_path, after, kept):
    whole = write_prepared(source, tmp_path / "whole", Options()).manifest
    with pytest.raises(KeyboardInterrupt):
        write_prepared(Interrupted(source, after), tmp_path / "set", Options())
    assert not (tmp_path / "set").exists()
    assert json.loads((partial_of(tmp_path) / "journal.json").read_text())["done"] == kept
    again = Interrupted(source)
    assert write_prepared(again, tmp_path / "set", Options()).manifest == replace(whole, name="set")
    assert again.starts[-1] == kept
    assert (tmp_path / "set" / "images.npy").read_bytes() == (tmp_path / "whole" / "images.npy").read_bytes()
    assert sorted(os.listdir(tmp_path / "set")) == ["images.npy", "labels.npy", "manifest.json"]
    assert not partial_of(tmp_path).exists()


def test_what_was_written_after_the_last_sync_is_dropped(source, tmp_path):
    whole = write_prepared(source, tmp_path / "whole", Options()).manifest
    with pytest.raises(KeyboardInterrupt):
        write_prepared(Interrupted(source, 29), tmp_path / "set", Options())
    with (partial_of(tmp_path) / "images.npy").open("ab") as file:
        file.write(b"half an image")
    assert write_prepared(source, tmp_path / "set", Options()).manifest.content_hash == whole.content_hash
    verify(open_prepared(tmp_path / "set"), tmp_path / "set")


def test_a_finished_partial_folder_only_takes_its_name(source, tmp_path, monkeypatch):
    monkeypatch.setattr(r3gan.data.prepare, "publish", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_prepared(source, tmp_path / "set", Options())
    monkeypatch.undo()
    again = Interrupted(source)
    write_prepared(again, tmp_path / "set", Options())
    assert again.starts == [0, 48]  # the first image for its size, and nothing more
    verify(open_prepared(tmp_path / "set"), tmp_path / "set")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder, options: ((folder / "china" / "0003.png").unlink(), options)[1],
        lambda folder, options: ((folder / "china" / "0003.png").open("ab").write(b"x"), options)[1],
        lambda folder, options: ((folder / "china").rename(folder / "zebra"), options)[1],
        lambda folder, options: replace(options, labels="none"),
        lambda folder, options: replace(options, conversion=Conversion(to_rgb=True)),
        lambda folder, options: replace(options, conversion=Conversion(to_rgb=True, background=(255, 255, 255))),
        lambda folder, options: replace(options, conversion=Conversion(apply_rotation=True)),
        lambda folder, options: replace(options, resolution=16),
    ],
)
def test_another_source_or_other_options_do_not_go_on(source, tmp_path, change):
    with pytest.raises(KeyboardInterrupt):
        write_prepared(Interrupted(source, 29), tmp_path / "set", Options())
    options = change(tmp_path / "tree", Options())
    before = (partial_of(tmp_path) / "images.npy").read_bytes()
    with pytest.raises(BadData, match="holds 24 images from another source or with other options") as caught:
        write_prepared(open_source([tmp_path / "tree"], options.labels), tmp_path / "set", options)
    assert str(partial_of(tmp_path)) in str(caught.value)
    assert (partial_of(tmp_path) / "images.npy").read_bytes() == before


@pytest.mark.parametrize("place", [1, 11])
def test_the_option_that_an_error_advises_goes_on_where_nothing_is_stored(crops, tmp_path, place):
    files = flat_files(crops)
    name = sorted(files)[place]
    folder = as_folder(tmp_path / "flat", files | {name: encode(Image.fromarray(crops.images[place]).convert("L"))})
    with pytest.raises(BadData, match=f"{name} is grey.*--to-rgb"):
        write_prepared(open_source([folder]), tmp_path / "set", Options())
    options = Options(conversion=Conversion(to_rgb=True))
    assert write_prepared(open_source([folder]), tmp_path / "set", options).manifest.count == 48
    verify(open_prepared(tmp_path / "set"), tmp_path / "set")


def test_what_was_begun_at_another_size_is_begun_anew_where_nothing_is_stored(source, tmp_path):
    for options in (Options(), Options(8)):
        with pytest.raises(KeyboardInterrupt):
            write_prepared(Interrupted(source, 3), tmp_path / "set", options)
    whole = write_prepared(source, tmp_path / "whole", Options(16)).manifest
    assert write_prepared(source, tmp_path / "set", Options(16)).manifest == replace(whole, name="set")


def test_what_was_done_to_images_is_counted_across_interruptions(crops, tmp_path):
    first, *others = (Image.fromarray(image) for image in crops.images[:2])
    odd = {f"{i:04d}.png": marked(crops.images[i], 6) for i in (2, 20, 40)}
    odd |= {f"{i:04d}.png": encode(Image.fromarray(crops.images[i]).convert("L")) for i in (1, 47)}
    odd |= {"0021.png": encode(first, "MPO", save_all=True, append_images=others)}
    source = open_source([as_folder(tmp_path / "flat", flat_files(crops) | odd)])
    options = Options(conversion=Conversion(to_rgb=True))
    with pytest.raises(KeyboardInterrupt):
        write_prepared(Interrupted(source, 29), tmp_path / "set", options)
    converted, several, turned = write_prepared(source, tmp_path / "set", options).notes
    assert converted == "2 of 48 images were converted to RGB of 8 bits"
    assert several == "1 of 48 images are the first of several pictures in a file (MPO); the others were left out"
    assert turned.startswith("3 of 48 images have a rotation mark (EXIF) and were taken as they are stored")
    assert "--apply-rotation" in turned
    upright = Options(conversion=Conversion(to_rgb=True, apply_rotation=True))
    assert write_prepared(source, tmp_path / "upright", upright).notes == (converted, several)
    stored, upright = (open_prepared(tmp_path / name).images for name in ("set", "upright"))
    assert torch.equal(upright[20], torch.rot90(stored[20], -1))
    assert torch.equal(upright[22], stored[22])


def test_damage_to_what_was_written_is_noticed(source, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_prepared(Interrupted(source, 29), tmp_path / "set", Options())
    path = partial_of(tmp_path) / "images.npy"
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadData, match=r"images\.npy is not what journal\.json says"):
        write_prepared(source, tmp_path / "set", Options())
    (partial_of(tmp_path) / "journal.json").write_text("{")
    with pytest.raises(BadData, match=r"journal\.json cannot be read"):
        write_prepared(source, tmp_path / "set", Options())


def test_a_bad_image_late_in_the_source_leaves_nothing_under_the_name(crops, source, tmp_path):
    (tmp_path / "tree" / "flower" / "0040.png").write_bytes(b"no image")
    with pytest.raises(BadData, match=r"0040\.png"):
        write_prepared(open_source([tmp_path / "tree"]), tmp_path / "set", Options())
    assert os.listdir(tmp_path) == ["tree"]


def test_a_folder_with_raw_files_can_be_prepared_in_place(crops, tmp_path):
    folder = as_folder(tmp_path / "own", class_files(crops))
    write_prepared(open_source([folder]), folder, Options())
    verify(open_prepared(folder), folder)
    assert (folder / "china" / "0000.png").exists()
    assert not (tmp_path / "own.partial").exists()


def test_a_zip_that_cannot_be_written_whole_is_not_there(source, tmp_path, monkeypatch):
    def half(data, labels, path, progress):
        path.write_bytes(b"PK")
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(r3gan.data.prepare, "write_zip", half)
    with pytest.raises(OSError, match="disk full"):
        write_prepared(source, tmp_path / "set.zip", Options())
    assert not [path.name for path in tmp_path.iterdir() if path.name in ("set.zip", "set.zip.tmp")]
    monkeypatch.undo()
    write_prepared(source, tmp_path / "set.zip", Options())
    assert (tmp_path / "set.zip").exists()


def test_a_zip_is_resumed_by_way_of_its_folder(source, tmp_path):
    write_prepared(source, tmp_path / "whole.zip", Options())
    with pytest.raises(KeyboardInterrupt):
        write_prepared(Interrupted(source, 29), tmp_path / "set.zip", Options())
    assert not (tmp_path / "set.zip").exists()
    again = Interrupted(source)
    write_prepared(again, tmp_path / "set.zip", Options())
    assert again.starts[-1] == 24
    assert (tmp_path / "set.zip").read_bytes() == (tmp_path / "whole.zip").read_bytes()
    assert not (tmp_path / "set.zip.partial").exists()


def test_progress_counts_on_from_what_was_done(source, tmp_path):
    told = []
    with pytest.raises(KeyboardInterrupt):
        write_prepared(Interrupted(source, 29), tmp_path / "set", Options())
    write_prepared(source, tmp_path / "set", Options(), lambda done, total: told.append((done, total)))
    assert told == [(done, 48) for done in range(24, 49, 4)]


def test_too_little_space_is_told_before_anything_is_read(source, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**6, 10**6, 1000))
    watched = Interrupted(source)
    with pytest.raises(OSError, match=r"set\.partial cannot be written: 0\.0 GiB are needed.*run the same again"):
        write_prepared(watched, tmp_path / "set", Options())
    assert watched.starts == [0]  # the first image, for its size


def test_only_one_process_prepares_and_a_waiting_one_takes_its_result(source, tmp_path):
    begun, go_on = threading.Event(), threading.Event()

    class Slow(Interrupted):
        def items(self, start):
            begun.set()
            assert go_on.wait(30)
            yield from super().items(start)

    results = []
    first = threading.Thread(target=lambda: results.append(write_prepared(Slow(source), tmp_path / "set", Options())))
    first.start()
    assert begun.wait(30)
    with pytest.raises(BadData, match="being prepared by another process"):
        write_prepared(source, tmp_path / "set", Options())
    waiting = Interrupted(source)
    second = threading.Thread(
        target=lambda: results.append(write_prepared(waiting, tmp_path / "set", Options(), wait=True))
    )
    second.start()
    time.sleep(0.2)
    go_on.set()
    first.join(30)
    second.join(30)
    assert results[0].manifest == results[1].manifest == read_manifest(tmp_path / "set")
    assert results[1].notes == ("another process has prepared it",)
    assert waiting.starts == []
