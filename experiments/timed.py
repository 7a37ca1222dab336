"""Seeds that are added while there is time: `--minutes`. Whole rounds, the next seed for all variants of a plan alike.

What the results are does not enter: whether a round begins depends on the clock, on how long jobs took, and on whether
jobs failed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from experiments.adaptive import rule_of
from experiments.launch.durations import conditions_of
from experiments.launch.forecast import UNITS, Forecast, Speeds, forecasts_of
from experiments.launch.job_states import look_into_all
from experiments.launch.launchers import Launcher
from experiments.launch.outcome import JobState
from experiments.launch.scheduler import Ended
from experiments.launch.sharing import find_starts
from experiments.study.plan import Job, Plan, one_of_each
from experiments.study.problems import StudyError, StudyProblem
from experiments.study.study import Study

MINUTE = UNITS[1][0]  # in seconds


def require_fixed_seeds(plan: Plan, only: Mapping[str, object]) -> None:
    """Raises StudyError where something else decides which seeds there are."""
    if rule_of(plan.jobs) is not None:
        message = (
            f"the profile {plan.jobs[0].profile} adds seeds by its rule, and those of --minutes would be other looks: "
            "leave out --minutes, or give the profile a list of seeds"
        )
        raise StudyError([StudyProblem("--minutes", "", message)])
    if "seed" in only:
        message = "adds seeds to all of the profile's, of which --only seed=... asks for some: leave out one of the two"
        raise StudyError([StudyProblem("--minutes", "", message)])


class Rounds:
    """The rounds of one command, whose time begins now. clock: seconds."""

    def __init__(self, study: Study, minutes: float, clock: Callable[[], float]):
        self.study, self.minutes, self.clock = study, minutes, clock
        self.added: list[int] = []
        self._began = clock()

    def next_jobs(self, plan: Plan, ended: Sequence[Ended], launcher: Launcher) -> tuple[list[Job], str]:
        """The jobs of the next seed; or none, and a sentence on what was added and why it ends."""
        avoided = set().union(*self.study.tuning_seeds.values())
        jobs = jobs_of_next_seed(plan, avoided)
        reason = self.why_not(jobs, ended, launcher)
        if reason:
            spent = f"{(self.clock() - self._began) / MINUTE:.1f} of {self.minutes:g} min"
            seeds = f"seed{'s' * (len(self.added) > 1)} {', '.join(map(str, self.added))}" if self.added else "no seed"
            return [], f"{seeds} added, after {spent}: {reason}"
        self.added.append(jobs[0].seed)
        return jobs, ""

    def why_not(self, jobs: Sequence[Job], ended: Sequence[Ended], launcher: Launcher) -> str:
        """Why a round does not begin; empty if it does. What was trained before takes no time."""
        last = max(end.task.job.seed for end in ended)
        states = {end.outcome.state for end in ended if end.task.job.seed == last}
        if states & {JobState.FAILED, JobState.ELSEWHERE} or JobState.FINISHED not in states:
            return f"not all jobs of seed {last} could be trained"
        left = max(0.0, self.minutes * MINUTE - (self.clock() - self._began))
        needed = self.forecast(jobs, launcher)
        if needed is None:
            return f"how long seed {jobs[0].seed} would take is not known: no job like its jobs was timed in this place"
        if needed.high_seconds > left:
            return f"seed {jobs[0].seed} would take {needed.text}, and {left / MINUTE:.1f} min are left"
        return ""

    def forecast(self, jobs: Sequence[Job], launcher: Launcher) -> Forecast | None:
        """How long what is left of a round takes."""
        execution = launcher.execution
        findings = look_into_all(jobs, execution.output)
        speeds = Speeds(self.study.name, execution, conditions_of(launcher))
        left, starts = [job for job in jobs if findings[job.identity].is_left], find_starts(jobs, findings, execution)
        return speeds.of_all(list(forecasts_of(left, speeds, starts, execution, {}).values()))


def jobs_of_next_seed(plan: Plan, avoided: Collection[int]) -> list[Job]:
    """What was asked for, on the first seed above all of the plan's that is not to be avoided."""
    seed = max(job.seed for job in plan.whole) + 1
    while seed in avoided:
        seed += 1
    return [replace(job, seed=seed, config=replace(job.config, seed=seed)) for job in one_of_each(plan.jobs)]
