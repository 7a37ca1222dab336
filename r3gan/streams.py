"""Random streams addressed by name, not by history.

Every draw of a job comes from a stream named by (seed, purpose, ..., counter). No stream has a state that outlives one
call, so that resuming needs only the image counter, the number of ranks does not matter, and two variants with one
seed see the same numbers (common random numbers). Streams live on the CPU: a GPU job sees the same numbers too.
"""

import hashlib

import torch


def stream_seed(seed: int, *name: object) -> int:
    """A 63-bit seed from the job's seed and the stream's name, the same on every machine and Python."""
    text = "/".join(str(part) for part in (seed, *name))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def stream(seed: int, *name: object) -> torch.Generator:
    """A fresh CPU generator for the stream (seed, *name)."""
    return torch.Generator().manual_seed(stream_seed(seed, *name))
