"""README and docs/ say what is true: every key with its type, default and meaning, every command, every path.

`python -m tests.test_docs` prints the tables that belong into docs/ablations-yaml.md, docs/speed.md and docs/tuning.md.
"""

import dataclasses
import inspect
import json
import re
import shlex
import typing
from pathlib import Path

import pytest
from r3gan.evaluation.metrics import METRICS, NUMBERS

from experiments import run, tune
from experiments.study.resolve import flatten
from experiments.study.study import _Dataset, _File, _Profile, _Variant
from experiments.study.tune_section import (
    ObjectiveSection,
    ParameterSection,
    PrunerSection,
    SamplerSection,
    SpaceSection,
    TuneSection,
)
from experiments.study.yamlfile import dotted
from experiments.tuning.ready_spaces import READY
from r3gan.config import LossPhase, MetricName, Schedule, TrainConfig
from r3gan.presets import PRESETS, preset_tree

ROOT = Path(__file__).parents[1]
PRESET_KEYS = {dotted(path) for path in flatten(preset_tree("cifar10"))}
BENCHMARKS = ("iteration", "memory", "scaling", "augment", "evaluation")
RESULTS = ROOT / "benchmarks" / "results" / "cpu"
REFERENCE = ROOT / "docs" / "ablations-yaml.md"


def comments(cls):
    """The comment behind each field of a dataclass."""
    return dict(re.findall(r"^    (\w+): [^#\n]*# (.+)$", inspect.getsource(cls), re.MULTILINE))


def type_name(annotation):
    if annotation == MetricName:
        return "metric"
    if annotation in (int, float, str, bool):
        return {int: "whole number", float: "number", str: "text", bool: "true or false"}[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{arg}`" for arg in args)
    if origin is tuple:
        return f"list of {type_name(args[0])}"
    if type(None) in args:
        return type_name(next(arg for arg in args if arg is not type(None)))
    raise AssertionError(annotation)


def default_of(field, key):
    if key in PRESET_KEYS or field.default is dataclasses.MISSING:
        return "preset"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return "-" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def key_table(cls=TrainConfig, prefix=""):
    rows, hints, meaning = [], typing.get_type_hints(cls), comments(cls)
    for field in dataclasses.fields(cls):
        kind = hints[field.name]
        if prefix == "" and field.name in ("dataset", "seed"):
            continue
        if kind is Schedule:
            rows.append(f"| `{prefix}{field.name}` | schedule | preset | {meaning[field.name]} |")
        elif dataclasses.is_dataclass(kind):
            rows += key_table(kind, f"{prefix}{field.name}.")
        elif kind == tuple[LossPhase, ...]:
            rows += key_table(LossPhase, f"{prefix}{field.name}[].")
        else:
            default = default_of(field, f"{prefix}{field.name}")
            rows.append(f"| `{prefix}{field.name}` | {type_name(kind)} | {default} | {meaning[field.name]} |")
    return rows


def test_the_reference_holds_every_key_with_its_type_default_and_meaning():
    chapters = re.split("^## ", REFERENCE.read_text(), flags=re.MULTILINE)
    tables = [chapter for chapter in chapters if chapter.startswith(("Configuration keys", "Schedules"))]
    documented = [line for table in tables for line in table.splitlines() if line.startswith("| `")]
    expected = key_table() + key_table(Schedule)
    assert [row for row in expected if row not in documented] == []
    assert [row for row in documented if row not in expected] == []


@pytest.mark.parametrize(
    "section",
    [
        _File,
        _Dataset,
        _Profile,
        _Variant,
        TuneSection,
        SpaceSection,
        ParameterSection,
        ObjectiveSection,
        SamplerSection,
        PrunerSection,
    ],
)
def test_the_reference_names_every_key_of_the_sections(section):
    text = REFERENCE.read_text()
    assert [key for key in section.model_fields if f"`{key}`" not in text and f"`{key}:`" not in text] == []


def test_the_reference_explains_every_metric():
    rows = re.findall(r"^\| `([\w-]+)` \|", REFERENCE.read_text().split("## Metrics")[1], re.MULTILINE)
    assert rows[: len(METRICS)] == list(METRICS)


def test_the_reference_names_every_number_that_can_be_tuned_and_every_ready_made_space():
    text = REFERENCE.read_text().split("## Tuning")[1]
    assert [name for name in [*NUMBERS, *READY] if f"`{name}`" not in text] == []


def test_the_reference_names_every_preset():
    assert [name for name in PRESETS if f"`{name}`" not in REFERENCE.read_text()] == []


@pytest.mark.parametrize("document", ["README.md", "docs/ablations-yaml.md", "docs/tuning.md"])
def test_every_run_command_in_the_documents_parses(document):
    commands = re.findall(r"python -m experiments\.(run|tune) ([^\n`]+)", (ROOT / document).read_text())
    assert {name for name, _ in commands} == {"run", "tune"}
    for name, arguments in commands:
        parse = {"run": run.parse_arguments, "tune": tune.parse_arguments}[name]
        parse(shlex.split(arguments.split("#")[0].replace("...", "")))


@pytest.mark.parametrize("document", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_every_path_in_the_documents_exists(document):
    text = (ROOT / document).read_text()
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    coded = re.findall(r"`((?:r3gan|experiments|analysis|tests|docs|benchmarks)/[\w./-]*\w)`", text)
    base = (ROOT / document).parent
    assert [p for p in linked if not (base / p).exists()] + [p for p in coded if not (ROOT / p).exists()] == []


def speed_tables():
    """The rows of docs/speed.md's tables of measurements, from the results that the benchmarks wrote."""
    results = {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in BENCHMARKS}
    for row in results["iteration"]["cases"]:
        d, whole, memory = (row[key] for key in ("d_step_factor", "iteration_factor", "d_step_memory_ratio"))
        one_part = row["d_step_bytes"]["one part"]
        cells = [f"{d[form]:.2f}" for form in ("double", "library", "plain")]
        cells += [f"{whole[form]:.2f}" for form in ("double", "library", "plain")]
        cells += [f"{memory['library']:.2f}", f"{one_part / row['d_step_bytes']['library']:.2f}"]
        yield f"| {row['case']} | {row['micro_batch']} | {' | '.join(cells)} |"
    for row in results["memory"]["rows"]:
        width, mib = row["case"].split("/")[1], 2**20
        sizes = f"{row['estimated'] / mib:.0f} MiB | {row['measured'] / mib:.0f} MiB"
        yield f"| width {width} | {row['micro_batch']} | {sizes} |"
    for row in results["scaling"]["measured"]:
        one, two = (row["ranks"][ranks] for ranks in ("1", "2"))
        rates = f"{one['images_per_second']:.1f} | {two['images_per_second']:.1f}"
        yield f"| {row['case']} | {rates} | {row['speedup']:.2f} | {two['communication_share']:.1%} |"
    for row in results["scaling"]["on_paper"]:
        step = f"{row['step_seconds'] * 1000:.0f} ms | {row['images_per_second']:,.0f}"
        shares = f"{row['communication_share']:.1%} | {row['efficiency']:.0%} | {row['hours']:.1f} h"
        yield f"| {row['preset']} | {row['gpus']} | {row['images_per_gpu']:g} | {step} | {shares} |"
    for row in results["augment"]["rows"]:
        cells = [f"{row['forward_ours']:.2f}", f"{row['forward_factor']:.1f}"]
        cells += [f"{row['both_ours']:.2f}", f"{row['both_factor']:.1f}"]
        yield f"| {row['resolution']}x{row['resolution']} | {' | '.join(cells)} |"
    for part, seconds in results["evaluation"]["seconds"].items():
        yield f"| {part} | {seconds:.2f} |"


def test_the_numbers_of_the_speed_page_are_those_of_the_results():
    text = (ROOT / "docs" / "speed.md").read_text()
    assert [row for row in speed_tables() if row not in text] == []


def tuning_tables():
    """The rows of docs/tuning.md's tables of measurements."""
    result = json.loads((RESULTS / "tune.json").read_text())
    columns = [key for key in result["anew"] if key != "values"]
    for name, row in [*((f"{row['kimg']} kimg", row) for row in result["best_at_cost"]), ("anew", result["anew"])]:
        cells = [f"{row[key]['mean']:.3f} ± {row[key]['half_width']:.3f}".replace("-", "−") for key in columns]
        yield f"| {name} | {' | '.join(cells)} |"
    for row in json.loads((RESULTS / "tune_overhead.json").read_text())["rows"]:
        clock, processor = (
            f"{row[f'{kind}_seconds']:.2f} s | {row[f'{kind}_share']:.2%}" for kind in ("clock", "processor")
        )
        yield f"| {row['finished_trials']} | {row['trial_seconds']:.0f} s | {clock} | {processor} |"


def test_the_numbers_of_the_tuning_page_are_those_of_the_results():
    text = (ROOT / "docs" / "tuning.md").read_text()
    assert [row for row in tuning_tables() if row not in text] == []


@pytest.mark.parametrize("document", ["README.md", "docs/speed.md", "docs/tuning.md"])
def test_every_benchmark_in_the_documents_exists(document):
    names = set(re.findall(r"python -m benchmarks\.(\w+)", (ROOT / document).read_text()))
    assert names
    assert [name for name in names if not (ROOT / "benchmarks" / f"{name}.py").exists()] == []


if __name__ == "__main__":
    print(
        "\n".join(key_table()),
        "\n",
        "\n".join(key_table(Schedule)),
        "\n",
        "\n".join(speed_tables()),
        "\n",
        "\n".join(tuning_tables()),
    )
