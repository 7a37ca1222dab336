"""The order in which jobs start, so that no slot is idle in the end: the longest way through shared states first."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from experiments.launch.packing import Packing
from experiments.launch.scheduler import Task


def longest_first(
    tasks: Sequence[Task], work_per_image: Mapping[str, float], packing: Packing | None = None
) -> list[Task]:
    """The same tasks, by how much work they and those that begin in them are, one after the other; of equal ones the
    first. So a job stands before all that begin in it, and a short job stands last.

    Jobs that have a GPU to themselves and jobs that share one are ordered so apart, and then mixed in proportion: a GPU
    that the last of the first kind leaves goes to the next one, and does not have to be emptied of many others.

    work_per_image: configuration -> operations, say; a job that it does not have counts as the mean of the others.
    """
    known = [work_per_image[task.job.configuration] for task in tasks if task.job.configuration in work_per_image]
    usual = sum(known) / len(known) if known else 1.0
    per_image = {task.job.identity: work_per_image.get(task.job.configuration, usual) for task in tasks}
    own = {task.job.identity: task.images_to_train * per_image[task.job.identity] for task in tasks}
    followers: dict[str, list[str]] = {}
    for task in tasks:
        start = task.sharing.begins_in
        if start is not None and start.identity in own:
            followers.setdefault(start.identity, []).append(task.job.identity)
    ways: dict[str, float] = {}

    def way(identity: str) -> float:
        if identity not in ways:
            ways[identity] = own[identity] + max(map(way, followers.get(identity, ())), default=0.0)
        return ways[identity]

    packing = packing or Packing()
    places: dict[str, float] = {}  # identity -> the part of its kind's work that stands before it
    for is_alone in (True, False):
        kind = [task for task in tasks if (packing.of(task.job.configuration) == 1) is is_alone]
        kind.sort(key=lambda task: -way(task.job.identity))
        shares = [own[task.job.identity] / packing.of(task.job.configuration) for task in kind]
        before = [0.0, *accumulate(shares)]
        places |= {task.job.identity: work / (before[-1] or 1.0) for task, work in zip(kind, before, strict=False)}
    return sorted(tasks, key=lambda task: (places[task.job.identity], -way(task.job.identity)))
