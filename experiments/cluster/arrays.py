"""Which jobs go into which job array, and what each array waits for. Pure."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from experiments.launch.scheduler import Task

Item = TypeVar("Item")
MOST_GROUPS = 32  # of jobs that begin in others: so many waits are told apart


@dataclass(frozen=True)
class Array:
    """Jobs that are submitted together, once those of `after` (identities) are on their way; it waits for their ends,
    however they end."""

    tasks: tuple[Task, ...]
    after: tuple[str, ...] = ()


def plan_arrays(tasks: Sequence[Task], waiting: Collection[str], largest: int) -> list[Array]:
    """All tasks, in the order in which arrays are to be submitted.

    A job that begins in the state of another one waits for that job, if it is among the tasks or among `waiting`
    (identities of jobs that the cluster has). Few arrays, whatever the number of jobs: jobs that begin in others share
    an array with those that begin in neighbours of these. largest: how many jobs an array may have.
    """
    by_identity = {task.job.identity: task for task in tasks}
    levels: dict[str, int] = {}

    def level(task: Task) -> int:
        identity, donor = task.job.identity, donor_of(task, by_identity, waiting)
        if identity not in levels:
            levels[identity] = 0 if donor is None else 1 + (level(by_identity[donor]) if donor in by_identity else 0)
        return levels[identity]

    by_level: dict[int, list[Task]] = {}
    for task in tasks:
        by_level.setdefault(level(task), []).append(task)
    arrays: list[Array] = []
    for number, alike in sorted(by_level.items()):
        if not number:
            arrays += [Array(part) for part in chunks(alike, largest)]
            continue
        by_donor: dict[str, list[Task]] = {}
        for task in alike:
            by_donor.setdefault(donor_of(task, by_identity, waiting) or "", []).append(task)
        for donors in chunks(list(by_donor), -(-len(by_donor) // MOST_GROUPS)):
            for part in chunks([task for donor in donors for task in by_donor[donor]], largest):
                mine = {donor_of(task, by_identity, waiting): None for task in part}
                arrays.append(Array(part, tuple(donor for donor in mine if donor)))
    return arrays


def donor_of(task: Task, planned: Collection[str], waiting: Collection[str]) -> str | None:
    """The job that has yet to leave the state in which the task begins."""
    start = task.sharing.begins_in
    if start is None or not (start.identity in planned or start.identity in waiting):
        return None
    return None if start.directory(task.directory.root).checkpoint(start.images).exists() else start.identity


def chunks(items: Sequence[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """In order, the last one possibly shorter."""
    return (tuple(items[i : i + size]) for i in range(0, len(items), size))
