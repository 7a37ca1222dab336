"""What a job runs on and with, written down before it trains; and what must not change when it goes on."""

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from r3gan.config import NetworkConfig
from r3gan.config_json import from_dict
from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.dataset import Dataset
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.provenance import Code
from r3gan.training.penalty_check import PenaltyCheck

NAMES_RECORDED = 10  # of classes


@dataclass(frozen=True, kw_only=True)
class DatasetRecord:
    """Which data it is."""

    name: str
    source: str
    content_hash: str
    classes: int  # 0 without labels
    first_class_names: tuple[str, ...]  # ten at most; empty if the classes have none


@dataclass(frozen=True)
class Stretch:
    """A part of a training, up to the next one or the end, that one version of the code computed."""

    from_images: int
    code: Code


@dataclass(frozen=True, kw_only=True)
class Environment:
    """environment.json."""

    device: str  # a GPU's name, or cpu
    ranks: int
    threads: int  # of each rank
    penalty_form: str  # which was asked for
    penalty_gradients: str  # by which form: see r3gan/training/penalties.py
    penalty_check: PenaltyCheck | None  # None: no first-order form, so nothing to compare
    tf32: bool
    precision: str  # in which formats the stages are computed
    micro_batch: int
    feature_networks: dict[str, str]  # name -> hash of its weights
    dataset: DatasetRecord
    trained_by: tuple[Stretch, ...]  # the last one is what trains now
    begun_with: dict[str, Any] | None = None  # fine-tuning: the weights, their hash, and what each network took of them

    def write(self, job: JobDir) -> None:
        """Into the job's directory."""
        write_json(job.environment, asdict(self))


def device_name(device: torch.device) -> str:
    """For the record."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def precision_text(network: NetworkConfig, device: torch.device) -> str:
    """In which formats the stages are computed there."""
    low = f"the {network.low_stages} of the highest resolutions in {'float16' if network.fp16_stages else 'bfloat16'}"
    if not network.low_stages:
        return "float32"
    if device.type != "cpu":
        return f"float32, {low}"
    return f"float32, {low}, emulated by rounding" if network.emulate_precision else "float32"


def dataset_record(data: Dataset) -> DatasetRecord:
    """For the record."""
    return DatasetRecord(
        name=data.name,
        source=data.source,
        content_hash=data.content_hash,
        classes=data.classes,
        first_class_names=data.class_names[:NAMES_RECORDED],
    )


def require_same_data(before: dict[str, Any] | None, job: JobDir, data: Dataset) -> None:
    """Raises DatasetUnavailable if the job began on a dataset of the same name with other content."""
    began_on = before and before["dataset"]["content_hash"]
    if began_on and began_on != data.content_hash:
        raise DatasetUnavailable(
            f"{job.root} began on {data.name} with content {began_on}, which is {data.content_hash} now: "
            "bring the old data back, or delete the directory to start again"
        )


def stretches(before: dict[str, Any] | None, images: int, code: Code) -> tuple[Stretch, ...]:
    """What has trained a job up to `images`, and what trains it from there on. Equal neighbours are one."""
    recorded: tuple[Stretch, ...] = from_dict(tuple[Stretch, ...], (before or {}).get("trained_by", []))
    earlier = tuple(stretch for stretch in recorded if stretch.from_images < images)
    return earlier if earlier and earlier[-1].code == code else (*earlier, Stretch(images, code))


def read_environment(path: Path) -> dict[str, Any] | None:
    """What was written, as plain data; None if there is no such file, or if it holds something else."""
    try:
        found = json.loads(path.read_bytes())
        return found if isinstance(found["dataset"]["content_hash"], str) else None
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def peak_memory_gib(device: torch.device) -> float:
    """The most memory used so far: of the GPU, or resident on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    unit = 2**30 if sys.platform == "darwin" else 2**20  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


class ProcessorUse:
    """How many of the processor's cores this process, with all its threads, keeps busy."""

    def __init__(self) -> None:
        self._seen = time.process_time(), time.perf_counter()

    def cores(self) -> float:
        """On average since the last call, or since it was made."""
        before, self._seen = self._seen, (time.process_time(), time.perf_counter())
        return (self._seen[0] - before[0]) / (self._seen[1] - before[1])
