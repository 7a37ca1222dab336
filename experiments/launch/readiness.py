"""What the jobs of a plan need and this machine does not have yet: files of datasets, weights of feature networks."""

from experiments.study.plan import Job
from r3gan.data.catalog import DatasetUnavailable, data_root, missing
from r3gan.data.load import state_of_or_bad
from r3gan.evaluation.metrics import DIGITS, METRICS, wanted
from r3gan.evaluation.weights import find_weights


def not_here_yet(jobs: list[Job]) -> list[str]:
    """One sentence for each thing missing: which file to put where. A run first tries to download what is public."""
    datasets = dict.fromkeys(job.dataset for job in jobs)
    extractors = dict.fromkeys(METRICS[name].extractor for job in jobs for name in wanted(job.config.evaluation))
    found = [dataset_missing(name) for name in datasets]
    found += [weights_missing(name) for name in extractors if name != DIGITS]
    return [sentence for sentence in found if sentence]


def dataset_missing(name: str) -> str | None:
    """Which files to put where, if neither a prepared dataset nor its files are found."""
    return missing(name, data_root()) if state_of_or_bad(name, data_root()) == "missing" else None


def weights_missing(extractor: str) -> str | None:
    """Which file to put where, if the weights are not found."""
    try:
        find_weights(extractor, data_root())
    except DatasetUnavailable as error:
        return str(error)
    return None
