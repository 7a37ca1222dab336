"""A study's jobs on Slurm, as arrays, watched until they end. Whoever stops watching leaves them running."""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from experiments.cluster.launcher import LOOKS_WITHOUT, SlurmLauncher
from experiments.cluster.looked import how_ended
from experiments.cluster.reasons import Teller
from experiments.cluster.states import Stage, status, unexplained
from experiments.cluster.submissions import Submissions
from experiments.cluster.submit import submit_missing
from experiments.launch.outcome import JobOutcome, JobState
from experiments.launch.scheduler import Ended, Observer, Task

OUTCOMES = {Stage.DONE: JobState.FINISHED, Stage.DIVERGED: JobState.DIVERGED, Stage.FAILED: JobState.FAILED}


def submit_and_watch(
    tasks: Sequence[Task],
    launcher: SlurmLauncher,
    observers: Sequence[Observer],
    should_stop: Callable[[], bool],
    share: Callable[[list[Task]], list[Task]] = list,
) -> list[Ended]:
    """Submit what Slurm does not have, and wait for all of it, or until `should_stop`.

    share: not called: a job that does not find the state in which it was to begin trains from its own start.
    Returns every task in the order of their ends; those that Slurm still has are ELSEWHERE. Raises NotPrepared and
    OSError.
    """
    numbers = submit_missing(tasks, launcher.execution, tasks[0].job.study) if tasks else {}
    output = launcher.execution.output
    waiting = {task.job.identity: task for task in tasks}
    missed: dict[str, set[int]] = {identity: set() for identity in waiting}  # looks at which it was not in the queue
    running: set[str] = set()
    teller = Teller(partial(print, file=sys.stderr))
    ended: list[Ended] = []

    def start(task: Task) -> None:
        if task.job.identity not in running:
            running.add(task.job.identity)
            for observer in observers:
                observer.started(task)

    def end(task: Task, outcome: JobOutcome) -> None:
        ended.append(Ended(task, outcome))
        for observer in observers:
            observer.ended(task, outcome)

    while waiting and not should_stop():
        time.sleep(launcher.poll_seconds)
        queued = launcher.queue.now()
        looked = {identity: status(task, numbers.get(identity), queued, {}) for identity, task in waiting.items()}
        teller.look(now.waits_for for now in looked.values() if now.stage is Stage.PENDING)
        for identity, now in looked.items():
            task = waiting[identity]
            if now.stage is Stage.RUNNING:
                start(task)
            if identity in running:
                for observer in observers:
                    observer.progressed(task)
            if now.stage.is_open:
                missed[identity].clear()
                continue
            missed[identity].add(launcher.queue.looks)
            if now.stage is Stage.DONE or len(missed[identity]) >= LOOKS_WITHOUT:
                start(task)  # if it was never seen to run
                del waiting[identity]
                end(task, outcome_of(task, numbers.get(identity), output))
    for task in waiting.values():
        end(task, JobOutcome(JobState.ELSEWHERE, "Slurm has it, and goes on with it"))
    return ended


def outcome_of(task: Task, number: str | None, output: Path) -> JobOutcome:
    """What has become of a job that is not in the queue."""
    to_ask = unexplained([task], {task.job.identity: number} if number else {}, {})
    now = status(task, number, {}, how_ended(to_ask, Submissions.of(output, task.job.study)))
    return JobOutcome(OUTCOMES.get(now.stage, JobState.STOPPED), now.detail)
