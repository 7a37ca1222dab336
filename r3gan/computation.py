"""How a job is computed, which does not change what it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Computation:
    """Settings of one rank."""

    micro_batch: int | None = None
    penalty_form: str = "auto"
    tf32: bool = False

    def arguments(self) -> list[str]:
        """As `r3gan train` takes them."""
        return ["--micro-batch", str(self.micro_batch)] if self.micro_batch else []
