"""When something that happens every so many images is due."""

from r3gan.config import IMG_PER_KIMG


def has_passed(images: int, batch_size: int, every_kimg: float) -> bool:
    """Whether the last batch reached or crossed a multiple of `every_kimg`."""
    every = every_kimg * IMG_PER_KIMG
    return images // every > (images - batch_size) // every
