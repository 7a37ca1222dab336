"""README and docs/ say what is true: every key with its type, default and meaning, every command, every path.

`python -m tests.test_docs` prints the tables that belong into docs/ablations-yaml.md, docs/speed.md and docs/tuning.md.
"""

import argparse
import ast
import csv
import dataclasses
import inspect
import itertools
import json
import re
import shlex
import statistics
import typing
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks import study
from benchmarks.finite_differences import cells
from experiments import run, tune
from experiments.launch.launchers import LAUNCHERS
from experiments.study.execution_section import Resources
from experiments.study.search_methods import PRUNERS, SAMPLERS
from experiments.study.seeds import SeedsSection, _Until
from experiments.study.study import _Claim, _Dataset, _File, _Profile, _Variant
from experiments.study.tune_section import (
    ObjectiveSection,
    ParameterSection,
    PrunerSection,
    SamplerSection,
    SpaceSection,
    TuneSection,
)
from experiments.tuning.ready_spaces import READY
from r3gan.__main__ import command_line
from r3gan.config import EvaluationConfig, LossPhase, Schedule, TrainConfig
from r3gan.data.catalog import DATASETS
from r3gan.evaluation.protocol import recorded_key
from r3gan.exploration.command import SECTIONS
from r3gan.export.formats import FORMATS
from r3gan.generation.films import FILMS
from r3gan.generation.outputs import OUTPUTS
from r3gan.presets import PRESETS, preset_tree
from r3gan.settings.leaves import flatten
from r3gan.settings.values import dotted
from r3gan.single.configuration import configuration, parse_preset
from r3gan.tables.choices import CHOICES, REMARKS
from r3gan.tables.losses import LOSSES
from r3gan.tables.metrics import METRICS, judged
from r3gan.tables.references import REFERENCES
from r3gan.tables.resizes import RESIZES
from r3gan.train_command import add_train

ROOT = Path(__file__).parents[1]
PRESET_KEYS = {dotted(path) for path in flatten(preset_tree("cifar10"))}
BENCHMARKS = ("iteration", "memory", "scaling", "augment", "evaluation")
RESULTS = ROOT / "benchmarks" / "results" / "cpu"
REFERENCE = ROOT / "docs" / "ablations-yaml.md"


def comments(cls):
    """The comment behind each field of a dataclass."""
    return dict(re.findall(r"^    (\w+): [^#\n]*# (.+)$", inspect.getsource(cls), re.MULTILINE))


def type_name(annotation):
    if typing.get_args(annotation) == tuple(METRICS):
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
            default = "preset" if field.default is dataclasses.MISSING else f"`{field.default.start:g}`"
            rows.append(f"| `{prefix}{field.name}` | schedule | {default} | {meaning[field.name]} |")
        elif dataclasses.is_dataclass(kind):
            rows += key_table(kind, f"{prefix}{field.name}.")
        elif kind == tuple[LossPhase, ...]:
            rows += key_table(LossPhase, f"{prefix}{field.name}[].")
        else:
            default = default_of(field, f"{prefix}{field.name}")
            rows.append(f"| `{prefix}{field.name}` | {type_name(kind)} | {default} | {meaning[field.name]} |")
    return rows


def chapter(title):
    """The text below a heading of the reference, up to the next one."""
    return REFERENCE.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows_of(text):
    """The rows of the first table in a text, without its head."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|---"))
    return list(itertools.takewhile(lambda line: line.startswith("|"), lines[start + 1 :]))


@pytest.mark.parametrize(("title", "table"), [("Configuration keys", key_table()), ("Schedules", key_table(Schedule))])
def test_the_reference_holds_every_key_with_its_type_default_and_meaning(title, table):
    assert rows_of(chapter(title)) == table


def metric_table():
    """What a metric is recorded as (for 50,000 samples), and what it is computed from."""
    asked = EvaluationConfig(every_kimg=1.0, samples=50_000)
    for name, metric in METRICS.items():
        keys = ", ".join(f"`{recorded_key(number.key, asked)}`" for number in metric.numbers)
        yield f"| `{name}` | {keys} | {metric.features_text} | {REFERENCES[metric.reference].text} |"


def loss_table():
    for name, row in LOSSES.items():
        yield f"| `{name}` | {row.discriminator_text} | {row.generator_text} |"


def dataset_table():
    for name, (facts, storage, _) in DATASETS.items():
        images = f"{facts.images:,}" if facts.images else "endless"
        files = storage.advice + ("; downloaded if missing" if storage.download else "")
        yield f"| `{name}` | {images} | {facts.resolution} | {facts.classes or '-'} | {files} |"


def launcher_table():
    for name, row in LAUNCHERS.items():
        yield f"| `{name}` | {row.summary} |"


def method_table():
    for part, table in (("sampler", SAMPLERS), ("pruner", PRUNERS)):
        for name, row in table.items():
            yield f"| {part} | `{name}` | {row.text} |"


def choice_table():
    for key, table in CHOICES.items():
        for name, row in table.items():
            yield f"| `{key}` | `{name}` | {row.text} |"
    for choice, text in REMARKS.items():
        key, _, value = choice.partition("=")
        yield f"| `{key}` | {f'`{value}`' if value else 'when set'} | {text} |"


TABLES = {
    "Metrics": metric_table,
    "Losses": loss_table,
    "Choices of the network": choice_table,
    "Samplers and pruners": method_table,
    "On the command line": launcher_table,
}


@pytest.mark.parametrize("title", TABLES)
def test_the_reference_holds_a_row_for_every_row_of_the_tables(title):
    assert rows_of(chapter(title)) == list(TABLES[title]())


def test_the_reference_holds_every_way_to_resize():
    text = chapter("Metrics").split("| `--resize` |")[1]
    rows = [f"| `{name}{':SIZE' if row.sized else ''}` | {row.text} |" for name, row in RESIZES.items()]
    assert rows_of("\n" + text) == rows


def test_the_export_page_holds_every_format():
    text = (ROOT / "docs" / "export.md").read_text()
    assert rows_of(text) == [f"| `{suffix}` | {row.text} |" for suffix, row in FORMATS.items()]


def test_the_data_page_holds_a_row_for_every_known_dataset():
    text = (ROOT / "docs" / "data.md").read_text().split("\n## Known datasets\n")[1]
    assert rows_of(text) == list(dataset_table())


@pytest.mark.parametrize(
    "section",
    [
        _File,
        _Claim,
        _Dataset,
        _Profile,
        _Variant,
        Resources,
        SeedsSection,
        _Until,
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


def test_the_reference_names_every_number_that_can_be_tuned_and_every_ready_made_space():
    text = REFERENCE.read_text().split("## Tuning")[1]
    assert [name for name in [*judged(), *READY] if f"`{name}`" not in text] == []


def test_the_reference_names_every_preset():
    assert [name for name in PRESETS if f"`{name}`" not in REFERENCE.read_text()] == []


def gamma_table():
    """The released rows, beside StyleGAN2-ADA's rule of thumb."""
    for name in ("cifar10", "ffhq64", "ffhq256", "imagenet32", "imagenet64"):
        row = PRESETS[name]
        rule, (start, end) = 0.0002 * row.resolution**2 / row.batch, row.gamma
        shown = f"{rule:.5f}".rstrip("0")
        factor = round(start / rule, -1 if start > 1000 * rule else 0)
        yield f"| `{name}` | {row.resolution} | {row.batch} | {start:g} to {end:g} | {shown} | {factor:,.0f} |"


def gamma_runs_table():
    """What our own runs with several gammas came to."""
    with (ROOT / "docs" / "results" / "gamma" / "results.csv").open() as file:
        runs = list(csv.DictReader(file))
    for gamma in dict.fromkeys(row["gamma"] for row in runs):
        mine = [row for row in runs if row["gamma"] == gamma]
        each = ", ".join(f"{float(row['d_kl']):.3f}" for row in mine)
        means = {key: fmean(float(row[key]) for row in mine) for key in ("d_kl", "frechet_distance_digits", "loss_d")}
        modes = ", ".join(f"{float(row['modes']):.0f}" for row in mine)
        numbers = f"{means['d_kl']:.3f} | {modes} | {means['frechet_distance_digits']:.0f} | {means['loss_d']:.3f}"
        yield f"| {gamma} | {each} | {numbers} |"


def test_the_guide_to_gamma_holds_the_released_rows_and_our_own_runs():
    text = (ROOT / "docs" / "gamma.md").read_text()
    assert rows_of(text.split("\n## What the released rows say\n")[1]) == list(gamma_table())
    assert rows_of(text.split("\n## What our own runs show\n")[1]) == list(gamma_runs_table())


@pytest.mark.parametrize("document", ["README.md", "docs/ablations-yaml.md", "docs/tuning.md"])
def test_every_run_command_in_the_documents_parses(document):
    commands = re.findall(r"python -m experiments\.(run|tune) ([^\n`]+)", (ROOT / document).read_text())
    assert {name for name, _ in commands} == {"run", "tune"}
    for name, arguments in commands:
        parse = {"run": run.parse_arguments, "tune": tune.parse_arguments}[name]
        parse(shlex.split(arguments.split("#")[0].replace("...", "")))


@pytest.mark.parametrize("document", ["README.md", "docs/generate.md"])
def test_every_command_that_generates_parses(document):
    commands = re.findall(
        r"python -m r3gan ((?:generate|interpolate|import-official) [^\n`]+)", (ROOT / document).read_text()
    )
    assert {command.split()[0] for command in commands} == {"generate", "interpolate", "import-official"}
    for command in commands:
        command_line().parse_args(shlex.split(command.split("#")[0]))


def test_the_page_on_exploring_names_every_section_and_option():
    text = (ROOT / "docs" / "explore.md").read_text()
    assert [line.split(" | ")[0].removeprefix("| ") for line in rows_of(text)] == list(SECTIONS)
    options = command_line()._subparsers._group_actions[0].choices["explore"]._option_string_actions
    assert [option for option in options if option not in ("-h", "--help") and f"`{option}" not in text] == []


def test_every_command_of_the_tour_parses():
    commands = re.findall(r"^    python -m r3gan ([^\n]+)", (ROOT / "docs" / "tour.md").read_text(), re.MULTILINE)
    names = ["data", "train", "generate", "interpolate", "interpolate", "explore", "export", "card"]
    assert [command.split()[0] for command in commands] == names
    for command in commands:
        command_line().parse_args(shlex.split(command))


def test_the_page_on_generating_names_every_option_and_every_ending():
    text = (ROOT / "docs" / "generate.md").read_text()
    commands = command_line()._subparsers._group_actions[0].choices
    options = {option for name in ("generate", "interpolate") for option in commands[name]._option_string_actions}
    assert [option for option in options - {"-h", "--help"} if f"`{option}" not in text] == []
    assert [suffix for suffix in {*OUTPUTS, *FILMS} if suffix and f"`{suffix}`" not in text] == []


@pytest.mark.parametrize("document", ["README.md", "docs/ablations-yaml.md"])
def test_every_train_command_in_the_documents_is_a_sound_configuration(document):
    commands = re.findall(r"python -m r3gan train (--[^\n`]+)", (ROOT / document).read_text())
    assert commands
    parser = argparse.ArgumentParser()
    add_train(parser.add_subparsers())
    for arguments in commands:
        options, settings = parser.parse_known_args(["train", *shlex.split(arguments.replace("…", "x"))])
        assert not [word for word in settings if word.startswith("-")]
        configuration(options.data, parse_preset(options.preset), [*options.words, *settings], options.seed)


@pytest.mark.parametrize("document", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_every_path_in_the_documents_exists(document):
    text = (ROOT / document).read_text()
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    coded = re.findall(r"`((?:r3gan|experiments|analysis|tests|docs|benchmarks)/[\w./-]*\w)`", text)
    base, made = (ROOT / document).parent, made_by_reader(text)
    missing = [p for p in coded if not (ROOT / p).exists() and p not in made]
    assert [p for p in linked if not (base / p).exists()] + missing == []


def made_by_reader(text):
    """Paths that do not exist before the reader makes them."""
    return re.findall(r"^New file `([^`]+)`", text, re.MULTILINE)


def project_symbols():
    """Every file name, class, function, assigned name, field and method of the project."""
    found = {"r3gan", "experiments", "analysis", "benchmarks"}
    for path in itertools.chain(*((ROOT / package).rglob("*.py") for package in found)):
        found = found | {path.name, path.stem}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found


def test_the_map_names_files_and_symbols_that_exist():
    """Words in code style that could be Python names, or names of Python files, are names of the project."""
    text = (ROOT / "docs" / "MAP.md").read_text()
    text = re.sub(r"^```.*?^```|^    .*?$", "", text, flags=re.MULTILINE | re.DOTALL)
    files = re.findall(r"`([\w/]+\.py)`", text)
    symbols = re.findall(r"`([A-Za-z_]\w*)(?:\(\))?`", text)
    assert len(files) > 30
    assert len(symbols) > 15
    known = project_symbols() | NOT_OF_THE_PROJECT
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert [symbol for symbol in symbols if symbol not in known] == []


NOT_OF_THE_PROJECT = {
    "forward",
    "pytest",
    "torchrun",
    "slow",
    "gpu",
    "tune",
    "R3GAN_PARITY_DIR",
}  # that the map speaks of


FORMS = ("double", "library", "plain")  # beside the first-order form, in the tables' order


def speed_tables():
    """The rows of docs/speed.md's tables of measurements, from the results that the benchmarks wrote."""
    results = {name: json.loads((RESULTS / f"{name}.json").read_text()) for name in BENCHMARKS}
    for row in results["iteration"]["cases"]:
        d, whole, memory = (row[key] for key in ("d_step_factor", "iteration_factor", "d_step_memory_ratio"))
        one_part = row["d_step_bytes"]["one part"]
        cells = [f"{d[form]:.2f}" for form in FORMS]
        cells += [f"{whole[form]:.2f}" for form in FORMS]
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


def differences_table():
    for row in json.loads((RESULTS / "finite_differences.json").read_text())["rows"]:
        yield f"| {' | '.join(cells(row))} |"


def plan_table():
    for row in json.loads((RESULTS / "plan.json").read_text())["rows"]:
        yield f"| {row['variants']} | {row['seeds']} | {row['all']:.2f} |"


def loading_texts():
    result = json.loads((RESULTS / "report_loading.json").read_text())
    ratio, whole = result["ratio"], result["whole"]
    yield (
        f"{ratio['ratio']:.1f} times as long for {ratio['runs']} runs with {ratio['points']} points each, over "
        f"{result['metrics']} metrics"
    )
    seconds = f"{whole['runs_seconds']:.2f} | {whole['points_seconds']:.2f}"
    most, libraries = (f"{whole[key] / 2**20:.0f} MiB" for key in ("peak_bytes", "libraries_bytes"))
    yield f"| {whole['runs']:,} | {whole['rows']:,} | {seconds} | {most} | {libraries} |"
    largest = f"{whole['report_largest_process_bytes'] / 2**20:.0f} MiB in the largest process"
    processor = f"{whole['report_processor_seconds']:.0f} s of processor time"
    yield f"The whole report on them took {whole['report_seconds']:.1f} s there ({processor}; {largest})"


def gpu_table():
    for row in json.loads((RESULTS.parent / "h200" / "iteration.json").read_text())["cases"]:
        factors = (row[key][form] for key in ("d_step_factor", "iteration_factor") for form in FORMS)
        yield f"| {row['case']} | {' | '.join(f'{factor:.2f}' for factor in factors)} |"


def study_table():
    result = json.loads((RESULTS / "study.json").read_text())
    forms = {row["form"]: row["runs"] for row in result["forms"]}
    keys = ("trained_kimg", "seconds", "processor_seconds")
    medians = {form: {key: statistics.median(run[key] for run in runs) for key in keys} for form, runs in forms.items()}
    before = medians.pop("other checkout")
    for form, (kimg, *spent) in [*((form, row.values()) for form, row in medians.items()), ("before", before.values())]:
        shares = [spent[i] / before[key] for i, key in enumerate(keys[1:])]
        cells = [f"{spent[i]:.0f} | {share:.2f}" for i, share in enumerate(shares)]
        yield f"| {form} | {kimg:.0f} | {' | '.join(cells)} |".replace("1.00", "1")


def parts_table():
    result = json.loads((RESULTS / "study-beside.json").read_text())
    for row in result["forms"]:
        seconds, ours = (statistics.median(run["seconds"] for run in row[key]) for key in ("runs", "as_it_is"))
        shares = (f"{study.part(result, row, key):.2f}" for key in ("seconds", "processor_seconds"))
        yield f"| {row['form']} | {seconds:.0f} | {ours:.0f} | {' | '.join(shares)} |"


def official_table():
    for row in json.loads((RESULTS / "iteration-official.json").read_text())["cases"]:
        numbers = (row[key]["official"] for key in ("d_step_factor", "iteration_factor", "d_step_memory_ratio"))
        yield f"| {row['case']} | {' | '.join(f'{number:.2f}' for number in numbers)} |"


def test_the_numbers_of_the_speed_page_are_those_of_the_results():
    text = (ROOT / "docs" / "speed.md").read_text()
    assert [
        row
        for table in (
            speed_tables,
            official_table,
            differences_table,
            plan_table,
            loading_texts,
            study_table,
            parts_table,
        )
        for row in table()
        if row not in text
    ] == []


def tuning_tables():
    """The rows of docs/tuning.md's tables of measurements."""
    result = json.loads((RESULTS / "tune.json").read_text())
    columns = [key for key in result["fresh_seeds"] if key != "values"]
    for name, row in [
        *((f"{row['kimg']} kimg", row) for row in result["best_at_cost"]),
        ("fresh seeds", result["fresh_seeds"]),
    ]:
        cells = [f"{row[key]['mean']:.3f} ± {row[key]['half_width']:.3f}".replace("-", "−") for key in columns]
        yield f"| {name} | {' | '.join(cells)} |"
    for row in json.loads((RESULTS / "tune_overhead.json").read_text())["rows"]:
        clock, processor = (
            f"{row[f'{kind}_seconds']:.2f} s | {row[f'{kind}_share']:.2%}" for kind in ("clock", "processor")
        )
        yield f"| {row['finished_trials']} | {row['trial_seconds']:.0f} s | {clock} | {processor} |"
    sharing = json.loads((RESULTS / "search_sharing.json").read_text())
    for row in sharing["searches"]:
        assert row["is_same"]
        trials = f"{row['trials']} of {sharing['kimg']:g} kimg, {row['pruned']} pruned"
        yield f"| {row['method']} | {trials} | {row['trained_kimg']:.1f} of {row['nominal_kimg']:.1f} |"


def test_the_numbers_of_the_tuning_page_are_those_of_the_results():
    text = (ROOT / "docs" / "tuning.md").read_text()
    assert [row for row in tuning_tables() if row not in text] == []


def sequential_tables():
    """The rows of docs/analysis.md's tables of adaptive seeds."""
    result = json.loads((RESULTS / "sequential.json").read_text())
    for row in result["errors"]:
        if row["seeds"] == "3 to 20":
            shares = f"{row['error']:.1%} | {row['once']:.1%} | {row['peeking']:.0%} | {row['peeking, corrected']:.0%}"
            yield f"| {row['values']} | {row['spending']} | {shares} |"
    for row in result["savings"]:
        if row["seeds"] != "5 to 20":
            found = f"{row['power']:.2f} | {row['mean seeds']:.1f} | {row['fixed']}"
            jobs = f"{row['jobs']:.0f} of {row['jobs at most']}"
            yield f"| {row['effect']:g} | {row['seeds']} | {row['spending']} | {found} | {jobs} |"
    together = {row["values"]: row["together"] for row in sorted(result["coverage"], key=lambda row: -row["together"])}
    equal = min(share for values, share in together.items() if not values.endswith("wider"))
    yield f"together in {min(together.values()):.1%} of studies or more, {equal:.1%} or more where spreads are equal"


def test_the_numbers_of_adaptive_seeds_are_those_of_the_results():
    text = " ".join((ROOT / "docs" / "analysis.md").read_text().split())
    assert [row for row in sequential_tables() if row not in text] == []


def submission_table():
    """The rows of docs/cluster.md's table: of each command, both shapes of study side by side."""
    found = {}
    for row in json.loads((RESULTS / "submission.json").read_text())["rows"]:
        found.setdefault(row["command"], []).append(f"{row['wall']:.1f} | {row['processor']:.1f}")
    for command, numbers in found.items():
        yield f"| {command} | {' | '.join(numbers)} |"


def test_the_numbers_of_the_cluster_page_are_those_of_the_results():
    text = (ROOT / "docs" / "cluster.md").read_text()
    assert [row for row in submission_table() if row not in text] == []


def test_every_test_file_in_the_documents_exists():
    text = "".join(path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = re.findall(r"tests/[\w/]+\.py", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists() and path not in made_by_reader(text)] == []


@pytest.mark.parametrize("document", ["README.md", "docs/cluster.md", "docs/speed.md", "docs/tuning.md"])
def test_every_benchmark_in_the_documents_exists(document):
    names = set(re.findall(r"python -m benchmarks\.(\w+)", (ROOT / document).read_text()))
    assert names
    assert [name for name in names if not (ROOT / "benchmarks" / f"{name}.py").exists()] == []


if __name__ == "__main__":
    printed = [key_table(), key_table(Schedule), *(table() for table in TABLES.values()), dataset_table()]
    print("\n\n".join("\n".join(table) for table in [*printed, speed_tables(), tuning_tables()]))
