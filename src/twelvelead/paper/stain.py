"""What gets spilled on paper: coffee rings, drops, water marks, mould."""

from __future__ import annotations

from typing import Any

import numpy as np

from twelvelead.paper.relief import direction
from twelvelead.paper.shade import Light, Plane, cloud, clouds
from twelvelead.paper.trace import compiled

Spots = list[tuple[float, ...]]

COFFEE = (-26.0, 13.0)  # Cb and Cr of a full stain less those of the paper
WATER = (-9.0, 3.0)
MOULD = (-6.0, -4.0)


def stain(light: Light, strength: float, width_mm: float, height_mm: float, rng: np.random.Generator) -> None:
    """Spoil the sheet: the stronger, the more kinds of stain and the darker."""
    kinds = [_ring, _drops, _water, _mould]
    first = rng.integers(0, len(kinds))
    spots: Spots = []
    for kind in range(1 + round(2 * strength * rng.uniform(0.3, 1.0))):
        spots += kinds[(first + kind) % len(kinds)](strength, width_mm, height_mm, rng)
    _soak(light.light, light.blue, light.red, light.x_mm, light.y_mm, np.array(spots), clouds())


def _ring(strength: float, width: float, height: float, rng: np.random.Generator) -> Spots:
    """A cup's foot: never a whole circle, its rim dark where the coffee dried last."""
    rings: Spots = []
    for _ in range(1 + (rng.uniform() < 0.4 * strength)):
        dark = (0.1 + 0.3 * strength) * rng.uniform(0.6, 1.0)
        gap = direction(rng.uniform())
        radius = rng.uniform(26, 38)
        rings.append(
            (
                rng.uniform(0, width),
                rng.uniform(0, height),
                radius,
                rng.uniform(1.2, 2.4),
                0.12 * dark,
                dark,
                0.03,
                *COFFEE,
                *gap,
                rng.uniform(0.0, 1.0),
            )
        )
    return rings


def _drops(strength: float, width: float, height: float, rng: np.random.Generator) -> Spots:
    """Splashes around one place, the small ones furthest."""
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    drops: Spots = []
    for _ in range(round(3 + 14 * strength)):
        away = _few(rng, 2) * 70
        cos, sin = direction(rng.uniform())
        radius = 0.7 + _few(rng, 3) * 6.0 / (1 + away / 30)
        dark = (0.08 + 0.26 * strength) * rng.uniform(0.5, 1.0)
        drops.append(
            (x + away * cos, y + away * sin, radius, 0.9, 0.55 * dark, dark, 0.12, *COFFEE, 1.0, 0.0, 3.0)
        )
    return drops


def _water(strength: float, width: float, height: float, rng: np.random.Generator) -> Spots:
    """A wet patch from the sheet's edge that dried with a tide line."""
    radius = rng.uniform(25, 60)
    x = rng.uniform(0, width)
    y = (0.0, height)[rng.integers(0, 2)] + rng.uniform(-0.5, 0.5) * radius
    dark = (0.03 + 0.1 * strength) * rng.uniform(0.6, 1.0)
    return [(x, y, radius, 2.2, 0.45 * dark, dark, 0.3, *WATER, 1.0, 0.0, 3.0)]


def _mould(strength: float, width: float, height: float, rng: np.random.Generator) -> Spots:
    """Colonies of specks, dense in the middle."""
    specks: Spots = []
    for _ in range(1 + round(2 * strength)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        for _ in range(round(8 + 26 * strength)):
            away = _few(rng, 2) * 30
            cos, sin = direction(rng.uniform())
            radius = 0.5 + _few(rng, 3) * 1.8
            dark = (0.1 + 0.28 * strength) * rng.uniform(0.4, 1.0)
            specks.append(
                (x + away * cos, y + away * sin, radius, 0.8, dark, 0.0, 0.25, *MOULD, 1.0, 0.0, 3.0)
            )
    return specks


def _few(rng: np.random.Generator, power: int) -> float:
    """A number 0..1 that is rarely large: a power by multiplication, as libraries' powers may round apart."""
    number = rng.uniform()
    return number * number if power == 2 else number * number * number


@compiled
def _soak(light: Plane, blue: Plane, red: Plane, x_mm: Plane, y_mm: Plane, spots: Any, tile: Plane) -> None:
    """Each spot: x, y, radius, half width of the rim, darkness within and on the rim, raggedness, Cb, Cr,
    direction of the gap as cos and sin, and how wide it is (3 is none)."""
    rows, columns = light.shape
    for spot in range(spots.shape[0]):
        radius, rim = spots[spot, 2], spots[spot, 3]
        reach = radius * (1.0 + spots[spot, 6]) + 2.0 * rim + 1.0
        for row in range(rows):
            # Folds bend a row of nodes by millimetres only, so its ends and middle tell whether it is near.
            dy = y_mm[row, columns // 2] - spots[spot, 1]
            tilt = max(
                abs(y_mm[row, 0] - y_mm[row, columns // 2]),
                abs(y_mm[row, columns - 1] - y_mm[row, columns // 2]),
            )
            if abs(dy) > reach + tilt + 10.0:
                continue
            for column in range(columns):
                dx = x_mm[row, column] - spots[spot, 0]
                dy = y_mm[row, column] - spots[spot, 1]
                if abs(dx) > reach or abs(dy) > reach:
                    continue
                distance = np.sqrt(dx * dx + dy * dy)
                scale = max(radius * 0.35, 1.5)
                u, v = x_mm[row, column] / scale, y_mm[row, column] / scale
                ragged = 0.6 * cloud(tile, u, v) + 0.4 * cloud(tile, u + 1.7 * v, v - 1.7 * u)
                past = distance - radius * (1.0 + spots[spot, 6] * ragged)
                inside = min(max(0.5 - past / rim, 0.0), 1.0)
                on_rim = max(1.0 - abs(past) / rim, 0.0)
                open_ = (dx * spots[spot, 9] + dy * spots[spot, 10]) / (distance + 0.1) - spots[spot, 11]
                on_rim *= min(max(1.0 - 3.0 * open_, 0.15), 1.0) * (0.8 + 0.35 * ragged)
                dark = spots[spot, 4] * inside + spots[spot, 5] * on_rim
                light[row, column] *= 1.0 - dark
                blue[row, column] += dark * 2.0 * spots[spot, 7]
                red[row, column] += dark * 2.0 * spots[spot, 8]
