"""The plan as the terminal shows it: a table per dataset, what each variant costs, and a line for all."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from experiments.launch.sharing import Starts
from experiments.names import BASELINE
from experiments.study.plan import Job
from r3gan.config import IMG_PER_KIMG
from r3gan.tables.choices import remarks

if TYPE_CHECKING:
    from r3gan.training.cost import Cost


def plan_tables(jobs: list[Job], status: dict[str, str], costs: "dict[str, Cost]") -> Iterator[Table]:
    """A table per dataset with a row per variant, and below it what each costs.

    `status` maps identities to what lies in the job's folder, `costs` maps them to their cost, as far as it is
    known.
    """
    for dataset in dict.fromkeys(job.dataset for job in jobs):
        table = Table(title=dataset, title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("variant", no_wrap=True)
        table.add_column("changes to the baseline", overflow="fold")
        for column in ("seeds", "kimg", "state"):
            table.add_column(column, justify="right")
        here = [job for job in jobs if job.dataset == dataset]
        for variant in dict.fromkeys(job.variant for job in here):
            members = [job for job in here if job.variant == variant]
            changes = "\n".join(f"{key}: {value}" for key, value in members[0].differences.items())
            states = [status[job.identity] for job in members]
            counted = "\n".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
            table.add_row(
                variant, escape(changes) or "-", seeds_text(members), f"{members[0].config.total_kimg:g}", counted
            )
        variants_of: dict[Cost, list[str]] = {}
        for job in here:
            if job.identity in costs:
                names = variants_of.setdefault(costs[job.identity], [])
                names += [job.variant] if job.variant not in names else []
        known = dict.fromkeys(text for job in here for text in remarks(job.differences.items()))
        baseline = next((cost for cost, names in variants_of.items() if BASELINE in names), None)
        costly = [f"{', '.join(names)}: {cost_text(cost, baseline)}" for cost, names in variants_of.items()]
        table.caption = escape("\n".join([*known, *costly]))
        table.caption_justify = "left"
        yield table


def seeds_text(jobs: list[Job]) -> str:
    """The seeds of one variant's jobs; from how many to how many where a rule adds them."""
    rule = jobs[0].design.seed_rule
    return (
        f"{rule.least} to {rule.most}" if rule and len(jobs) == rule.most else " ".join(str(job.seed) for job in jobs)
    )


def cost_text(cost: "Cost", baseline: "Cost | None" = None) -> str:
    """A cost in one line, weights and operations also as differences to the baseline's."""
    pairs = "1 pair" if cost.micro_batch == 1 else f"{cost.micro_batch} pairs"
    weights, operations = "", ""
    if baseline is not None and baseline != cost:
        weights = change_text(weights_of(cost), weights_of(baseline))
        operations = change_text(cost.flops_per_image, baseline.flops_per_image)
    return (
        f"G {shorten(cost.generator_parameters)} and D {shorten(cost.discriminator_parameters)} weights{weights}, "
        f"{shorten(cost.flops_per_image)}FLOP per image{operations}, "
        f"{shorten(cost.memory_bytes)}B of memory with {pairs} at once"
        + (", R1 and R2 by double backward" if cost.double_backward else "")
    )


def weights_of(cost: "Cost") -> int:
    """Of both networks."""
    return cost.generator_parameters + cost.discriminator_parameters


def change_text(value: float, baseline: float) -> str:
    """By how much something differs from the baseline's."""
    return f" ({value / baseline - 1:+.1%})".replace("-", "−")


def shorten(number: float) -> str:
    """Three digits and a letter for thousands, millions and so on."""
    for letter in ("", "k", "M", "G", "T", "P"):
        if number < 1000:
            return f"{number:.3g} {letter}".rstrip()
        number /= 1000
    return f"{number:.3g} E"


def plan_summary(jobs: list[Job], left: list[Job], costs: "dict[str, Cost]", starts: Starts) -> str:
    """Jobs and cost in one line."""
    total = sum(job.config.total_img for job in jobs) / IMG_PER_KIMG
    shared = {job.identity: starts[job.identity].kimg for job in left if job.identity in starts}
    remaining = sum(job.config.total_img for job in left) / IMG_PER_KIMG - sum(shared.values())
    known = [job for job in left if job.identity in costs]
    flops = sum(
        costs[job.identity].flops_per_image * (job.config.total_img - IMG_PER_KIMG * shared.get(job.identity, 0))
        for job in known
    )
    work = f", {shorten(flops)}FLOP" if known else ""
    less = f" ({sum(shared.values()):g} more are trained by others)" if shared else ""
    return f"{len(jobs)} jobs, {total:g} kimg in all; to run: {len(left)} jobs, {remaining:g} kimg{less}{work}"
