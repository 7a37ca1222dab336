"""Feature networks: where their published weights come from. The digit classifier is trained here instead."""

from dataclasses import dataclass

from r3gan.deferred import Deferred
from r3gan.tables.metrics import DIGITS, DINO, INCEPTION, PLANE, VGG


@dataclass(frozen=True)
class WeightsFile:
    """One published file."""

    url: str
    by_path: bool  # whether torch-fidelity takes the file's path; else it must lie where torch.hub keeps downloads
    repository: str = ""  # code that torch.hub fetches beside it

    @property
    def name(self) -> str:
        """The file's name; behind the last dash, if there are eight, stand the first digits of its SHA-256."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class ExtractorRow:
    """One feature network. Exactly one of the first three says where it comes from."""

    weights: WeightsFile | None = None
    of_data: Deferred | None = None  # (layers, dataset) -> the network, which has no weights but what the dataset says
    made_for: Deferred | None = None  # dataset -> the file, made of the dataset; raises DatasetUnavailable if it cannot
    network: Deferred | None = None  # (layers, file of weights) -> the network; None: torch-fidelity knows its name


EXTRACTORS = {
    INCEPTION: ExtractorRow(
        WeightsFile(
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
            by_path=True,
        )
    ),
    VGG: ExtractorRow(WeightsFile("https://download.pytorch.org/models/vgg16-397923af.pth", by_path=True)),
    DINO: ExtractorRow(
        WeightsFile(
            "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
            by_path=False,
            repository="facebookresearch_dinov2_main",
        )
    ),
    DIGITS: ExtractorRow(
        made_for=Deferred("r3gan.evaluation.classifier:classifier_for"),
        network=Deferred("r3gan.evaluation.digit_features:StackedDigitsFeatures"),
    ),
    PLANE: ExtractorRow(of_data=Deferred("r3gan.evaluation.point_modes:NearMode")),
}
