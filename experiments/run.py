"""`python -m experiments.run ablations.yaml`: plan a study, run what is missing, track it, report it."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from experiments import cli
from experiments.adaptive import NotDecided, ask, due_tasks, rule_of, rule_sentence, wanted_jobs
from experiments.launch.durations import Timekeeper, conditions_of
from experiments.launch.execution import Execution
from experiments.launch.forecast import Forecast, forecasts_of
from experiments.launch.job_states import Findings, look_into_all, reopened, warnings_of, with_reruns
from experiments.launch.launchers import LAUNCHERS
from experiments.launch.longer import trained_anew
from experiments.launch.order import longest_first
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.plan_tables import plan_summary, plan_tables
from experiments.launch.scheduler import Ended, Observer, Task
from experiments.launch.sharing import Starts, find_starts, with_sharing
from experiments.study.options import parse_only
from experiments.study.plan import Job, Plan, job_as_json
from experiments.study.plan_checks import derived_presets, reused_tuning_seeds, run_problems
from experiments.study.problems import StudyError
from experiments.study.study import Study
from experiments.timed import Rounds, require_fixed_seeds
from experiments.tracking.address import URI_VARIABLE, how_to_compare
from r3gan.arguments import minutes, positive
from r3gan.jobdir import JobDir

if TYPE_CHECKING:
    from experiments.launch.launchers import Launcher
    from experiments.tracking.runs import Tracker
    from r3gan.training.cost import Cost

GO_ON = "no longer watching: jobs go on, and the same command finds them again"
HAS_ENDED = (JobState.FINISHED, JobState.FAILED, JobState.DIVERGED)


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 all done, 1 a job failed, 2 bad input, 3 another command still trains some,
    128 + n after signal n."""
    return cli.run_command(lambda: command(parse_arguments(arguments)))


def command(options: argparse.Namespace) -> int:
    """Plan, then show or run. Raises StudyError and NotPrepared."""
    study, plan = cli.planned(options)
    if options.minutes is not None:
        require_fixed_seeds(plan, parse_only(options.only))
    execution = cli.execution_of(options, study)
    problems = run_problems(study, plan.jobs, execution.ranks)
    if problems:
        raise StudyError(problems)
    cli.print_warnings(reused_tuning_seeds(study, plan.jobs))
    for sentence in derived_presets(study, plan.jobs):
        cli.errors.print(sentence, markup=False)
    execution = cli.packed(plan.jobs, execution) if options.costs else execution
    if not options.dry_run:
        return run(study, plan, options, execution)
    from experiments.launch.readiness import not_here_yet

    show_plan(plan.jobs, look_into_all(plan.jobs, options.output), options, execution)
    if options.minutes is not None and not options.json:
        cli.console.print(f"then further seeds, a round of all variants at a time, while {options.minutes:g} min last")
    cli.require_writable(options.output)
    for sentence in not_here_yet(plan.jobs):
        cli.errors.print(f"not here yet: {sentence}", markup=False)
    return cli.DONE


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.run", description="Run an ablation study of R3GAN.")
    add = parser.add_argument
    cli.add_shared_options(parser)
    cli.add_selection(parser)
    add("--json", action="store_true", help="with --dry-run: the plan as a JSON array, one object per job")
    add("--minutes", type=minutes, metavar="N", help="then add seeds, for all variants alike, while N minutes last")
    add("--parallel", type=positive, help="jobs at once (default: as many as the cores or GPUs allow)")
    cli.add_detach(parser)
    add("--rerun", choices=("changed",), help="train jobs again that other sources of r3gan have trained")
    cli.add_mlflow_wait(parser)
    options = cli.parse(parser, arguments)
    if options.json and not options.dry_run:
        parser.error("--json goes with --dry-run")
    if options.minutes is not None and not LAUNCHERS[options.launcher].is_here:
        parser.error("--minutes goes by how fast this machine is: --launcher slurm runs elsewhere")
    return options


def show_plan(jobs: list[Job], findings: Findings, options: argparse.Namespace, execution: Execution) -> None:
    """Print the plan with its cost, as a table or as JSON; then what is odd about finished jobs."""
    findings = with_reruns(findings) if options.rerun == "changed" else findings
    costs = cli.costs_of(jobs, execution) if options.costs else {}
    starts = find_starts(jobs, findings, execution)
    speeds = cli.speeds_of(jobs, execution) if options.costs else None
    by_configuration = {job.configuration: costs[job.identity] for job in jobs if job.identity in costs}

    def forecasts(left: list[Job], starts: Starts) -> dict[str, Forecast | None]:
        return forecasts_of(left, speeds, starts, execution, by_configuration) if speeds else {}

    if options.json:
        expected = forecasts([job for job in jobs if findings[job.identity].is_left], starts)
        print(json.dumps([job_with_state(job, findings, costs, starts, expected) for job in jobs], indent=2))
        return
    states = {job.identity: state_text(job, findings, starts) for job in jobs}
    cli.console.print(f"study {jobs[0].study}, profile {jobs[0].profile}")
    for table in plan_tables(jobs, states, costs):
        cli.console.print(table)
    rule = rule_of(jobs)
    if rule is not None:
        cli.console.print(rule_sentence(rule))
    for limit, part in {"at least ": wanted_jobs(jobs, {}), "at most ": jobs}.items() if rule else [("", jobs)]:
        left = [job for job in part if findings[job.identity].is_left]
        of_part = find_starts(part, findings, execution)
        cli.console.print(f"{limit}{plan_summary(part, left, costs, of_part)}")
        whole = speeds.of_all(list(forecasts(left, of_part).values())) if left and speeds else None
        if speeds and whole:
            cli.console.print(f"{limit}{whole.text}, {speeds.basis}")
    cli.print_warnings(warnings_of(jobs, findings))
    for sentence in trained_anew(jobs, findings, starts, execution):
        cli.console.print(sentence, markup=False, soft_wrap=True)


def state_text(job: Job, findings: Findings, starts: Starts) -> str:
    """What lies in the job's folder, and where it begins."""
    start = starts.get(job.identity)
    return f"{findings[job.identity]}{f', from {start.variant} at {start.kimg:g} kimg' if start else ''}"


def job_with_state(
    job: Job,
    findings: Findings,
    costs: "dict[str, Cost]",
    starts: Starts,
    expected: Mapping[str, Forecast | None],
) -> dict[str, Any]:
    """The job as plain data, with its cost, what lies in its folder, the state of another job that it begins in, and
    how long it is expected to take."""
    finding, cost, start = findings[job.identity], costs.get(job.identity), starts.get(job.identity)
    folder = {"state": finding.state, "damage": finding.damage, "other_code": finding.other_code}
    starts_from = {"identity": start.identity, "kimg": start.kimg} if start else None
    forecast = expected.get(job.identity)
    more = {"starts_from": starts_from, "expected": forecast and asdict(forecast)}
    return job_as_json(job) | {"cost": cost and asdict(cost)} | folder | more


def run(study: Study, plan: Plan, options: argparse.Namespace, execution: Execution) -> int:
    """Run the jobs that are not finished, then report them with what the whole plan has finished. The exit code."""
    rounds = None if options.minutes is None else Rounds(study, options.minutes, monotonic)
    tasks = tasks_of(plan.jobs, options)
    findings = look_into_all(plan.jobs, options.output)
    show_plan(plan.jobs, findings, options, execution)
    findings = reopened(tasks, findings, rerun_changed=options.rerun == "changed")
    due = due_tasks(tasks, {}, [])
    costs = cli.costs_of(plan.jobs, execution) if options.costs else {}
    work = {job.configuration: costs[job.identity].flops_per_image for job in plan.jobs if job.identity in costs}
    left = [task.job for task in due if findings[task.job.identity].is_left]
    launcher = cli.prepared_launcher(execution, left)
    if options.detach:
        return detach(longest_first(sharing(due, execution), work), execution, options.study)
    from experiments.tracking.runs import Tracker
    from experiments.tracking.store import open_store

    troubles = open_store(plan.jobs[0].study, options.mlflow_wait / 3)[1]
    cli.print_warnings(troubles)
    received = cli.catch_signals(*([] if LAUNCHERS[execution.launcher].is_here else [GO_ON]))
    ended: list[Ended] = []
    undecided = False
    described = [] if options.set else plan.whole
    while True:
        with Tracker(plan.jobs[0].study, options.mlflow_wait * 2 / 3, described) as tracker:
            ordered = longest_first(sharing(due, execution), work, execution.packing)
            ended += train(ordered, ended, launcher, tracker, lambda: bool(received))
        try:
            due = [] if received else more_tasks(plan, tasks, ended, options, tracker)
        except NotDecided:
            due, undecided = [], True
        if rounds is not None and not received and not due:
            added, sentence = rounds.next_jobs(plan, ended, launcher)
            if sentence:
                cli.console.print(sentence, markup=False, soft_wrap=True)
            plan = plan.with_more(added)
            due = tasks_of(added, options)
        if received or not due:
            break
        if not left:  # all of the first look had finished before
            left = [task.job for task in due if not task.directory.finished()]
            launcher = cli.prepared_launcher(execution, left)
    cli.warn_if_behind(tracker.warning)
    cli.print_warnings([] if tracker.warning else troubles)
    cli.print_warnings(f"MLflow lacks {sentence}" for missing in tracker.missing.values() for sentence in missing)
    if received:
        return cli.stopped_by(received)
    states = look_into_all(plan.whole, options.output)
    asked = {end.task.job.identity for end in ended}
    cli.print_warnings(warnings_of([job for job in plan.whole if job.identity not in asked], states))
    shown = [job for job in plan.whole if job.identity in asked or not states[job.identity].is_left]
    if all(states[job.identity].is_left for job in shown):
        cli.errors.print("no job has finished: there is nothing to report yet")
        return conclude(ended, cli.DONE)
    return conclude(ended, report(shown, ended, options, tracker) or undecided)


def detach(tasks: list[Task], execution: Execution, study: Path) -> int:
    """Submit what is not finished, and say how to look after it."""
    from experiments.cluster.submit import submit_missing

    left = [task for task in tasks if not task.directory.finished()]
    numbers = submit_missing(left, execution, tasks[0].job.study)
    cli.console.print(f"Slurm has {sum(task.job.identity in numbers for task in left)} of {len(left)} jobs")
    cli.console.print(f"how far they are: python -m experiments.status {study}", markup=False, soft_wrap=True)
    cli.console.print("the report, once they have ended: the same command again, without --detach")
    return cli.DONE


def tasks_of(jobs: list[Job], options: argparse.Namespace) -> list[Task]:
    """The jobs with their folders."""
    return [Task(job, JobDir(job.directory(options.output))) for job in jobs]


def sharing(tasks: list[Task], execution: Execution) -> list[Task]:
    """The same tasks, each told in whose state it begins."""
    jobs = [task.job for task in tasks]
    return with_sharing(tasks, find_starts(jobs, look_into_all(jobs, execution.output), execution))


def train(
    due: list[Task], before: list[Ended], launcher: "Launcher", tracker: "Tracker", should_stop: Callable[[], bool]
) -> list[Ended]:
    """Run those of the tasks that are not finished. What has become of all of them; the tracker gets that of the jobs
    before, too."""
    from experiments.launch.progress import Display

    timekeeper = Timekeeper(conditions_of(launcher), monotonic)
    finished = [Ended(task, JobOutcome(JobState.FINISHED)) for task in due if task.directory.finished()]
    left = [task for task in due if not task.directory.finished()]
    for end in [*before, *finished]:
        tracker.ended(end.task, end.outcome)
    done = sum(end.outcome.state is JobState.FINISHED for end in [*before, *finished])
    with Display(cli.console, left, done) as display:
        observers: list[Observer] = [display, tracker, timekeeper]
        run_all = LAUNCHERS[launcher.execution.launcher].run
        ended = run_all(left, launcher, observers, should_stop, share=lambda tasks: sharing(tasks, launcher.execution))
        return [*finished, *ended]


def more_tasks(
    plan: Plan, tasks: list[Task], ended: list[Ended], options: argparse.Namespace, tracker: "Tracker"
) -> list[Task]:
    """What a rule for seeds wants next; nothing without one, or if nothing can be concluded."""
    finished = [job for job in plan.whole if JobDir(job.directory(options.output)).finished()]
    if rule_of(plan.jobs) is None or not finished:
        return []
    with store_behind(tracker, finished, ended, options) as store:
        answer = ask(plan.whole, store)
    for sentence in answer.sentences:
        cli.console.print(sentence, markup=False, soft_wrap=True)
    return due_tasks(tasks, answer.wanted, ended)


@contextmanager
def store_behind(
    tracker: "Tracker", finished: list[Job], ended: list[Ended], options: argparse.Namespace
) -> Iterator[dict[str, str]]:
    """The environment that names MLflow's store; if that is behind, one made from the job directories."""
    if not tracker.warning:
        yield {}
        return
    from experiments.tracking.copies import store_of

    states = {end.task.job.identity: (end.task, end.outcome.state) for end in ended if end.outcome.state in HAS_ENDED}
    states |= {task.job.identity: (task, JobState.FINISHED) for task in tasks_of(finished, options)}
    with store_of(tracker.study, list(states.values())) as uri:
        yield {URI_VARIABLE: uri}


def report(jobs: list[Job], ended: list[Ended], options: argparse.Namespace, tracker: "Tracker") -> int:
    """Let `analysis` print the comparison of the finished jobs, and say where everything is. Its exit code.

    It reads MLflow; where that is behind, a store made from the job directories.
    """
    name = f"report-{jobs[0].comparison}" if options.set else "report"  # a trial does not replace the study's report
    study, folder = jobs[0].study, options.output / jobs[0].study / name
    command = [sys.executable, "-m", "analysis", "report", "--study", study, "--out", str(folder)]
    command += ["--runs", str(options.output), "--identity", *(job.identity for job in jobs)]
    finished = [job for job in jobs if JobDir(job.directory(options.output)).finished()]
    with store_behind(tracker, finished, ended, options) as store:
        code = subprocess.run(command, env=os.environ | store).returncode
    if tracker.warning:
        cli.console.print("the report was made from the job directories, without MLflow")
    elif not code and tracker.experiment is not None:
        from experiments.tracking.report_run import try_to_send_report

        cli.print_warnings(try_to_send_report(tracker.experiment, folder, [job.identity for job in jobs]))
    cli.console.print(f"job directories: {options.output / study}", markup=False, soft_wrap=True)
    if tracker.experiment is not None:
        cli.console.print(how_to_compare("runs", tracker.experiment), markup=False, soft_wrap=True)
    return code


def conclude(ended: list[Ended], report_code: int) -> int:
    """Say which jobs failed, and which are not done. The exit code."""
    failed = [end for end in ended if end.outcome.state.is_failure]
    for end in failed:
        cli.errors.print(f"{end.outcome.state}: {end.task.name}, see {end.task.directory.log}", markup=False)
    others = [end for end in ended if end.outcome.state is JobState.ELSEWHERE]
    for end in others:
        cli.errors.print(f"not done: {end.task.name}: {end.outcome.reason}", markup=False)
    return cli.FAILED if failed or report_code else cli.INCOMPLETE if others else cli.DONE


if __name__ == "__main__":
    sys.exit(main())
