"""The ranks of a job on several machines: each of these starts its own by torchrun, which meet at the first one."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

OF_ONE_MACHINE = ("GLOO_SOCKET_IFNAME", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE")
INTERFACE = "GLOO_SOCKET_IFNAME"  # set by whoever knows the network; else gloo looks the machine's own name up


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """Of one attempt at a job, as one of its machines sees it."""

    hosts: tuple[str, ...]  # names or addresses under which the machines reach each other
    here: int  # index of this one
    port: int  # free at the first one
    attempt: str  # the same on all machines, another one each time

    def torchrun_command(self, ranks: int) -> list[str]:
        """The command that starts so many ranks here, of the module that follows."""
        return [
            *(sys.executable, "-m", "torch.distributed.run"),
            *(f"--nnodes={len(self.hosts)}", f"--nproc-per-node={ranks}", "--max-restarts=0"),
            *("--rdzv-backend=c10d", f"--rdzv-endpoint={self.hosts[0]}:{self.port}"),
            *(f"--rdzv-conf=is_host={int(self.here == 0)}", f"--rdzv-id={self.attempt}"),
            *(f"--local-addr={self.hosts[self.here]}", "-m"),
        ]

    def environment(self, of_one_machine: Mapping[str, str]) -> dict[str, str]:
        """What a job on one machine would get, without what keeps it there."""
        kept = {name: value for name, value in of_one_machine.items() if name not in OF_ONE_MACHINE}
        return kept | ({INTERFACE: os.environ[INTERFACE]} if INTERFACE in os.environ else {})
