"""Published numbers beside ours."""

from analysis import tables
from analysis.comparison import Comparison
from analysis.markdown import bullets, markdown_table
from analysis.published import SOURCE, published_for

SAME_PROTOCOL = "Published numbers are the authors' own, of one training with the released settings and length."


def published_parts(comparison: Comparison) -> list[str]:
    """A table of what was measured by the same protocol, and notes on what was not; nothing for other datasets."""
    same, notes = published_for(comparison.dataset, comparison.metrics)
    if not same and not notes:
        return []
    parts = ["#### Published results of R3GAN\n"]
    if same:
        metrics = [metric for metric in comparison.metrics if metric.key in same]
        header = ["", *(metric.heading for metric in metrics)]
        rows = [[f"published ({SOURCE})", *(same[metric.key].value for metric in metrics)]]
        for variant in comparison.variants:
            means = (comparison.cells[variant, metric.key].mean for metric in metrics)
            cells = [tables.format_average(mean, metric.spec) for mean, metric in zip(means, metrics, strict=True)]
            rows.append([f"{variant}, here", *cells])
        parts.append(markdown_table(header, rows))
        protocols = dict.fromkeys(row.protocol for row in same.values())
        notes = [f"{SAME_PROTOCOL} Protocol: {'; '.join(protocols)}. {tables.protocol_note(comparison)}", *notes]
    return [*parts, bullets(notes)]
