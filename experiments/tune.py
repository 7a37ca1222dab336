"""`python -m experiments.tune ablations.yaml`: let Optuna search what the `tune` section names, and report it."""

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from experiments import cli
from experiments.launch.execution import Execution
from experiments.names import tuning_experiment
from experiments.study.plan_checks import run_problems
from experiments.study.problems import StudyError, StudyProblem
from experiments.study.study import Study, read_study
from experiments.study.tune_section import PrunerName, PrunerSection, SamplerName, SamplerSection, TuneSection
from r3gan.arguments import positive
from r3gan.settings.options import parse_settings
from r3gan.tables.lookup import unknown_message

if TYPE_CHECKING:
    from experiments.launch.launchers import Launcher
    from experiments.tuning.search import Search


ONE_FILE = (
    "workers on several machines share one SQLite file, which network folders do not always lock: "
    "tune: {storage: postgresql://...} in the study file is safe there"
)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 budgets are used up, 1 something failed, 2 bad input, 128 + n after signal n."""
    return cli.run_command(lambda: command(parse_arguments(arguments)))


def command(options: argparse.Namespace) -> int:
    """Check, show, search, report and apply. Raises StudyError and NotPrepared."""
    from experiments.tuning.apply_trial import apply_problems, apply_trials
    from experiments.tuning.make_searches import make_searches
    from experiments.tuning.search_checks import rank_problems, seed_warnings
    from experiments.tuning.storage import default_url, open_storage

    study = read_study(options.study)
    execution = cli.execution_of(options, study)
    tune = chosen_section(study, options)
    settings = parse_settings(options.set)
    searches = make_searches(study, tune, settings, {"dataset": options.dataset, "variant": options.variant})
    jobs = [job for search in searches for job in search.jobs({})]
    problems = [
        *run_problems(study, jobs, execution.ranks),
        *(problem for search in searches for problem in rank_problems(search, execution.ranks)),
        *apply_problems(study, searches, options.apply, options.trial, settings),
    ]
    if problems:
        raise StudyError(problems)
    cli.print_warnings(seed_warnings(study, searches))
    url = tune.storage or default_url(options.output / study.name / "tune")
    execution = replace(execution, slots=tune.workers)
    show(searches, url, execution, options.costs)
    if options.dry_run:
        from experiments.launch.readiness import not_here_yet

        cli.require_writable(options.output)
        for sentence in not_here_yet(jobs):
            cli.errors.print(f"not here yet: {sentence}", markup=False)
        return cli.DONE
    storage = open_storage(url)
    launcher = cli.prepared_launcher(execution, jobs)
    if options.detach:
        return detach(options, launcher, study.name, url)
    from experiments.tracking.store import open_store  # and MLflow, which takes seconds to load
    from experiments.tuning.session import Session

    cli.print_warnings(open_store(tuning_experiment(study.name), options.mlflow_wait / 3)[1])
    received = cli.catch_signals()
    session = Session(storage, launcher, lambda: bool(received), options.mlflow_wait * 2 / 3)
    failed = [search for search in searches if not received and not session.run(search)]
    if received:
        return cli.stopped_by(received)
    unreported = report(searches, options.output)
    if failed:
        return cli.FAILED
    code = cli.DONE
    if options.apply:
        code = apply_trials(options.study, study, searches, storage, options.apply, options.trial)
    return code or (cli.FAILED if unreported else cli.DONE)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line. What it has in common with the `tune` section overrides that."""
    parser = argparse.ArgumentParser(prog="python -m experiments.tune", description="Tune variants of an R3GAN study.")
    add = parser.add_argument
    cli.add_shared_options(parser)
    add("--profile", help="which profile of the study to tune (default: tune.profile)")
    add("--variant", help="only this one of tune.variants")
    add("--dataset", help="only this dataset")
    add("--trials", type=positive, help="trials per search (default: tune.trials)")
    add("--workers", type=positive, help="trials at once (default: tune.workers, or what the cores or GPUs allow)")
    add("--sampler", choices=get_args(SamplerName), help="another sampler than the section's: another search")
    add("--pruner", choices=get_args(PrunerName), help="another pruner than the section's: another search")
    add("--storage", metavar="URL", help="sqlite:///FILE, postgresql://USER@HOST/DATABASE or journal:FILE")
    add("--apply", metavar="NAME", help="write the best parameters into the study file, as a new variant")
    add("--trial", type=int, metavar="N", help="with --apply: this trial, not the best one")
    cli.add_detach(parser)
    cli.add_mlflow_wait(parser)
    options = cli.parse(parser, arguments)
    options.words = sys.argv[1:] if arguments is None else arguments
    if options.detach and options.apply is not None:
        parser.error("--apply waits for the search to end: run it afterwards, without --detach")
    if options.trial is not None and options.apply is None:
        parser.error("--trial goes with --apply")
    return options


def detach(options: argparse.Namespace, launcher: "Launcher", study: str, url: str) -> int:
    """Submit workers, each a command like this one in an allocation of its own, and say how to look after them."""
    from experiments.cluster.command_job import CommandJob
    from experiments.cluster.submissions import Submissions
    from experiments.cluster.submit import submit

    if url.startswith("sqlite:") and launcher.slots > 1:
        cli.print_warnings([ONE_FILE])
    words = (*options.words, "--no-detach", "--launcher", "local", "--workers", "1")
    workers = [CommandJob(module="experiments.tune", arguments=words) for _ in range(launcher.slots)]
    folder = Submissions.of(options.output, study).folder
    numbers = submit(workers, launcher.execution, folder, name=f"{study}-tune")
    text = f"Slurm has {len(numbers)} workers: {', '.join(numbers)}; what they print lies in {folder / 'jobs'}"
    cli.console.print(text, markup=False, soft_wrap=True)
    cli.console.print("how far the search is: the same command with --dry-run")
    return cli.DONE


def chosen_section(study: Study, options: argparse.Namespace) -> TuneSection:
    """The study's section with what the command line says instead. Raises StudyError if there is none."""
    if study.tune is None:
        message = "the study has no `tune` section: docs/ablations-yaml.md shows one"
        raise StudyError([StudyProblem(study.document.name, "", message)])
    names = ("profile", "trials", "workers", "storage")
    changes = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.profile is not None and options.profile not in study.profiles:
        raise StudyError([StudyProblem("--profile", "", unknown_message("profile", options.profile, study.profiles))])
    if options.sampler not in (None, study.tune.sampler.kind):
        changes["sampler"] = SamplerSection(kind=options.sampler, seed=study.tune.sampler.seed)
    if options.pruner not in (None, study.tune.pruner.kind):
        changes["pruner"] = PrunerSection(kind=options.pruner)
    return study.tune.model_copy(update=changes)


def show(searches: "list[Search]", url: str, execution: Execution, with_costs: bool) -> None:
    """Print every search: what it looks for, its budget, and how far it is."""
    from experiments.tuning.display import search_table
    from experiments.tuning.optuna_study import existing_study
    from experiments.tuning.record import search_record
    from experiments.tuning.storage import is_there, open_storage, url_for_people

    storage = open_storage(url) if is_there(url) else None
    name, profile = searches[0].study.name, searches[0].profile
    cli.console.print(f"study {name}, profile {profile}, storage {url_for_people(url)}")
    for search in searches:
        found = existing_study(search, storage) if storage else None
        record = search_record(search, found) if found else None
        costs = cli.costs_of(search.jobs({}), execution) if with_costs else {}
        cli.console.print(search_table(search, record, costs, sharing=execution.sharing))


def report(searches: "list[Search]", output: Path) -> int:
    """Let `analysis` report these searches and those by other methods that they compare with. Returns its exit code."""
    name = searches[0].study.name
    command = [sys.executable, "-m", "analysis", "tune", "--study", name]
    command += ["--out", str(output / name / "tune" / "report")]
    command += ["--comparison", *sorted({search.comparison for search in searches})]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
