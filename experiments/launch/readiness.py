"""What the jobs of a plan need and this machine does not have yet: datasets, weights of feature networks. No torch."""

from collections.abc import Iterator, Sequence

from experiments.study.plan import Job, one_of_each
from r3gan.data.catalog import DatasetUnavailable, data_root, dataset_row, state_of
from r3gan.evaluation.protocol import extractors_of, wanted
from r3gan.evaluation.weights import find_weights
from r3gan.tables.extractors import EXTRACTORS


def not_here_yet(jobs: Sequence[Job]) -> Iterator[str]:
    """One sentence for each thing missing: which file to put where. A run first tries to download what is public."""
    kinds = one_of_each(list(jobs))
    for name in dict.fromkeys(job.dataset for job in kinds):
        if state_of(name).is_missing:
            yield dataset_row(name).storage.missing_message(name, data_root())
    for extractor in extractors_of(name for job in kinds for name in wanted(job.config.evaluation)):
        if EXTRACTORS[extractor].weights is not None:
            yield from missing_weights(extractor)


def missing_weights(extractor: str) -> Iterator[str]:
    """Which file to put where, if the weights are not found."""
    try:
        find_weights(extractor, data_root())
    except DatasetUnavailable as error:
        yield str(error)
