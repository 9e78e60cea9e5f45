"""A sheet of paper becomes a picture of it: drawn through a warp, lit, stained, blurred, never resampled."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twelvelead.errors import ParamsError
from twelvelead.paper import optics, tint
from twelvelead.paper.camera import Pose, aim
from twelvelead.paper.degrade import KINDS, Degradation
from twelvelead.paper.desk import DESKS, LID, texture
from twelvelead.paper.exposure import Draws, Sun, expose, sun
from twelvelead.paper.grid import COLOURS, PAPERS
from twelvelead.paper.handwriting import PENS, Handwriting, scribble
from twelvelead.paper.kernel import develop
from twelvelead.paper.page import INK, INKS
from twelvelead.paper.plot import least_mm, plot, plot_pen, strip_corners
from twelvelead.paper.relief import Relief, Shape
from twelvelead.paper.scene import Scene
from twelvelead.paper.trace import Mask
from twelvelead.paper.warp import CELL_PX, PERIOD_MM, STEPS, Warp

CUT = 0.3  # of the first or last row or column of leads, by a full crop
MIN_PX = 64  # a picture smaller than this shows nothing
DEFOCUS_MM, MOTION_MM = 0.55, 1.8  # sigma and length of a full blur, on the paper
CONTACT = 0.4  # how dark it is where a sheet touches the desk


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One picture.

    Attributes:
        y: (height, width) uint8.
        cb: ((height + 1) // 2, (width + 1) // 2) uint8.
        cr: As cb.
        mask: (height, width) uint8 coverage by the signals, where the lens had them before it blurred.
        warp: From the paper to this picture.
        degradation: What was done.
        key: What decided the rest.
    """

    y: Mask
    cb: Mask
    cr: Mask
    mask: Mask
    warp: Warp
    degradation: Degradation
    key: tuple[int, ...]

    def rgb(self) -> NDArray[np.uint8]:
        """The picture before JPEG: (height, width, 3) uint8, each chroma sample over its four pixels."""
        height, width = self.y.shape
        bright = self.y.astype(np.int32)
        blue, red = (
            plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width].astype(np.int32) - 128
            for plane in (self.cb, self.cr)
        )
        colours = (
            bright + ((91881 * red + 32768) >> 16),
            bright - ((22554 * blue + 46802 * red + 32768) >> 16),
            bright + ((116130 * blue + 32768) >> 16),
        )
        return np.clip(np.stack(colours, axis=2), 0, 255).astype(np.uint8)


class _Bench(threading.local):
    """Masks and scratch lines of the last size, kept so that a worker does not ask for memory a page."""

    shape = (0, 0)

    def laid(self, height: int, width: int) -> _Bench:
        if self.shape != (height, width):
            self.shape = height, width
            self.printed, self.pen, self.blurred = (
                np.empty((height, width), dtype=np.uint8) for _ in range(3)
            )
            self.rows = np.empty((8, width + 2 * CELL_PX), dtype=np.int32)
        self.printed.fill(0)
        self.pen.fill(0)
        return self

    printed: Mask
    pen: Mask
    blurred: Mask
    rows: NDArray[np.int32]


_BENCH = _Bench()


def photograph(
    scene: Scene,
    degradation: Degradation,
    key: tuple[int, ...],
    *,
    width_px: int = 0,
    height_px: int = 0,
    words: bool = False,
) -> Photo:
    """Take a picture of a sheet.

    Args:
        scene: What is on the sheet.
        degradation: What happens to it.
        key: Whole numbers that tell this picture from all others; each degradation draws from its own
            stream of it, so that changing one strength leaves the others' doing as it was.
        width_px: Of the picture; 0 takes the style's.
        height_px: Likewise.
        words: Lets handwriting say something. Never on evaluated folds.

    Raises:
        ParamsError: The picture would be too small.
    """
    width, height = width_px or scene.style.width_px, height_px or scene.style.height_px
    if min(width, height) < MIN_PX:
        raise ParamsError(
            f"a picture of {width} x {height} px", where="photograph", expected=f"at least {MIN_PX} px a side"
        )
    draws = _streams(key)
    towards = sun(draws)
    warp = _warp(scene, degradation, draws, width, height)
    bench = _BENCH.laid(height, width)
    mask = np.zeros((height, width), dtype=np.uint8)
    plot(scene, warp, mask, bench.printed)
    pen = PENS[0]
    if degradation.handwriting:
        writing = _writing(scene, degradation, draws, words)
        plot_pen(writing, warp, bench.pen)
        pen = writing.rgb
    photo = _expose(scene, degradation, key, draws, towards, warp, mask, bench, pen)
    _develop(photo, degradation, draws, bench)
    return photo


def _streams(key: tuple[int, ...]) -> Draws:
    def draws(name: str) -> np.random.Generator:
        seed = np.random.SeedSequence(key, spawn_key=(KINDS.index(name),))
        return np.random.Generator(np.random.PCG64(seed))

    return draws


def _writing(scene: Scene, degradation: Degradation, draws: Draws, words: bool) -> Handwriting:
    rng = draws("handwriting")
    return scribble(degradation.handwriting, scene.width_mm, scene.height_mm, rng, words)


def _warp(scene: Scene, degradation: Degradation, draws: Draws, width: int, height: int) -> Warp:
    seeds = [int(draws(name).integers(0, 2**31)) for name in ("bend", "crease", "wrinkle")]
    shape = Shape(
        scene.width_mm,
        scene.height_mm,
        degradation.bend,
        degradation.crease,
        degradation.wrinkle,
        (seeds[0], seeds[1], seeds[2]),
    )
    turning, tilting, lying, cropping = (draws(name) for name in ("rotation", "perspective", "desk", "crop"))
    turn = degradation.rotation * (20 / 360) * turning.uniform(0.4, 1.0) * (-1, 1)[turning.integers(0, 2)]
    tilt = degradation.perspective * (30 / 360) * tilting.uniform(0.4, 1.0)
    zoom = 1.0 + 0.35 * degradation.crop * cropping.uniform(0.4, 1.0) if degradation.crop else 1.0
    place = cropping.uniform(size=2) if degradation.crop else lying.uniform(0.2, 0.8, size=2)
    loose = degradation.desk or degradation.crop
    pose = Pose(
        turn=turn,
        tilt=tilt,
        towards=tilting.uniform(),
        margin=0.09 * degradation.desk,
        zoom=zoom,
        cut=CUT * degradation.crop,
        place=(float(place[0]), float(place[1])) if loose else (0.5, 0.5),
    )
    return aim(Relief(shape), pose, width, height, strip_corners(scene), least_mm(scene))


def _expose(
    scene: Scene,
    degradation: Degradation,
    key: tuple[int, ...],
    draws: Draws,
    towards: Sun,
    warp: Warp,
    mask: Mask,
    bench: _Bench,
    pen: tint.Colour,
) -> Photo:
    style = scene.style
    px_mm = warp.px_mm(scene.width_mm / 2, scene.height_mm / 2)
    gain = tint.white_balance(degradation.tint, draws("tint"))
    lying = draws("desk")
    lying.uniform(size=2)  # where the sheet lies
    desk = DESKS[lying.integers(0, len(DESKS))] if degradation.desk else LID
    shift_mm = lying.uniform(1.0, 3.0) if degradation.desk else 0.5
    depth, reach_mm = (CONTACT, lying.uniform(2.5, 7.0)) if degradation.desk else (0.15, 1.5)
    step = STEPS / PERIOD_MM
    half_px = round(step * -0.5 / style.px_mm)  # a clean page has its first line through pixel 0, see grid.py
    edge = (
        round(scene.width_mm * step),
        round(scene.height_mm * step),
        max(round(px_mm / step * (1 << 24)), 1),
        half_px,
        half_px,
        round(-towards[0] * shift_mm * step),
        round(-towards[1] * shift_mm * step),
    )
    height, width = warp.shape
    half = (height + 1) // 2, (width + 1) // 2
    y, cb, cr = (np.empty(shape, dtype=np.uint8) for shape in ((height, width), half, half))
    form = "none" if style.grid == "none" else style.grid_form
    develop(
        y,
        cb,
        cr,
        warp.mesh,
        *expose(warp, degradation, draws, towards).fields(),
        mask,
        bench.printed,
        bench.pen,
        *tint.grid_profiles(px_mm, form),
        tint.sheet_colours(PAPERS[style.grid], COLOURS[style.grid], gain),
        tint.ink_colours((INKS[style.ink], INK, pen), gain),
        np.array(edge, dtype=np.int64),
        texture(desk.texture),
        tint.desk_look(desk, gain, px_mm, lying.uniform()),
        tint.contact(depth, reach_mm),
        bench.rows,
    )
    return Photo(y, cb, cr, mask, warp, degradation, key)


def _develop(photo: Photo, degradation: Degradation, draws: Draws, bench: _Bench) -> None:
    """Lens, copier and sensor, in place."""
    height, _ = photo.y.shape
    px_mm = photo.warp.px_mm(photo.warp.relief.shape.width_mm / 2, photo.warp.relief.shape.height_mm / 2)
    if degradation.halftone:
        rng = draws("halftone")
        cell_px = max(rng.uniform(0.75, 1.1) * px_mm, 3.0)
        optics.screen(photo.y, cell_px, 0.125 + rng.uniform(-0.01, 0.01), degradation.halftone)
    if degradation.blur:
        _defocus(photo, degradation.blur * px_mm, draws("blur"), bench)
    if degradation.noise:
        rng = draws("noise")
        tile = optics.noise_tile()
        for plane, full in ((photo.y, 26), (photo.cb, 11), (photo.cr, 11)):
            offsets = rng.integers(0, tile.shape[0], size=(height // optics.BAND + 1, 2), dtype=np.int32)
            optics.add_noise(plane, tile, offsets, round(full * degradation.noise))


def _defocus(photo: Photo, strength_px: float, rng: np.random.Generator, bench: _Bench) -> None:
    """A lens out of focus, or a hand that moved."""
    moved, much, turns = rng.uniform() < 0.3, rng.uniform(0.5, 1.0), rng.uniform()
    for plane, share in ((photo.y, 1.0), (photo.cb, 0.5), (photo.cr, 0.5)):
        height, width = plane.shape
        other = bench.blurred[:height, :width]
        if moved:
            taps = optics.motion_taps(share * MOTION_MM * strength_px * much, turns)
            optics.spread(plane, taps, bench.rows[0], other)
            plane[:] = other
        else:
            across, down = optics.gaussian_taps(max(share * DEFOCUS_MM * strength_px * much, 0.3))
            optics.spread(plane, across, bench.rows[0], other)
            optics.spread(other, down, bench.rows[0], plane)
