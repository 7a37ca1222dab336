"""What a job runs on and with, written down before it trains; and what must not change when it goes on."""

import json
import resource
import sys
from dataclasses import asdict, dataclass

import torch

from r3gan.data.catalog import DatasetUnavailable
from r3gan.data.dataset import Dataset
from r3gan.files import write_json
from r3gan.jobdir import JobDir
from r3gan.training.penalty_check import PenaltyCheck


@dataclass(frozen=True)
class DatasetRecord:
    """Which data it is."""

    name: str
    source: str
    content_hash: str


@dataclass(frozen=True, kw_only=True)
class Environment:
    """environment.json."""

    device: str  # a GPU's name, or cpu
    ranks: int
    threads: int  # of each rank
    torch: str  # version
    penalty_gradients: str  # by which form: see r3gan/training/penalties.py
    penalty_check: PenaltyCheck | None  # None: no first-order form, so nothing to compare
    tf32: bool
    micro_batch: int
    feature_networks: dict[str, str]  # name -> hash of its weights
    dataset: DatasetRecord

    def write(self, job: JobDir) -> None:
        """Into the job's directory."""
        write_json(job.environment, asdict(self))


def device_name(device: torch.device) -> str:
    """For the record."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def dataset_record(data: Dataset) -> DatasetRecord:
    """For the record."""
    return DatasetRecord(data.name, data.source, data.content_hash)


def require_same_data(job: JobDir, data: Dataset) -> None:
    """Raises DatasetUnavailable if the job began on a dataset of the same name with other content."""
    if not job.environment.exists():
        return
    before = json.loads(job.environment.read_text())["dataset"]["content_hash"]
    if before != data.content_hash:
        raise DatasetUnavailable(
            f"{job.root} began on {data.name} with content {before}, which is {data.content_hash} now: "
            "bring the old data back, or delete the directory to start again"
        )


def peak_memory_gib(device: torch.device) -> float:
    """The most memory used so far: of the GPU, or resident on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    unit = 2**30 if sys.platform == "darwin" else 2**20  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
