"""The structure that docs/MAP.md promises: imports go one way, plans load no torch, records say their fields' names."""

import ast
import re
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from r3gan.deferred import Deferred

ROOT = Path(__file__).parents[1]
PACKAGES = ("r3gan", "experiments", "analysis")
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
FOR_ANALYSIS = (
    "experiments.design",
    "experiments.metric_keys",
    "experiments.names",
    "experiments.origin",
    "experiments.palette",
    "experiments.sample_images",
    "experiments.tracking.pages",
    "experiments.tracking.quoted_folder",
    "experiments.tracking.search_record",
    "experiments.tracking.trouble",
)
FROM_R3GAN = ("r3gan.tables.metrics", "r3gan.evaluation.protocol", "r3gan.files")  # metrics, and whole files
DISTRIBUTIONS = {
    "PIL": "pillow",
    "markdown_it": "markdown-it-py",
    "ruamel": "ruamel.yaml",
    "sklearn": "scikit-learn",
}  # which are not named as what is imported
POSITIONAL = {"Preset"}  # the rows of an aligned table


def imports(module):
    """Every module of the project that a module imports, also within functions and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name for name in found & set(MODULES) if name != module and "." in name}


def third_party(nodes):
    """The packages, not of Python and not of the project, that these syntax nodes import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "import_module":
            found |= {arg.value.split(".")[0] for arg in node.args if isinstance(arg, ast.Constant)}
    return found - set(sys.stdlib_module_names) - set(PACKAGES)


def undeclared(packages, requirements):
    """Those that none of the requirements names."""
    names = {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}
    return {name for name in packages if DISTRIBUTIONS.get(name, name.replace("_", "-")) not in names}


def test_every_package_that_the_code_imports_is_declared_and_what_is_an_extra_is_imported_where_it_is_needed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    trees = [ast.parse(path.read_text()) for path in MODULES.values()]
    always = third_party(node for tree in trees for node in tree.body)
    anywhere = third_party(node for tree in trees for node in ast.walk(tree))
    assert {"torch", "PIL", "markdown_it"} <= always
    assert undeclared(always, project["dependencies"]) == set()
    assert undeclared(anywhere, [*project["dependencies"], *extras]) == set()


def package_of(module):
    """r3gan.model.layers is in r3gan.model; r3gan.config stands for itself."""
    return ".".join(module.split(".")[:2])


def test_packages_import_each_other_one_way_only():
    graph = {}
    for module in MODULES:
        graph.setdefault(package_of(module), set()).update(map(package_of, imports(module)))
    for package, others in graph.items():
        others.discard(package)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"packages import each other: {' -> '.join(error.args[1])}")
    for lower, upper in (
        ("r3gan.tables", "r3gan.config"),
        ("r3gan.model", "r3gan.training"),
        ("r3gan.data", "r3gan.evaluation"),
        ("r3gan.evaluation", "r3gan.generation"),
        ("r3gan.generation", "r3gan.training"),
        ("r3gan.training", "r3gan.job"),
        ("experiments.study", "experiments.launch"),
        ("experiments.launch", "experiments.tracking"),
        ("experiments.launch", "experiments.cluster"),
        ("experiments.tracking", "experiments.tuning"),
    ):
        assert order.index(lower) < order.index(upper), f"{lower} imports, in the end, {upper}"


def test_files_import_each_other_one_way_only():
    try:
        TopologicalSorter({module: imports(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(f"files import each other: {' -> '.join(error.args[1])}")


def test_nothing_goes_back_and_analysis_knows_names_and_records_alone():
    for module in MODULES:
        for other in imports(module):
            assert PACKAGES.index(other.split(".")[0]) <= PACKAGES.index(module.split(".")[0]), f"{module}: {other}"
            if module.startswith("analysis"):
                assert (
                    other.startswith("analysis.")
                    or other in (*FOR_ANALYSIS, *FROM_R3GAN)
                    or other
                    in (
                        "experiments.tracking",
                        "r3gan.tables",
                        "r3gan.evaluation",
                    )
                ), f"{module}: {other}"


@pytest.mark.parametrize(
    "module",
    [
        "experiments.run",
        "experiments.tune",
        "r3gan",
        "experiments.launch.readiness",
        "experiments.launch.costs",
        "experiments.launch.local",
        "experiments.tracking.search_record",
        "r3gan.config_checks",
        "r3gan.availability",
        "r3gan.data.catalog",
        "r3gan.evaluation.protocol",
        "r3gan.evaluation.weights",
        "r3gan.identity",
        "r3gan.presets",
        "r3gan.processes",
    ],
)
def test_what_plans_and_help_need_loads_no_library_that_takes_seconds(module):
    heavy = ("torch", "torchvision", "torch_fidelity", "mlflow", "optuna", "sklearn", "pandas")
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def constructors():
    """Every class with more than four fields, or whose constructor takes more than four values by position."""
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ClassDef) or node.name in POSITIONAL:
                continue
            fields = [n for n in node.body if isinstance(n, ast.AnnAssign) and "ClassVar" not in ast.unparse(n)]
            decorators = [ast.unparse(d) for d in node.decorator_list]
            bases = [ast.unparse(base) for base in node.bases]
            is_record = any(d.startswith("dataclass") for d in decorators) or "NamedTuple" in bases
            init = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
            fields = [n for n in fields if n.value is None or "kw_only=True" not in ast.unparse(n.value)]
            count = len(init.args.args) - 1 if init else len(fields) if is_record else 0
            yield f"{module}.{node.name}", count, any("kw_only=True" in d for d in decorators)


def test_constructors_with_more_than_four_values_take_them_by_name():
    assert [name for name, count, by_name in constructors() if count > 4 and not by_name] == []


def test_no_file_is_longer_than_a_few_screens():
    long = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert {module: lines for module, lines in long.items() if lines > 350} == {}


def named_functions():
    """Every text that the sources hand to `Deferred`."""
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Deferred":
                yield ast.literal_eval(node.args[0])


def test_every_function_that_a_row_names_exists():
    names = sorted(set(named_functions()))
    assert len(names) > 30
    assert [name for name in names if not callable(Deferred(name).load())] == []
