"""Which code computes: its commit, a hash of its files, and what it runs on. Needs no torch."""

import hashlib
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import r3gan

PACKAGE = Path(r3gan.__file__).parent


@dataclass(frozen=True, kw_only=True)
class Code:
    """What trains, as far as it may change the result."""

    sources: str  # hash of r3gan's source files
    commit: str  # of their repository; empty where they lie in none
    is_edited: bool  # whether files differ from the commit
    python: str  # version
    torch: str  # version
    processor: str


@cache
def code_here() -> Code:
    """Of this process."""
    commit, is_edited = _commit(PACKAGE)
    return Code(
        sources=source_hash(),
        commit=commit,
        is_edited=is_edited,
        python=platform.python_version(),
        torch=version("torch"),
        processor=_processor(),
    )


@cache
def source_hash(folders: Sequence[str] = (".",)) -> str:
    """Twelve hexadecimal digits that stand for the names and bytes of r3gan's source files, or of some folders'."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(PACKAGE).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:12]


def _commit(package: Path) -> tuple[str, bool]:
    """The commit that the package's files belong to, and whether they were edited since; empty if they are tracked by
    no repository."""
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return "", False
    commit, edited = _git(package, "rev-parse", "HEAD"), _git(package, "status", "--porcelain", "--", ".")
    return commit or "", bool(edited)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    """The processor's own name where the system says it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.exists() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()
