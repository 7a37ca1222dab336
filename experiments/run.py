"""`python -m experiments.run ablations.yaml`: plan a study, run what is missing, track it, report it."""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from experiments import cli
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.plan_tables import plan_summary, plan_tables
from experiments.launch.scheduler import Ended, Task, execute
from experiments.study.options import parse_only, parse_seeds, parse_settings
from experiments.study.plan import Job, Plan, job_as_json, make_plan, with_seeds
from experiments.study.plan_checks import reused_tuning_seeds, run_problems
from experiments.study.problems import StudyError
from experiments.study.study import read_study
from experiments.tracking.address import how_to_compare
from r3gan.arguments import positive
from r3gan.jobdir import JobDir

if TYPE_CHECKING:
    from experiments.tracking.runs import Tracker

NO_SETTINGS = {
    "seed": "--seeds 0-4, say, or --only seed=0",
    "seeds": "--seeds 0-4, say",
    "variant": "--only variant=NAME",
    "dataset": "--only dataset=NAME",
    "profile": "--profile NAME",
}  # what --set cannot change, and the option that does


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 all done, 1 a job failed, 2 bad input, 128 + n after signal n."""
    return cli.run_command(lambda: command(parse_arguments(arguments)))


def command(options: argparse.Namespace) -> int:
    """Plan, then show or run. Raises StudyError and NotPrepared."""
    study = read_study(options.study)
    if options.seeds is not None:
        study = with_seeds(study, options.profile, parse_seeds(options.seeds))
    plan = make_plan(study, options.profile, parse_only(options.only), parse_settings(options.set, NO_SETTINGS))
    problems = run_problems(study, plan.jobs, options.ranks)
    if problems:
        raise StudyError(problems)
    cli.print_warnings(reused_tuning_seeds(study, plan.jobs))
    if not options.dry_run:
        return run(plan, options)
    from experiments.launch.readiness import not_here_yet

    show_plan(plan.jobs, options)
    for sentence in not_here_yet(plan.jobs):
        cli.errors.print(f"not here yet: {sentence}", markup=False)
    return cli.DONE


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.run", description="Run an ablation study of R3GAN.")
    add = parser.add_argument
    cli.add_shared_options(parser)
    add("--profile", help="which profile of the study to run (default: the one the study names)")
    add("--json", action="store_true", help="with --dry-run: the plan as a JSON array, one object per job")
    add("--only", action="append", default=[], metavar="AXIS=VALUE,...", help="variant=..,dataset=..,seed=..")
    add("--seeds", metavar="LIST", help="these seeds instead of the profile's: 5, 0-4 or 0,3,7-9, say")
    add("--parallel", type=positive, help="jobs at once (default: as many as the cores or GPUs allow)")
    options = cli.parse(parser, arguments)
    if options.json and not options.dry_run:
        parser.error("--json goes with --dry-run")
    return options


def show_plan(jobs: list[Job], options: argparse.Namespace) -> None:
    """Print the plan with its cost, as a table or as JSON."""
    costs = cli.costs_of(jobs, cli.execution_of(options)) if options.costs else {}
    if options.json:
        cost = {identity: asdict(cost) for identity, cost in costs.items()}
        print(json.dumps([job_as_json(job) | {"cost": cost.get(job.identity)} for job in jobs], indent=2))
        return
    states = job_states(jobs, options.output)
    cli.console.print(f"study {jobs[0].study}, profile {jobs[0].profile}")
    for table in plan_tables(jobs, states, costs):
        cli.console.print(table)
    cli.console.print(plan_summary(jobs, states, costs))


def job_states(jobs: list[Job], output: Path) -> dict[str, str]:
    """Identity -> done, resume or new, by what lies in the output folder."""
    directories = {job.identity: JobDir(job.directory(output)) for job in jobs}
    return {
        identity: "done" if directory.finished() else "resume" if directory.last_checkpoint() else "new"
        for identity, directory in directories.items()
    }


def run(plan: Plan, options: argparse.Namespace) -> int:
    """Run the jobs that are not finished, then report them with what the whole plan has finished. The exit code."""
    from experiments.launch.progress import Display
    from experiments.tracking.runs import Tracker

    show_plan(plan.jobs, options)
    tasks = [Task(job, JobDir(job.directory(options.output))) for job in plan.jobs]
    finished = [task for task in tasks if task.directory.finished()]
    left = [task for task in tasks if not task.directory.finished()]
    launcher = cli.prepared_launcher(cli.execution_of(options), [task.job for task in left])
    received = cli.catch_signals()
    with Tracker(plan.jobs[0].study) as tracker:
        for task in finished:
            tracker.ended(task, JobOutcome(JobState.FINISHED))
        with Display(cli.console, left, len(finished)) as display:
            ended = execute(left, launcher, [display, tracker], lambda: bool(received))
    cli.warn_if_behind(tracker.warning)
    if received:
        return cli.stopped_by(received)
    states = job_states(plan.whole, options.output)
    asked = {job.identity for job in plan.jobs}
    shown = [job for job in plan.whole if job.identity in asked or states[job.identity] == "done"]
    return report(shown, options, ended, tracker)


def report(jobs: list[Job], options: argparse.Namespace, ended: list[Ended], tracker: "Tracker") -> int:
    """Let `analysis` print the comparison of the finished jobs, and say where everything is."""
    name = f"report-{jobs[0].comparison}" if options.set else "report"  # a trial does not replace the study's report
    folder = options.output / jobs[0].study / name
    command = [sys.executable, "-m", "analysis", "report", "--study", jobs[0].study, "--out", str(folder)]
    code = subprocess.run([*command, "--identity", *(job.identity for job in jobs)]).returncode
    cli.console.print(f"job directories: {options.output / jobs[0].study}", markup=False, soft_wrap=True)
    if tracker.experiment is not None:
        cli.console.print(how_to_compare("runs", tracker.experiment), markup=False, soft_wrap=True)
    failed = [end for end in ended if end.outcome.state.is_failure]
    for end in failed:
        cli.errors.print(f"{end.outcome.state}: {end.task.name}, see {end.task.directory.log}", markup=False)
    return cli.FAILED if failed or code else cli.DONE


if __name__ == "__main__":
    sys.exit(main())
