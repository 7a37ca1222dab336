"""docs/new-axis.md is done in a copy of the project, to the letter, and what it says to run is run."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "new-axis.md"
PARTS = ("r3gan", "experiments", "analysis", "benchmarks", "tests", "docs", "studies", "pyproject.toml", "README.md",
         "ablations.yaml")  # fmt: skip
STEP = re.compile(
    r'^(?:New file `(?P<new>[^`]+)`|In `(?P<file>[^`]+)`, (?P<where>below|above|instead of) the line '
    r'(?:`(?P<line>[^`]+)`|that begins with "(?P<start>[^"]+)")):\n\n```\w+\n(?P<text>.*?)```$',
    re.MULTILINE | re.DOTALL,
)  # fmt: skip


def steps():
    return [match.groupdict() for match in STEP.finditer(PAGE.read_text())]


def apply(step, root):
    if step["new"]:
        (root / step["new"]).write_text(step["text"])
        return
    path = root / step["file"]
    lines = path.read_text().splitlines(keepends=True)
    found = [i for i, line in enumerate(lines) if is_line(line, step)]
    assert found, f"{step['file']} has no line {step['line'] or step['start']!r}"
    first, last = {"below": (1, 1), "above": (0, 0), "instead of": (0, 1)}[step["where"]]
    lines[found[0] + first : found[0] + last] = [step["text"]]
    path.write_text("".join(lines))


def is_line(line, step):
    return line.rstrip("\n") == step["line"] if step["line"] else line.startswith(step["start"])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The copy, with the axis."""
    root = tmp_path_factory.mktemp("project")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, root / part, ignore=shutil.ignore_patterns("__pycache__", "results"))
        else:
            shutil.copy(source, root / part)
    for step in steps():
        apply(step, root)
    return root


def test_no_identity_has_changed(project):
    plan = ("experiments.run", "ablations.yaml", "--dry-run", "--no-costs", "--json")
    before, after = (json.loads(run(root, *plan).stdout) for root in (ROOT, project))
    assert [job["identity"] for job in before] == [job["identity"] for job in after]
    assert {job["config"]["network"].get("output_activation") for job in after} == {"linear"}


def run(project, *arguments):
    environment = os.environ | {"PYTHONPATH": str(project)}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, env=environment, capture_output=True, text=True
    )


def test_every_block_but_the_study_is_a_step():
    fences = len(re.findall(r"^```\w+$", PAGE.read_text(), re.MULTILINE))
    assert len(steps()) == fences - 1 > 10


def test_the_axis_passes_its_own_tests_and_those_of_identities_and_the_reference(project):
    tested = ("tests/r3gan/model/test_output_activations.py", "tests/r3gan/test_identity.py", "tests/test_docs.py")
    only = "output_activations or identity or the_reference_holds"
    done = run(project, "pytest", "-q", "-p", "no:cacheprovider", *tested, "-k", only)
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_study_names_the_axis_and_wrong_names_are_refused(project):
    (study,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (project / "axis.yaml").write_text(study)
    shown = run(project, "experiments.run", "axis.yaml", "--dry-run", "--no-costs")
    assert shown.returncode == 0, shown.stderr[-3000:]
    assert "network.output_activation tanh: colours stay within -1..1" in " ".join(shown.stdout.split())
    wrong = study.replace("tanh}", "tan}")
    (project / "wrong.yaml").write_text(wrong)
    refused = run(project, "experiments.run", "wrong.yaml", "--dry-run")
    assert refused.returncode == 2
    assert "did you mean tanh" in refused.stderr
