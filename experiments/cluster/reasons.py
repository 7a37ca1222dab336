"""Why jobs wait in the queue, in plain words: squeue's reasons, as its manual explains them (JOB REASON CODES)."""

from collections import Counter
from collections.abc import Callable, Iterable

NEVER = "as it stands this never starts: `experiments.cancel`, mend the `execution` section, submit again"
WORDS = {  # of Slurm -> in words; a longer name that begins so counts as well, the longest one that fits
    "Priority": "other jobs come first",
    "Resources": "what they ask for is not free at present",
    "Dependency": "they begin where others end, which have not ended yet",
    "DependencyNeverSatisfied": f"they wait for jobs that did not end as they should; {NEVER}",
    "JobArrayTaskLimit": "as many run as `at_once` or --parallel allows",
    "BeginTime": "their time to begin has not come: Slurm waits a while before it starts a job again",
    "JobHeldUser": "they are held: `scontrol release` lets them go on",
    "JobHeldAdmin": "an administrator holds them",
    "PartitionConfig": f"no node of the partition has what they ask for (cpus, memory_gb, gpus, nodes); {NEVER}",
    "BadConstraints": f"no node has what they ask for, `constraint` included; {NEVER}",
    "PartitionNodeLimit": f"they ask for more `nodes` than the partition has or allows; {NEVER}",
    "PartitionTimeLimit": f"they ask for more `hours` than the partition allows; {NEVER}",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition takes no jobs at present",
    "InvalidAccount": f"the `account` is not one that Slurm knows; {NEVER}",
    "InvalidQOS": f"the `qos` is not one that Slurm knows; {NEVER}",
    "NodeDown": "a node that they need is down",
    "ReqNodeNotAvail": "nodes that they need are down, drained or reserved",
    "Nodes required": "nodes that they need are down, drained or reserved",
    "Reservation": "they wait for a reservation",
    "Licenses": "they wait for a licence",
    "Assoc": "a limit of the account is reached: they wait, or ask for more than it ever allows",
    "QOS": "a limit of the `qos` is reached: they wait, or ask for more than it ever allows",
    "launch failed requeued held": "their node could not start them, and Slurm holds them: `scontrol release`",
}


def in_words(reason: str) -> str:
    """`other jobs come first (Priority)`; Slurm's own word alone where it is none of these."""
    plain = reason.replace("_", " ").strip("()")
    known = max((name for name in WORDS if plain.startswith(name)), key=len, default=None)
    return f"{WORDS[known]} ({plain})" if known else plain


def queue_sentences(reasons: Iterable[str]) -> list[str]:
    """One for each reason of pending jobs, with their number, the most frequent first. Empty reasons count as such."""
    counts = Counter(in_words(reason) if reason else "Slurm has not said why yet" for reason in reasons)
    return [f"{count} in the queue: {words}" for words, count in counts.most_common()]


class Teller:
    """Says why jobs wait, once for each reason. say: to people."""

    def __init__(self, say: Callable[[str], None]):
        self._say = say
        self._told: set[str] = set()

    def look(self, reasons: Iterable[str]) -> None:
        """At those of the jobs that are pending now."""
        new = [reason for reason in reasons if reason and in_words(reason) not in self._told]
        for sentence in queue_sentences(new):
            self._say(sentence)
        self._told |= set(map(in_words, new))
