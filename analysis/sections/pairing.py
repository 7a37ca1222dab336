"""Seeds as pairs."""

from analysis import tables
from analysis.comparison import Comparison
from analysis.markdown import DASH, markdown_table

PAIRING_NOTE = (
    "Variants with the same seed share their random streams. What that buys is measured: the correlation with the "
    "baseline over seeds, and the variance of the paired difference as a multiple of the unpaired one. The paired test "
    "is used where the lower limit of the correlation pays for the degrees of freedom that pairing costs, which does "
    "not look at the difference."
)


def pairing_parts(comparison: Comparison) -> list[str]:
    """What common random numbers bought, and which test was used."""
    metric = comparison.primary
    found = {
        variant: cell.difference
        for variant in comparison.variants
        if metric and (cell := comparison.cells[variant, metric.key]).difference
    }
    if metric is None or not found:
        return []
    rows = [
        [variant, tables.format_number(d.correlation, ".2f") + tables.format_interval(d.correlation_interval, ".2f"),
         tables.format_number(d.variance_ratio, ".2f"), d.method, tables.format_p(d.p),
         tables.format_p(d.permutation_p), d.note or DASH]
        for variant, d in found.items()
        if d is not None
    ]  # fmt: skip
    header = ["Variant", "Correlation", "Paired / unpaired variance", "Test", "p", "p by permutation", "Remark"]
    return [f"#### Seeds as pairs: {metric.label}\n", markdown_table(header, rows), f"{PAIRING_NOTE}\n"]
