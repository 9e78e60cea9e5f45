"""Ready mixtures of degradations, from a clean print to a page that was mistreated.

`ecginstruct` imitates the pictures that PULSE was trained on; it is not their recipe, which was never
published (github.com/AIMedLab/PULSE/issues/9). What their paper says (Liu et al. 2024, arXiv 2410.19008,
appendix C): pictures by ecg-image-kit; wrinkles and creases, random rotation, other resolutions, yellowed
backgrounds, noise; the grid left out with probability .02; augmented and clean pictures about one to one.
What the kit's code does (alphanumericslab/ecg-image-kit 27b90f5): rotation by a few degrees, Gaussian noise,
a crop, and a colour temperature of 2000 to 4000 K or 10000 to 20000 K, never in between. The strengths
below are ours, set so that pages look like the kit's at its defaults. The missing grid is a matter of the
page's style: draw it with probability `ECGINSTRUCT_NO_GRID`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from twelvelead.errors import ParamsError
from twelvelead.paper.degrade import KINDS, Degradation

ECGINSTRUCT_NO_GRID = 0.02


@dataclass(frozen=True, slots=True)
class Chance:
    """How often a degradation happens, and between which strengths it then lies."""

    often: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Preset:
    """A mixture: each degradation's chance, and how many pages stay clean altogether."""

    chances: Mapping[str, Chance]
    clean: float = 0.0


def _preset(clean: float = 0.0, **chances: tuple[float, float, float]) -> Preset:
    return Preset(MappingProxyType({name: Chance(*chance) for name, chance in chances.items()}), clean)


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "clean": _preset(clean=1.0),
        "scan": _preset(
            rotation=(0.8, 0.01, 0.08),
            bend=(0.2, 0.02, 0.08),
            crease=(0.35, 0.05, 0.3),
            light=(0.7, 0.02, 0.15),
            tint=(0.4, 0.02, 0.15),
            blur=(0.6, 0.05, 0.3),
            noise=(0.9, 0.05, 0.25),
            jpeg=(1.0, 0.05, 0.45),
            moire=(0.06, 0.05, 0.3),
            halftone=(0.12, 0.1, 0.45),
            stain=(0.1, 0.1, 0.4),
            handwriting=(0.25, 0.1, 0.5),
            fading=(0.15, 0.1, 0.5),
            crop=(0.15, 0.05, 0.3),
        ),
        "photo": _preset(
            rotation=(0.9, 0.02, 0.3),
            perspective=(0.9, 0.05, 0.45),
            bend=(0.8, 0.05, 0.5),
            crease=(0.5, 0.1, 0.6),
            wrinkle=(0.35, 0.05, 0.45),
            shadow=(0.5, 0.15, 0.65),
            light=(1.0, 0.2, 0.7),
            tint=(0.8, 0.05, 0.32),
            blur=(0.6, 0.08, 0.32),
            noise=(1.0, 0.08, 0.4),
            jpeg=(1.0, 0.1, 0.55),
            moire=(0.05, 0.1, 0.4),
            stain=(0.1, 0.1, 0.5),
            handwriting=(0.25, 0.1, 0.6),
            desk=(0.85, 0.05, 0.7),
            fading=(0.1, 0.1, 0.5),
            crop=(0.35, 0.1, 0.5),
        ),
        "harsh": _preset(
            rotation=(0.95, 0.1, 0.75),
            perspective=(0.95, 0.2, 0.9),
            bend=(0.9, 0.2, 1.0),
            crease=(0.7, 0.3, 1.0),
            wrinkle=(0.7, 0.25, 1.0),
            shadow=(0.75, 0.3, 1.0),
            light=(1.0, 0.4, 1.0),
            tint=(0.9, 0.15, 0.9),
            blur=(0.8, 0.15, 0.7),
            noise=(1.0, 0.25, 0.9),
            jpeg=(1.0, 0.3, 0.95),
            moire=(0.2, 0.2, 0.8),
            halftone=(0.15, 0.2, 0.7),
            stain=(0.4, 0.2, 1.0),
            handwriting=(0.5, 0.2, 1.0),
            desk=(0.85, 0.1, 1.0),
            fading=(0.3, 0.2, 0.8),
            crop=(0.5, 0.2, 1.0),
        ),
        "ecginstruct": _preset(
            clean=0.5,
            rotation=(0.6, 0.02, 0.4),
            crease=(0.35, 0.15, 0.5),
            wrinkle=(0.35, 0.15, 0.6),
            tint=(0.5, 0.35, 1.0),
            noise=(0.6, 0.1, 0.6),
            jpeg=(1.0, 0.0, 0.1),
            crop=(0.3, 0.05, 0.3),
        ),
    }
)


def draw_degradation(preset: str, rng: np.random.Generator) -> Degradation:
    """One page's degradation; the same number of draws whatever happens, so streams never shift.

    Raises:
        ParamsError: There is no such preset.
    """
    if preset not in PRESETS:
        raise ParamsError(
            f"there is no preset {preset!r}", where="synthesize.degradation", expected=", ".join(PRESETS)
        )
    mixture = PRESETS[preset]
    stays_clean = rng.random() < mixture.clean
    drawn = {}
    for name in KINDS:
        happens, strength = rng.random(2)
        chance = mixture.chances.get(name)
        if chance and happens < chance.often:
            drawn[name] = round(chance.least + float(strength) * (chance.most - chance.least), 4)
    return Degradation() if stays_clean else replace(Degradation(), **drawn)
