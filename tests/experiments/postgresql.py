"""A PostgreSQL server of the tests' own, from the programs that the system has installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"  # the server refuses to run as root; the system's package makes this user


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl, or None."""
    on_path = shutil.which("pg_ctl")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # where Debian puts them
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """Run an empty server that listens on a socket in a folder of its own; yields that folder, and removes it."""
    owner = {"user": USER, "group": USER} if os.geteuid() == 0 else {}
    folder = tempfile.mkdtemp(prefix="pg")  # a short path: those of sockets may not be long
    if owner:
        shutil.chown(folder, **owner)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", f"{folder}/data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **owner)

    try:
        run("initdb", "--username", USER, "--auth", "trust", "--no-sync")
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        run("pg_ctl", "start", "--wait", "--log", f"{folder}/log", "-o", options)
        try:
            yield folder
        finally:
            run("pg_ctl", "stop", "--wait", "--mode", "immediate")
    finally:
        shutil.rmtree(folder)
