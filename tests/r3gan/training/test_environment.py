"""What a job writes down of its dataset, and of the processor it used."""

import torch

from r3gan.data.load import load_dataset
from r3gan.data.manifest import Manifest
from r3gan.data.store import ImageSet
from r3gan.training import environment
from r3gan.training.environment import DatasetRecord, ProcessorUse, dataset_record

NAMES = tuple(f"class {i}" for i in range(12))


def images(names):
    manifest = Manifest(
        name="mine",
        source="folder photos",
        count=12,
        resolution=4,
        classes=12,
        label_histogram=(1,) * 12,
        content_hash="0123456789abcdef",
        class_names=names,
    )
    return ImageSet("mine", manifest, torch.zeros(12, 4, 4, 3, dtype=torch.uint8), torch.arange(12))


def test_the_record_of_a_dataset_has_its_content_and_the_first_ten_names_of_its_classes():
    assert dataset_record(images(NAMES)) == DatasetRecord(
        name="mine",
        source="folder photos",
        content_hash="0123456789abcdef",
        classes=12,
        first_class_names=NAMES[:10],
    )
    assert dataset_record(images(())).first_class_names == ()


def test_digits_are_recorded_with_their_modes(tmp_path):
    record = dataset_record(load_dataset("stacked-digits", tmp_path, torch.device("cpu")))
    assert (record.classes, record.first_class_names) == (1000, ())


def test_busy_cores_are_the_processors_time_for_each_second_since_they_were_asked_for(monkeypatch):
    clocks = iter([(10.0, 100.0), (14.0, 102.0), (14.5, 107.0)])
    now = [0.0, 0.0]
    monkeypatch.setattr(environment.time, "process_time", lambda: now[0])
    monkeypatch.setattr(environment.time, "perf_counter", lambda: now[1])
    now[:] = next(clocks)
    use = ProcessorUse()
    now[:] = next(clocks)
    assert use.cores() == 2.0
    now[:] = next(clocks)
    assert use.cores() == 0.1
