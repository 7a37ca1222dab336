"""Studies of very many jobs, for benchmarks that train none of them."""

from collections.abc import Iterable


def study_text(name: str, variants: Iterable[str], seeds: int, more: str = "") -> str:
    """A study file of the baseline and these variants, lines of YAML. more: sections beside those, whole lines."""
    return (
        f"study: {name}\nprofile: all\n{more}baseline: {{}}\nvariants:\n"
        + "".join(variants)
        + "datasets:\n  stacked-digits: {preset: digits-8x8}\n"
        + f"profiles:\n  all: {{datasets: [stacked-digits], seeds: {list(range(seeds))}}}\n"
    )


def gamma_variants(numbers: Iterable[int]) -> list[str]:
    """A variant v0, v1, ... for each number, with a gamma that no other one has."""
    return [f"  v{i}: {{schedules: {{gamma: {31 + i}}}}}\n" for i in numbers]
