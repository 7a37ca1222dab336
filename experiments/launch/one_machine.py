"""torchrun for the ranks of one machine: nothing is left for it to take from the environment or the network.

Where a cluster's operator has set what torchrun reads as defaults (PET_NNODES, MASTER_ADDR, ...), or where the
machine's own name cannot be looked up, ranks would wait for machines that are not there.
"""

import os
import re
import socket
import sys
import uuid
from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
OF_OTHERS = re.compile(  # variables that tell torchrun or a rank of ranks elsewhere
    r"PET_.*|TORCHELASTIC_.*|TORCH_ELASTIC_.*|MASTER_(ADDR|PORT)|(|LOCAL_|GROUP_|ROLE_)(RANK|WORLD_SIZE)|ROLE_NAME"
    r"|(GLOO|TP)_SOCKET_IFNAME|GROUP_SIZE|PYTHON_EXEC|USE_LIBUV|LOGLEVEL"
)
LOOPBACK_NAMES = ("lo", "lo0")  # Linux; macOS


def own_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what it says of ranks, and with the network that never leaves the machine."""
    kept = {name: value for name, value in environment.items() if not OF_OTHERS.fullmatch(name)}
    found = [name for _, name in socket.if_nameindex() if name in LOOPBACK_NAMES]
    alone = {
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"
    }  # else ranks talk over the port of the rendezvous, not their own
    return kept | alone | ({"GLOO_SOCKET_IFNAME": found[0]} if found else {})


def forget_others() -> None:
    """Take out of this process's environment what it says of ranks: it is the only one."""
    for name in filter(OF_OTHERS.fullmatch, list(os.environ)):
        del os.environ[name]


def torchrun_command(ranks: int) -> list[str]:
    """The command that starts so many ranks of the module that follows, here, once."""
    return [
        *(sys.executable, "-m", "torch.distributed.run"),
        *("--nnodes=1", f"--nproc-per-node={ranks}", "--max-restarts=0"),
        *("--rdzv-backend=c10d", f"--rdzv-endpoint={LOOPBACK}:0", "--rdzv-conf=is_host=1"),
        *(f"--rdzv-id={uuid.uuid4()}", f"--local-addr={LOOPBACK}", "-m"),
    ]
