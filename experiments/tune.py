"""`python -m experiments.tune ablations.yaml`: let Optuna search what the `tune` section names, and report it."""

import argparse
import signal
import subprocess
import sys
from pathlib import Path
from typing import get_args

from experiments.cli import catch_signals, console, errors, prepare
from experiments.launch.local import LocalLauncher, slots
from experiments.study.options import parse_settings
from experiments.study.plan import run_problems
from experiments.study.problems import StudyError, StudyProblem, unknown
from experiments.study.study import Study, read_study
from experiments.study.tune_section import Pruner, PrunerName, Sampler, SamplerName, Tune
from experiments.tuning.apply_trial import apply_problems, apply_trials
from experiments.tuning.display import search_table
from experiments.tuning.record import search_record
from experiments.tuning.search import Search, make_searches, rank_problems, seed_warnings
from experiments.tuning.storage import default_url, existing_study, is_there, open_storage, url_for_people
from r3gan.arguments import positive


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 budgets are used up, 1 something failed, 2 bad input, 128 + n after signal n."""
    options = parse_arguments(arguments)
    try:
        study = read_study(options.study)
        tune = chosen_section(study, options)
        settings = parse_settings(options.set)
        searches = make_searches(study, tune, settings, {"dataset": options.dataset, "variant": options.variant})
        jobs = [job for search in searches for job in search.jobs({})]
        problems = [
            *run_problems(study, jobs, options.ranks),
            *(problem for search in searches for problem in rank_problems(search, options.ranks)),
            *apply_problems(study, searches, options.apply, options.trial, settings),
        ]
        if problems:
            raise StudyError(problems)
        for sentence in seed_warnings(study, searches):
            errors.print(f"warning: {sentence}", markup=False)
        url = tune.storage or default_url(options.output / study.name / "tune")
        show(searches, url, options)
        if options.dry_run:
            from experiments.launch.readiness import not_here_yet  # and the metric networks, which take seconds to load

            for sentence in not_here_yet(jobs):
                errors.print(f"not here yet: {sentence}", markup=False)
            return 0
        storage = open_storage(url)
    except StudyError as error:
        for problem in error.problems:
            errors.print(f"error: {problem}", markup=False)
        return 2
    from experiments.tuning.session import Session  # and MLflow, which takes seconds to load

    gpus = prepare(jobs, options.ranks)
    if gpus is None:
        return 2
    workers = tune.workers or slots(gpus, options.ranks)
    launcher = LocalLauncher(workers, options.ranks, gpus, options.micro_batch)
    asked = catch_signals()
    session = Session(storage, launcher, workers, options.ranks, options.output, lambda: bool(asked))
    failed = [search for search in searches if not asked and not session.run(search)]
    if asked:
        errors.print("stopped; run the same command again to go on")
        return 128 + asked[0]
    unreported = report(searches, options.output)
    if failed:
        return 1
    code = 0
    if options.apply:
        code = apply_trials(options.study, study, searches, storage, options.apply, options.trial)
    return code or (1 if unreported else 0)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line. What it has in common with the `tune` section overrides that."""
    parser = argparse.ArgumentParser(prog="python -m experiments.tune", description="Tune variants of an R3GAN study.")
    add = parser.add_argument
    add("study", type=Path, help="the study file, such as ablations.yaml")
    add("--profile", help="which profile of the study to tune (default: tune.profile)")
    add("--variant", help="only this one of tune.variants")
    add("--dataset", help="only this dataset")
    add("--trials", type=positive, help="trials per search (default: tune.trials)")
    add("--workers", type=positive, help="trials at once (default: tune.workers, or what the cores or GPUs allow)")
    add("--sampler", choices=get_args(SamplerName), help="another sampler than the section's: another search")
    add("--pruner", choices=get_args(PrunerName), help="another pruner than the section's: another search")
    add("--storage", metavar="URL", help="sqlite:///FILE, postgresql://USER@HOST/DATABASE or journal:FILE")
    add("--dry-run", action="store_true", help="show the searches and stop")
    add("--apply", metavar="NAME", help="write the best parameters into the study file, as a new variant")
    add("--trial", type=int, metavar="N", help="with --apply: this trial, not the best one")
    add("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="override configuration keys")
    add("--ranks", type=positive, default=1, help="torchrun ranks (GPUs) per job (default: 1)")
    add("--micro-batch", type=positive, help="pairs that a rank computes at once: less memory, the same result")
    add("--output", type=Path, default=Path("runs"), help="where the files of the trials go (default: runs)")
    options = parser.parse_args(arguments)
    if options.trial is not None and options.apply is None:
        parser.error("--trial goes with --apply")
    if options.output.exists() and not options.output.is_dir():
        parser.error(f"--output {options.output} is not a folder")
    return options


def chosen_section(study: Study, options: argparse.Namespace) -> Tune:
    """The study's section with what the command line says instead. Raises StudyError if there is none."""
    if study.tune is None:
        message = "the study has no `tune` section: docs/ablations-yaml.md shows one"
        raise StudyError([StudyProblem(study.document.name, "", message)])
    names = ("profile", "trials", "workers", "storage")
    changes = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.profile is not None and options.profile not in study.profiles:
        raise StudyError([StudyProblem("--profile", "", unknown("profile", options.profile, study.profiles))])
    if options.sampler not in (None, study.tune.sampler.kind):
        changes["sampler"] = Sampler(kind=options.sampler, seed=study.tune.sampler.seed)
    if options.pruner not in (None, study.tune.pruner.kind):
        changes["pruner"] = Pruner(kind=options.pruner)
    return study.tune.model_copy(update=changes)


def show(searches: list[Search], url: str, options: argparse.Namespace) -> None:
    """Print every search: what it looks for, its budget, and how far it is."""
    storage = open_storage(url) if is_there(url) else None
    console.print(f"study {searches[0].study.name}, profile {searches[0].profile}, storage {url_for_people(url)}")
    for search in searches:
        found = existing_study(search, storage) if storage else None
        record = search_record(search, found) if found else None
        console.print(search_table(search, record, options.ranks, options.micro_batch))


def report(searches: list[Search], output: Path) -> int:
    """Let `analysis` report these searches and those by other methods that they compare with. Returns its exit code."""
    name = searches[0].study.name
    command = [sys.executable, "-m", "analysis", "tune", "--study", name]
    command += ["--out", str(output / name / "tune" / "report")]
    command += ["--comparison", *sorted({search.comparison for search in searches})]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # a second Ctrl-C; the jobs notice that this process is gone and end with a checkpoint
        sys.exit(128 + signal.SIGINT)
