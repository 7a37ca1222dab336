"""Which of this machine's GPUs are free, by what nvidia-smi says of their memory."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

BUSY_SHARE = 0.1  # of a GPU's memory in use: somebody else computes there
LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Gpus:
    """By their place among those that this process may use."""

    free: tuple[int, ...]
    busy: tuple[str, ...] = ()  # of each other one a text
    in_use_bytes: int = 0  # the most that others have on one of the free ones, as far as it is known


@dataclass(frozen=True)
class Card:
    """A GPU as nvidia-smi tells of it. used, total: MiB."""

    uuid: str
    used: int
    total: int


def look_at_gpus(count: int) -> Gpus:
    """The `count` GPUs that this process may use. Those that the user names in CUDA_VISIBLE_DEVICES are all free,
    whatever others have on them, and so are all where nvidia-smi does not answer."""
    cards = _ask() if count else []
    names = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    if names:
        used = [card.used for name in names[:count] for card in named(name.strip(), cards)]
        return Gpus(tuple(range(count)), in_use_bytes=2**20 * max(used, default=0))
    if len(cards) != count:  # parts of GPUs, say
        return Gpus(tuple(range(count)))
    busy = {
        i: f"GPU {i}: {card.used} of {card.total} MiB are in use"
        for i, card in enumerate(cards)
        if card.used > BUSY_SHARE * card.total
    }
    free = tuple(i for i in range(count) if i not in busy)
    return Gpus(free, tuple(busy.values()), 2**20 * max((cards[i].used for i in free), default=0))


def named(name: str, cards: Sequence[Card]) -> Sequence[Card]:
    """The card of a name in CUDA_VISIBLE_DEVICES, its place or how its UUID begins; all that it may be, if that is not
    known: CUDA counts unlike cards in an order of its own, the fastest first."""
    if name.isdecimal():
        is_in_order = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({card.total for card in cards}) == 1
        found = cards[int(name) : int(name) + 1] if is_in_order else ()
    else:
        found = [card for card in cards if card.uuid.startswith(name)]
    return found if len(found) == 1 else cards


def _ask() -> list[Card]:
    """All of this machine's, in the order of their places on the bus; none where nvidia-smi does not answer."""
    query = ["nvidia-smi", "--query-gpu=uuid,memory.used,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=True).stdout
        rows = [line.split(",") for line in answer.strip().splitlines()]
        return [Card(uuid.strip(), int(used), int(total)) for uuid, used, total in rows]
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
