"""Which variants of a study form a full factorial design, by what they include."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

Levels = frozenset[str]  # the factors that are switched on in a cell; the baseline is the empty set


@dataclass(frozen=True)
class Factorial:
    """A full two-level design: one variant for each of the 2^k subsets of k factors, k >= 2."""

    factors: tuple[str, ...]  # in the order of the studied variants
    cells: Mapping[Levels, str]  # 2^k variants, smaller subsets first
    left_out: tuple[str, ...]  # studied variants that have no place in the design

    def terms(self) -> list[tuple[str, ...]]:
        """Main effects first, then interactions by their order: (a,), (b,), (a, b)."""
        return [term for order in range(1, len(self.factors) + 1) for term in combinations(self.factors, order)]


def find_factorial(
    includes: Mapping[str, Sequence[str]], variants: Sequence[str], own_keys: Collection[str], baseline: str
) -> Factorial | None:
    """The largest full factorial among the studied variants, or None if there is none of two factors or more.

    includes: for each variant of the study file the variants it includes. variants: the studied ones. own_keys: the
    variants that set keys of their own beside `include`. A factor is a variant that sets keys and includes none; a
    combination includes two factors or more, directly or through other combinations, and sets nothing. Of designs with
    equally many factors the one whose combination of all stands first in `variants` is taken; of two variants with
    the same factors, the first.
    """
    placed: dict[Levels, str] = {}
    for variant in variants:
        levels: Levels | None = frozenset() if variant == baseline else _levels(includes, variant, own_keys, baseline)
        if levels is not None:
            placed.setdefault(levels, variant)
    for top in sorted((levels for levels in placed if len(levels) >= 2), key=len, reverse=True):
        factors = tuple(variant for variant in variants if variant in top)
        subsets = [frozenset(some) for order in range(len(top) + 1) for some in combinations(factors, order)]
        if len(factors) == len(top) and all(subset in placed for subset in subsets):
            cells = {subset: placed[subset] for subset in subsets}
            return Factorial(factors, cells, tuple(v for v in variants if v not in cells.values()))
    return None


def _levels(
    includes: Mapping[str, Sequence[str]], variant: str, own_keys: Collection[str], baseline: str
) -> Levels | None:
    """The factors of a variant; None if it is neither a factor nor a pure combination of at least two, and for one that
    the study file does not know: it has been taken out of it since, or renamed."""
    if variant not in includes:
        return None
    included = [name for name in includes[variant] if name != baseline]
    if not included:
        return frozenset({variant}) if variant in own_keys else None
    if variant in own_keys:
        return None
    parts = [_levels(includes, name, own_keys, baseline) for name in included]
    known = [part for part in parts if part is not None]
    levels: Levels = frozenset().union(*known)
    return levels if len(known) == len(parts) and len(levels) >= 2 else None
