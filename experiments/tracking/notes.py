"""What MLflow's pages say of runs and studies in words (mlflow.note.content), unless people have written there."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from experiments import names
from experiments.study.plan import Job

NOTE = "mlflow.note.content"


def note_tags(text: str, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that bring a note up to date; none where it is, and where its text is not the one that was sent last."""
    there = tags.get(NOTE, "")
    if there == text or (there and tags.get(names.NOTE_SENT) != _hash(there)):
        return {}
    return {NOTE: text, names.NOTE_SENT: _hash(text)}


def run_note(job: Job, beginning: str = "") -> str:
    """A job's differences to the baseline, and in whose state it began, in Markdown."""
    title = f"**{job.variant}** on {job.dataset}, seed {job.seed}, of the study {job.study} (profile {job.profile})"
    began = f"\n\nIt began in the state of {beginning}." if beginning else ""
    if job.variant == names.BASELINE:
        return f"{title}. The other variants are compared with it.{began}"
    changed = "\n".join(f"- `{key}` is {_in_words(value)}" for key, value in job.differences.items())
    return f"{title}. It differs from the baseline in this:\n\n{changed}{began}"


def study_note(jobs: Sequence[Job]) -> str:
    """What the jobs of a study are to tell, in Markdown: which variants, on which data, by which metric."""
    variants = dict.fromkeys(job.variant for job in jobs)
    others = [f"**{variant}**" for variant in variants if variant != names.BASELINE]
    question = f"Does {_listed(others, 'or')} differ from the baseline?" if others else "How good is the baseline?"
    lines = []
    for dataset in dict.fromkeys(job.dataset for job in jobs):
        mine = [job for job in jobs if job.dataset == dataset]
        primary = mine[0].design.primary
        judged = f"judged by `{primary}`, named before it ran" if primary else "no primary metric was named"
        seeds = len({job.seed for job in mine})
        lines.append(f"- on {dataset}, {seeds} seed{'s' if seeds > 1 else ''} for each variant: {judged}")
    return "\n".join([question, "", *lines])


def _listed(items: Sequence[str], word: str) -> str:
    """a, b or c."""
    return f" {word} ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def _in_words(value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, tuple)):
        return _listed([str(item) for item in value], "and") if value else "nothing"
    return str(value)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
