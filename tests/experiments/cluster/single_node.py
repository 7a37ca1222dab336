"""A Slurm cluster of one node on this machine, of Debian's packages slurm-wlm and munge. It has a folder and ports of
its own, and is root's.

    python -m tests.experiments.cluster.single_node FOLDER

starts one for a shell (`SLURM_CONF=FOLDER/slurm.conf sinfo`) until Ctrl-C.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
START_SECONDS = 60
NODE = "here"
CONFIGURATION = """\
ClusterName=single
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SchedulerType=sched/backfill
JobRequeue=1
MinJobAge=300
KillWait=20
OverTimeLimit=0
SlurmdTimeout=10
ReturnToService=2
MaxArraySize=1001
MaxJobCount=20000
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Of Slurm and munge; empty if a cluster can be brought up (by root alone)."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def free_ports(count: int) -> list[int]:
    """Of this machine, at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class SingleNode:
    """Started by `with`; ends with it, and all jobs with it."""

    def __init__(self, folder: Path, cpus: int = 2):
        self.folder, self.cpus = folder, cpus
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def __enter__(self) -> "SingleNode":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        for name in ("state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        controller_port, node_port = free_ports(2)
        text = CONFIGURATION.format(
            node=NODE, host=socket.gethostname().partition(".")[0], folder=self.folder,
            controller_port=controller_port, node_port=node_port, cpus=self.cpus,
        )  # fmt: skip
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        files = {"key-file": key} | {name: self.folder / f"munge.{name}" for name in ("socket", "pid", "log", "seed")}
        names = {"pid": "pid-file", "log": "log-file", "seed": "seed-file"}
        flags = [f"--{names.get(name, name)}={path}" for name, path in files.items()]
        self._start("munged", "--foreground", "--force", *flags)
        self._start("slurmctld", "-D", "-c")
        self.start_node()
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["scancel", "--user=root", "--signal=KILL", "--full"], env=self._environment(), check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            process = self.processes.get(name)
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def start_node(self) -> None:
        """Start the node's daemon, and wait until it takes jobs."""
        self._start("slurmd", "-D", "-N", NODE)
        self.wait_until_idle()

    def kill_node(self) -> None:
        """The node's daemon and all of its jobs end at once, as if the machine had lost its power."""
        self.processes["slurmd"].kill()
        self.processes["slurmd"].wait()
        subprocess.run(["pkill", "-KILL", "-x", "slurmstepd"], check=False)
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):  # ended by now
                words = path.read_bytes().split(b"\0")
                ours = f"SLURM_CONF={self.folder}/slurm.conf".encode() in words
                if ours and any(word.startswith(b"SLURM_JOB_ID=") for word in words):
                    os.kill(int(path.parent.name), signal.SIGKILL)

    def wait_until_idle(self) -> None:
        """Until the node takes jobs. Raises TimeoutError."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            state = self.ask("sinfo", "-h", "-o", "%T", check=False).strip()
            if state in ("idle", "mixed", "allocated"):
                return
            time.sleep(0.3)
        logs = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
        raise TimeoutError(f"the node is {state!r} after {START_SECONDS} s\n{logs}")

    def ask(self, *command: str, check: bool = True) -> str:
        """What one of Slurm's commands prints."""
        done = subprocess.run(command, env=self._environment(), check=check, capture_output=True, text=True)
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return os.environ | self.environment

    def _start(self, program: str, *arguments: str) -> None:
        log = (self.folder / f"{program}.out").open("ab")
        self.processes[program] = subprocess.Popen(
            [program, *arguments], env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        log.close()


if __name__ == "__main__":
    with SingleNode(Path(sys.argv[1]).absolute()) as cluster:
        print(f"export SLURM_CONF={cluster.environment['SLURM_CONF']}", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with suppress(KeyboardInterrupt):
            signal.pause()
