"""How a schedule goes from `start` to `end` once its warm-up is over. A cosine is as released."""

from dataclasses import dataclass

from r3gan.deferred import Deferred


@dataclass(frozen=True, kw_only=True)
class ScheduleShapeRow:
    """The values after the warm-up."""

    text: str
    value: Deferred  # (schedule, images) -> value, from `warmup_img` images on
    holds: bool = False  # whether `start` is kept until `decay_img`, below which the value falls from there on


SCHEDULE_SHAPES = {
    "cosine": ScheduleShapeRow(
        value=Deferred("r3gan.training.schedules:half_cosine"),
        text="half a cosine from start to end, which is reached after decay_img images; as released",
    ),
    "inverse-sqrt": ScheduleShapeRow(
        value=Deferred("r3gan.training.schedules:inverse_square_root"),
        holds=True,
        text="start until decay_img images, then start / sqrt(images / decay_img), but never below end; of the "
        "learning rate, with an end of 0, the rule of EDM2 (arXiv 2312.02696), which its release begins with a warm-up",
    ),
}
