"""What is said of images that were taken otherwise than one may think: how many, and how."""

from dataclasses import asdict, dataclass

from r3gan.data.conversion import AS_STORED, Conversion, colour_text
from r3gan.data.rotation import unturned_message


@dataclass(frozen=True)
class Remarks:
    """So many images, of one or of a whole source."""

    unturned: int = 0  # have a rotation mark that was not followed
    converted: int = 0  # were not RGB of 8 bits
    firsts: int = 0  # are the first of several pictures in their file
    transparent: int = 0  # have transparent parts, which show the background

    def __add__(self, other: "Remarks") -> "Remarks":
        ours, theirs = asdict(self), asdict(other)
        return Remarks(**{key: ours[key] + theirs[key] for key in ours})

    def notes(self, total: int, conversion: Conversion = AS_STORED) -> tuple[str, ...]:
        """A sentence for each kind that occurs among so many images, which were converted so."""
        shown = self.background(conversion)
        sentences = (
            (self.converted, f"{self.converted} of {total} images were converted to RGB of 8 bits"),
            (
                self.transparent,
                f"{self.transparent} of {total} images have transparent parts, which show {shown}",
            ),
            (
                self.firsts,
                f"{self.firsts} of {total} images are the first of several pictures in a file (MPO); "
                "the others were left out",
            ),
            (self.unturned, unturned_message(self.unturned, total)),
        )
        return tuple(sentence for count, sentence in sentences if count)

    def background(self, conversion: Conversion) -> str:
        """The colour that transparent parts show, #rrggbb; empty if no image has any."""
        return colour_text(conversion.background) if self.transparent and conversion.background is not None else ""


NONE = Remarks()
