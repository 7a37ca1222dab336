"""A model card: markdown with a YAML header by the conventions of Hugging Face, written by their library."""

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from r3gan.config import IMG_PER_KIMG, TrainConfig
from r3gan.export.records import Data, Measured
from r3gan.generation.images import GRID_SIDE, SCATTERED
from r3gan.generation.load import LoadedGenerator
from r3gan.identity import changes
from r3gan.snapshot import WeightsName
from r3gan.tables.references import REFERENCES

PAPER = "https://arxiv.org/abs/2501.05441"


@dataclass(frozen=True, kw_only=True)
class Model:
    """What a card is about."""

    name: str
    place: str  # of the weights, as seen from the card
    weights: WeightsName  # which of those at that place
    samples: str  # of the picture, likewise
    generator: LoadedGenerator
    facts: dict[str, Any]
    config: TrainConfig | None
    data: Data
    measured: list[Measured]


def card_text(model: Model) -> str:
    """The whole card."""
    hub = import_module("huggingface_hub")
    results = [
        hub.EvalResult(
            task_type="unconditional-image-generation",
            dataset_type=model.data.name,
            dataset_name=model.data.name,
            metric_type=one.key,
            metric_name=one.number.label,
            metric_value=one.value,
        )
        for one in model.measured
        if one.number.better is not None
    ]
    header = hub.ModelCardData(
        model_name=model.name,
        license="unknown",
        library_name="r3gan",
        pipeline_tag="unconditional-image-generation",
        tags=["r3gan", "gan", *(["class-conditional"] if model.generator.classes else [])],
        eval_results=results or None,
    )
    parts = [introduction(model), use(model), data(model), settings(model), metrics(model)]
    return str(hub.ModelCard(f"---\n{header.to_yaml()}\n---\n\n" + "\n\n".join(parts) + "\n"))


def introduction(model: Model) -> str:
    """What it is, and a picture."""
    generator = model.generator
    kind = f"class-conditional ({generator.classes} classes)" if generator.classes else "unconditional"
    size = f"{generator.resolution}x{generator.resolution}"
    what = "points of the plane" if generator.network.makes_points else f"{size} images"
    seeds = SCATTERED if generator.network.makes_points else GRID_SIDE**2
    shown = f"{generator.images_shown / IMG_PER_KIMG:g} thousand real images"
    return (
        f"# {model.name}\n\nA {kind} generator of {what}, [R3GAN]({PAPER}), after {shown} were shown to the "
        f"discriminator.\n\n![Samples of seeds 0 to {seeds - 1}]({model.samples})\n\n"
        "Licence of the weights: unknown: fill in."
    )


def use(model: Model) -> str:
    """How to load it, in five lines."""
    labels = ", torch.arange(16) % generator.classes" if model.generator.classes else ""
    which = "" if model.weights == "ema" else f", weights={model.weights!r}"
    size = model.generator.resolution
    code = [
        "import torch",
        "from r3gan import load_generator",
        f"generator = load_generator({model.place!r}{which})",
        "z = torch.randn(16, generator.latent_dim)",
        f"images = generator(z{labels})  # [16, {model.generator.channels}, {size}, {size}] in -1..1",
    ]
    return "## Use\n\n```python\n" + "\n".join(code) + "\n```"


def data(model: Model) -> str:
    """What it was trained on."""
    found, classes = model.data, model.generator.classes
    names = f" ({', '.join(found.classes)}{' ...' if len(found.classes) < classes else ''})" if found.classes else ""
    return (
        f"## Training data\n\n- dataset: {found.name}\n- content hash: {found.content_hash}\n"
        f"- classes: {classes or 'not used'}{names}\n- licence of the data: {found.licence}"
    )


def settings(model: Model) -> str:
    """The configuration, as far as it differs from the defaults; of an imported model, its shape."""
    told = changes(model.config) if model.config else model.facts["network"]
    what = "The configuration, where it differs from the declared defaults:" if model.config else "The network's shape:"
    return f"## Settings\n\n{what}\n\n```json\n{json.dumps(told, indent=2)}\n```"


def metrics(model: Model) -> str:
    """The numbers with their protocol."""
    if not model.measured or model.config is None:
        return "## Metrics\n\nNone was recorded beside these weights; `python -m r3gan evaluate` measures them."
    evaluation = model.config.evaluation
    rows = [
        f"| {one.key} | {one.number.label} | {one.value:.6g} | {one.number.better or '–'} | "
        f"{one.metric.features_text} | {REFERENCES[one.metric.reference].text} |"
        for one in model.measured
    ]
    drawn = "each class equally often" if evaluation.labels == "balanced" else "classes as often as in the dataset"
    kinds = f", {drawn}" if model.generator.classes else ""
    return "\n".join(
        [
            "## Metrics",
            "",
            f"Of {evaluation.samples:,} samples{kinds}, from the fixed latents of "
            f"seed {model.config.seed}, rounded to 8 bits; one training, so that other seeds give other numbers.",
            "",
            "| recorded as | metric | value | better | features | compared with |",
            "|---|---|---|---|---|---|",
            *rows,
        ]
    )


def samples_path(card: Path) -> Path:
    """Where the picture of a card lies: card.md has card.samples.png."""
    return card.with_suffix(".samples.png")
