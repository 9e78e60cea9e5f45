"""What can happen to a page between the printer and the picture of it, each with a strength."""

from __future__ import annotations

from dataclasses import dataclass, fields

from twelvelead.errors import ParamsError


@dataclass(frozen=True, slots=True)
class Degradation:
    """Strengths from 0, nothing, to 1, the most that is still a page. What they do at 1:

    Attributes:
        rotation: The sheet lies up to 20 degrees askew.
        perspective: The camera is tilted by up to 30 degrees.
        bend: The sheet rolls, waves and lifts its corners by up to 16 mm.
        crease: It has been folded and smoothed out: sharp lines, slopes of .24 beside them.
        wrinkle: It has been crumpled in a hand.
        shadow: A hand, a phone or a window frame takes up to 60 % of the light.
        light: A lamp at one side, a vignette, under-exposure.
        tint: The colour temperature is wrong, down to about 2500 K or up to 15000 K.
        blur: Out of focus by .55 mm on the paper, or moved by 1.8 mm.
        noise: Grain of the sensor, sigma 10 of 255 levels.
        jpeg: Quality 20 instead of 94.
        moire: Coloured bands.
        halftone: A copier's dots.
        stain: Coffee, water, mould.
        handwriting: Up to six pieces.
        desk: Up to 9 % of the picture around the sheet shows what it lies on; any strength shows a desk
            rather than a scanner's lid.
        fading: Thermal paper has lost up to 90 % of its ink.
        crop: Zoomed in until, at most, .3 of the first or last row or column of a strip is out of sight.
    """

    rotation: float = 0.0
    perspective: float = 0.0
    bend: float = 0.0
    crease: float = 0.0
    wrinkle: float = 0.0
    shadow: float = 0.0
    light: float = 0.0
    tint: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    jpeg: float = 0.0
    moire: float = 0.0
    halftone: float = 0.0
    stain: float = 0.0
    handwriting: float = 0.0
    desk: float = 0.0
    fading: float = 0.0
    crop: float = 0.0

    def __post_init__(self) -> None:
        for name in KINDS:
            if not 0.0 <= (strength := getattr(self, name)) <= 1.0:
                raise ParamsError(
                    f"the strength is {strength}",
                    where=f"degradation.{name}",
                    expected="a number from 0 to 1",
                )

    @property
    def quality(self) -> int:
        """Of the JPEG, 94 to 20."""
        return round(94 - 74 * self.jpeg)

    def strengths(self) -> dict[str, float]:
        """Those that are not 0, by name."""
        return {name: strength for name in KINDS if (strength := getattr(self, name))}


KINDS: tuple[str, ...] = tuple(field.name for field in fields(Degradation))
"""The names of all degradations; a name's place is also its random stream, so new ones come last."""
