"""`python -m experiments.status ablations.yaml`: how far a study is, wherever its jobs run.

MLflow gets what has ended since anybody last looked."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable

from rich.table import Table

from experiments import cli
from experiments.cluster.looked import look
from experiments.cluster.reasons import queue_sentences
from experiments.cluster.states import Stage, Status
from experiments.tracking.bring_up import bring_up_to_date
from r3gan.job_log import log_tail
from r3gan.job_view import JobView

MOST_SHOWN = 20  # jobs of a kind that are shown by name
TAIL = 5  # lines of a failed job's log


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 all done, 1 some have failed, 2 bad input, 3 some are still to come."""
    return cli.run_command(lambda: status(parse_arguments(arguments)))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m experiments.status", description=__doc__)
    cli.add_study(parser)
    cli.add_selection(parser)
    parser.add_argument("--json", action="store_true", help="one object per job, for machines; MLflow is left alone")
    parser.add_argument("--mlflow", action=argparse.BooleanOptionalAction, default=True,
                        help="bring MLflow up to date with jobs that have ended since (default: yes)")  # fmt: skip
    cli.add_mlflow_wait(parser)
    return cli.parse(parser, arguments)


def status(options: argparse.Namespace) -> int:
    """Look, and show. Raises StudyError and SlurmAway."""
    _, plan = cli.planned(options)
    found = look(plan.jobs, options.output)
    if options.json:
        print(json.dumps([as_json(one) for one in found], indent=2))
    else:
        show(found)
        if options.mlflow:
            ended = [one.task for one in found if one.stage.has_ended]
            described = plan.whole if len(ended) == len(found) and not options.set else ()
            for sentence in bring_up_to_date(ended, options.output, options.mlflow_wait, described):
                say(sentence)
    stages = {one.stage for one in found}
    if any(stage.needs_a_retry for stage in stages):
        return cli.FAILED
    return cli.DONE if stages == {Stage.DONE} else cli.INCOMPLETE


def as_json(one: Status) -> dict[str, object]:
    """A job as plain data."""
    job, view = one.task.job, viewed(one)
    return {
        "dataset": job.dataset,
        "variant": job.variant,
        "seed": job.seed,
        "identity": job.identity,
        "stage": str(one.stage),
        "detail": one.detail,
        "kimg": view.images / 1000,
        "folder": str(one.task.directory.root),
    }


def show(found: list[Status]) -> None:
    """A table of how many are how far; then those that run and those that failed, by name."""
    stages = [stage for stage in Stage if any(one.stage is stage for one in found)]
    rows: dict[tuple[str, str], Counter[Stage]] = {}
    for one in found:
        rows.setdefault((one.task.job.dataset, one.task.job.variant), Counter())[one.stage] += 1
    table = Table("dataset", "variant", *(str(stage) for stage in stages), box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for names, counts in rows.items():
        table.add_row(*names, *(str(counts[stage] or "") for stage in stages))
    cli.console.print(table)
    running = [one for one in found if one.stage is Stage.RUNNING]
    for one in first(running, "run"):
        view = viewed(one)
        say(f"{one.task.name}: {view.text()}; {one.detail}")
    for one in first([one for one in found if one.stage.needs_a_retry], "have failed"):
        log = one.task.directory.log
        say(f"{one.stage}: {one.task.name}: {one.detail}{f'; log: {log}' if log.exists() else ''}")
        tail = log_tail(one.task.directory, TAIL)
        if tail:
            cli.console.print(tail, style="red", markup=False, highlight=False, soft_wrap=True)
    for sentence in queue_sentences(one.waits_for for one in found if one.stage is Stage.PENDING):
        say(sentence)
    done = sum(one.stage is Stage.DONE for one in found)
    say(f"{done} of {len(found)} jobs done")


def first(found: list[Status], what: str) -> Iterable[Status]:
    """As many as can be read; how many more there are is said."""
    yield from found[:MOST_SHOWN]
    if len(found) > MOST_SHOWN:
        say(f"... and {len(found) - MOST_SHOWN} more that {what}")


def viewed(one: Status) -> JobView:
    """What the metrics of a job say by now."""
    view = JobView(one.task.directory, one.task.job.config, began=0.0)
    view.update()
    return view


def say(text: str) -> None:
    """A line."""
    cli.console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
