"""The light of one picture, put together from its degradations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twelvelead.paper.degrade import Degradation
from twelvelead.paper.kernel import NODE_PX
from twelvelead.paper.relief import direction
from twelvelead.paper.shade import Light, bleach, clouds, relieve, ripple, shadow, shine, wave
from twelvelead.paper.stain import stain
from twelvelead.paper.warp import Warp

Draws = Callable[[str], np.random.Generator]
Sun = tuple[float, float]


def sun(draws: Draws) -> Sun:
    """Where the main light comes from: its direction times the cotangent of its height."""
    rng = draws("light")
    cos, sin = direction(rng.uniform())
    low = rng.uniform(0.8, 1.5)
    return cos * low, sin * low


def expose(warp: Warp, degradation: Degradation, draws: Draws, towards: Sun) -> Light:
    """Light, shadows, stains and fading at every node of a picture."""
    light = Light.even(warp)
    shape = warp.relief.shape
    planes = light.room, light.blue, light.red
    if degradation.light:
        _shine(light, degradation.light, draws, towards)
    if not shape.flat:
        across, down = warp.relief.slopes()
        size = np.array([shape.width_mm, shape.height_mm])
        relieve(light.light, light.x_mm, light.y_mm, across, down, np.array(towards), size)
    if degradation.stain:
        stain(light, degradation.stain, shape.width_mm, shape.height_mm, draws("stain"))
    if degradation.fading:
        rng = draws("fading")
        shift = rng.uniform(0, 64, size=2)
        part = degradation.fading * rng.uniform(0.8, 1.0)
        bleach(light.light, light.fade, light.x_mm, light.y_mm, part, shift, clouds())
    if degradation.shadow:
        rng = draws("shadow")
        boxes, limbs, soft = _caster(warp, rng)
        depth = degradation.shadow * rng.uniform(0.35, 0.6)
        shadow(light.room, light.blue, boxes, limbs, depth, soft, 9.0 * depth * rng.uniform(0.0, 1.0))
    if degradation.moire:
        ripple(*planes, _waves(draws("moire")), degradation.moire, wave())
    return light


def _shine(light: Light, strength: float, draws: Draws, towards: Sun) -> None:
    rng = draws("light")
    rng.uniform(size=2)  # the sun's own
    lamp = np.array(
        [
            0.5 - 0.45 * towards[0] + rng.uniform(-0.15, 0.15),
            0.5 - 0.45 * towards[1] + rng.uniform(-0.15, 0.15),
            0.28 * strength * rng.uniform(0.3, 1.0),
            1.03 - 0.22 * strength * rng.uniform(0.2, 1.0),
        ]
    )
    lens = 0.26 * strength * rng.uniform(0.2, 1.0)
    warm = 9.0 * strength * rng.uniform(-0.5, 1.0)
    shine(light.room, light.blue, light.red, lamp, lens, 0.010 * min(3 * strength, 1.0), warm, clouds())


def _caster(warp: Warp, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Boxes, limbs and softness, in nodes, of whatever stands in the light."""
    wide, high = warp.width_px / NODE_PX, warp.height_px / NODE_PX
    none = np.empty((0, 6)), np.empty((0, 5))
    kind = rng.integers(0, 6)
    soft = high * rng.uniform(0.03, 0.12)
    if kind <= 2:  # the edge of something large: a head, a shelf, a window's frame
        cos, sin = direction(rng.uniform())
        away = high * rng.uniform(-0.15, 0.45)
        far = 4 * wide
        x, y = wide / 2 + cos * (away + far), high / 2 + sin * (away + far)
        return np.array([(x, y, cos, sin, far, far)]), none[1], high * rng.uniform(0.02, 0.25)
    if kind == 3:  # the phone that takes the picture, held from below
        cos, sin = direction(0.25 + rng.uniform(-0.07, 0.07))
        long, broad = high * rng.uniform(0.3, 0.5), high * rng.uniform(0.16, 0.24)
        x = wide * rng.uniform(0.2, 0.8)
        phone = (x, high * rng.uniform(0.75, 1.05), cos, sin, long, broad)
        arm = (x + broad, high * 1.2, x + high * rng.uniform(0.2, 0.6), high * 2.0, high * 0.14)
        return np.array([phone]), np.array([arm]), soft
    if kind == 4:  # a hand
        x, y = wide * rng.uniform(0.1, 0.9), high * rng.uniform(0.8, 1.1)
        palm = high * 0.13
        limbs = [(x, y, x + high * rng.uniform(-0.5, 0.5), y + high, palm * 0.8), (x, y, x, y - palm, palm)]
        lean = rng.uniform(-0.1, 0.1)
        for finger in range(4):
            cos, sin = direction(-0.25 + (finger - 1.5) * 0.012 + lean)
            root = x + (finger - 1.5) * palm * 0.55
            long = high * (0.36, 0.44, 0.42, 0.33)[finger]
            limbs.append((root, y - palm, root + cos * long, y - palm + sin * long, high * 0.042))
        return none[0], np.array(limbs), soft
    cos, sin = direction(rng.uniform())  # bars of a window
    gap, half = high * rng.uniform(0.5, 1.0), high * rng.uniform(0.06, 0.2)
    bars = [
        (wide / 2 - sin * gap * place, high / 2 + cos * gap * place, cos, sin, 4 * wide, half)
        for place in (-1.5, -0.5, 0.5, 1.5)
    ]
    return np.array(bars), none[1], soft


def _waves(rng: np.random.Generator) -> NDArray[np.float64]:
    """Two systems of bands, 16 to 80 px apart, bending slowly."""
    waves = []
    for _ in range(2):
        cos, sin = direction(rng.uniform())
        turns = rng.uniform(0.05, 0.25)
        waves.append((cos * turns, sin * turns, rng.uniform(-3e-4, 3e-4), rng.uniform(-5e-4, 5e-4)))
    return np.array(waves)
