"""`python -m experiments.run ablations.yaml`: plan a study, run what is missing, track it, report it."""

import argparse
import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.cli import catch_signals, console, errors, prepare, show_page
from experiments.launch.costs import job_costs
from experiments.launch.display import Display, plan_summary, plan_tables
from experiments.launch.local import LocalLauncher, slots
from experiments.launch.scheduler import Outcome, Task, execute
from experiments.study.options import parse_only, parse_settings
from experiments.study.plan import Job, chosen_not_measured, job_as_json, make_plan, run_problems
from experiments.study.problems import StudyError
from experiments.study.study import read_study
from r3gan.arguments import positive
from r3gan.jobdir import JobDir

if TYPE_CHECKING:
    from experiments.tracking.runs import Tracker


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 all done, 1 a job failed, 2 bad input, 128 + n after signal n."""
    options = parse_arguments(arguments)
    try:
        study = read_study(options.study)
        settings = parse_settings(options.set)
        whole = make_plan(study, options.profile, {}, settings)
        jobs = make_plan(study, options.profile, parse_only(options.only), settings)
        problems = run_problems(study, jobs, options.ranks)
        if problems:
            raise StudyError(problems)
    except StudyError as error:
        for problem in error.problems:
            errors.print(f"error: {problem}", markup=False)
        return 2
    for sentence in chosen_not_measured(study, jobs):
        errors.print(f"warning: {sentence}", markup=False)
    if not options.dry_run:
        return run(jobs, whole, options)
    from experiments.launch.readiness import not_here_yet  # and the metric networks, which take seconds to load

    show_plan(jobs, options)
    for sentence in not_here_yet(jobs):
        errors.print(f"not here yet: {sentence}", markup=False)
    return 0


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.run", description="Run an ablation study of R3GAN.")
    add = parser.add_argument
    add("study", type=Path, help="the study file, such as ablations.yaml")
    add("--profile", help="which profile of the study to run (default: the one the study names)")
    add("--dry-run", action="store_true", help="show the plan and stop")
    add("--json", action="store_true", help="with --dry-run: the plan as a JSON array, one object per job")
    add("--only", action="append", default=[], metavar="AXIS=VALUE,...", help="variant=..,dataset=..,seed=..")
    add("--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="override configuration keys")
    add("--parallel", type=positive, help="jobs at once (default: as many as the cores or GPUs allow)")
    add("--ranks", type=positive, default=1, help="torchrun ranks (GPUs) per job (default: 1)")
    add("--micro-batch", type=positive, help="pairs that a rank computes at once: less memory, the same result")
    add("--output", type=Path, default=Path("runs"), help="where the job directories go (default: runs)")
    options = parser.parse_args(arguments)
    if options.json and not options.dry_run:
        parser.error("--json goes with --dry-run")
    if options.output.exists() and not options.output.is_dir():
        parser.error(f"--output {options.output} is not a folder")
    return options


def show_plan(jobs: list[Job], options: argparse.Namespace) -> None:
    """Print the plan with its cost, as a table or as JSON."""
    costs = job_costs(jobs, options.ranks, options.micro_batch)
    if options.json:
        cost = {identity: asdict(cost) for identity, cost in costs.items()}
        print(json.dumps([job_as_json(job) | {"cost": cost.get(job.identity)} for job in jobs], indent=2))
        return
    states = job_states(jobs, options.output)
    console.print(f"study {jobs[0].study}, profile {jobs[0].profile}")
    for table in plan_tables(jobs, states, costs):
        console.print(table)
    console.print(plan_summary(jobs, states, costs))


def job_states(jobs: list[Job], output: Path) -> dict[str, str]:
    """Identity -> done, resume or new, by what lies in the output folder."""
    directories = {job.identity: JobDir(job.directory(output)) for job in jobs}
    return {
        identity: "done" if directory.finished() else "resume" if directory.last_checkpoint() else "new"
        for identity, directory in directories.items()
    }


def run(jobs: list[Job], whole: list[Job], options: argparse.Namespace) -> int:
    """Run the jobs that are not finished, then report them with what the whole plan has finished. The exit code."""
    from experiments.tracking.runs import Tracker

    show_plan(jobs, options)
    tasks = [Task(job, JobDir(job.directory(options.output))) for job in jobs]
    missing = [task for task in tasks if not task.directory.finished()]
    gpus = prepare([task.job for task in missing], options.ranks)
    if gpus is None:
        return 2
    parallel = options.parallel or slots(gpus, options.ranks)  # not fewer for fewer jobs: threads per job decide bits
    asked = catch_signals()
    with Tracker(jobs[0].study) as tracker:
        for task in tasks:
            if task not in missing:
                tracker.ended(task, "finished")
        with Display(console) as display:
            launcher = LocalLauncher(parallel, options.ranks, gpus, options.micro_batch)
            outcome = execute(missing, launcher, range(parallel), [display, tracker], lambda: bool(asked))
    if tracker.warning:
        errors.print(f"warning: MLflow is behind ({tracker.warning}); run this again to send the rest", markup=False)
    if asked:
        errors.print("stopped; run the same command again to go on")
        return 128 + asked[0]
    states = job_states(whole, options.output)
    return report([job for job in whole if job in jobs or states[job.identity] == "done"], options, outcome, tracker)


def report(jobs: list[Job], options: argparse.Namespace, outcome: Outcome, tracker: "Tracker") -> int:
    """Let `analysis` print the comparison of the finished jobs, and say where everything is."""
    name = f"report-{jobs[0].comparison}" if options.set else "report"  # a trial does not replace the study's report
    folder = options.output / jobs[0].study / name
    command = [sys.executable, "-m", "analysis", "report", "--study", jobs[0].study, "--out", str(folder)]
    code = subprocess.run([*command, "--identity", *(job.identity for job in jobs)]).returncode
    console.print(f"job directories: {options.output / jobs[0].study}", markup=False, soft_wrap=True)
    show_page("runs", tracker.experiment)
    for task in outcome.failed:
        errors.print(f"failed: {task.job.name}, see {task.directory.log}", markup=False)
    return 1 if outcome.failed or code else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # a second Ctrl-C; the jobs notice that this process is gone and end with a checkpoint
        sys.exit(128 + signal.SIGINT)
