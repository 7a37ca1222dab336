"""The filter pairs between which augmented images are warped: to twice the resolution, and back."""

from typing import NamedTuple

# CDF 9/7 (Cohen, Daubechies, Feauveau 1992), whole; values: ITU-T T.800 (JPEG 2000), Annex F. The sum of the synthesis
# filter is 2, of the analysis filter 1; sum_k analysis[k] synthesis[k - 2n] is 1 for n = 0, else 0.
SYNTHESIS: tuple[float, ...] = (-0.09127176311424948, -0.05754352622849957, 0.5912717631142470, 1.115087052456994)
SYNTHESIS += SYNTHESIS[-2::-1]
ANALYSIS: tuple[float, ...] = (0.02674875741080976, -0.01686411844287495, -0.07822326652898785, 0.2668641184428723)
ANALYSIS += (0.6029490182363579, *ANALYSIS[::-1])

# The scaling filter of Daubechies' least asymmetric orthonormal wavelet with six vanishing moments (Ten Lectures on
# Wavelets, 1992): the sum is the root of 2, sum_k sym6[k] sym6[k - 2n] is 1 for n = 0, else 0.
SYM6: tuple[float, ...] = (0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633)
SYM6 += (0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252)
SYM6 += (-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148)


class FilterRow(NamedTuple):
    """A pair of filters, the first of which is used at twice the resolution that the images have.

    synthesis: taps of sum 2, the tap `len // 2` at the pixel itself; analysis: taps of sum 1, correlated with the
    result; symmetric: whole-sample symmetric both, so that reflected images stay reflected at any resolution.
    """

    synthesis: tuple[float, ...]
    analysis: tuple[float, ...]
    symmetric: bool
    text: str


AUGMENTATION_FILTERS = {
    "cdf-9-7": FilterRow(
        synthesis=SYNTHESIS,
        analysis=ANALYSIS,
        symmetric=True,
        text="a biorthogonal pair of 7 and 9 taps: flips, quarter turns and whole shifts are exact, images go on by "
        "reflection without end",
    ),
    "sym6": FilterRow(
        synthesis=tuple(2**0.5 * tap for tap in SYM6),
        analysis=tuple(tap / 2**0.5 for tap in SYM6),
        symmetric=False,
        text="an orthonormal wavelet of 12 taps both ways, not symmetric, so that flips and quarter turns are not "
        "exact; images are reflected once, with zeros beyond; as released",
    ),
}
