"""How a job is computed, which does not change what it is: the same result, to rounding. Needs no torch."""

import argparse
from dataclasses import dataclass
from typing import Literal, get_args

from r3gan.arguments import positive

PenaltyForm = Literal["auto", "first-order", "double"]


@dataclass(frozen=True)
class Computation:
    """Settings of every rank of a job."""

    micro_batch: int | None = None  # pairs of images at once; None: as many as are fast, or fit (training/estimate.py)
    penalty_form: PenaltyForm = "auto"  # of R1's and R2's gradients; auto: first-order where the network declares it
    tf32: bool = False  # let a GPU round the factors of products to TF32, in convolutions and matrix products alike
    keep_checkpoints: int = 2  # the newest ones: if the last is damaged, the one before it is gone on from

    def arguments(self) -> list[str]:
        """As the command line of `r3gan train` says the same; what is not said is the default."""
        return [
            *(["--micro-batch", str(self.micro_batch)] if self.micro_batch else []),
            *(["--penalty-form", self.penalty_form] if self.penalty_form != "auto" else []),
            *(["--tf32"] if self.tf32 else []),
            *(
                ["--keep-checkpoints", str(self.keep_checkpoints)]
                if self.keep_checkpoints != Computation.keep_checkpoints
                else []
            ),
        ]


def add_computation(parser: argparse.ArgumentParser) -> None:
    """The options of `Computation`."""
    add = parser.add_argument
    add("--micro-batch", type=positive, help="pairs that a rank computes at once: less memory, the same result")
    add("--penalty-form", choices=get_args(PenaltyForm), default="auto",
        help="how R1 and R2 are differentiated (default: auto, first-order where it is exact)")  # fmt: skip
    add("--tf32", action="store_true", help="let a GPU round products to TF32: faster; the released code does not")
    add("--keep-checkpoints", type=positive, default=Computation.keep_checkpoints, metavar="N",
        help="how many checkpoints of a job stay (default: 2, should one be damaged)")  # fmt: skip


def computation_of(options: argparse.Namespace) -> Computation:
    """The parsed options as one value."""
    return Computation(options.micro_batch, options.penalty_form, options.tf32, options.keep_checkpoints)
