"""Which page a record gets: style, words and degradation drawn for (seed, record, variant), and the picture.

A page is a function of these three and nothing else, so it can be made alone, in any order, on any worker.
On the folds that choose and report there is one page a record, of the look that params name, with nothing
printed but lead names and the scale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.errors import ParamsError
from twelvelead.paper.compose import bare, compose
from twelvelead.paper.degrade import Degradation
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import PageStyle, blank, boxes_of, render
from twelvelead.paper.photo import photograph
from twelvelead.paper.presets import ECGINSTRUCT_NO_GRID, draw_degradation
from twelvelead.paper.scene import Scene
from twelvelead.paper.sidecar import write_sidecar
from twelvelead.paper.truth import places
from twelvelead.paper.warp import Warp
from twelvelead.paper.words import EVALUATED_FOLDS, Words, allowed, measurement_lines
from twelvelead.params import Synthesize

CLEAN = "clean"
ROOMY_MM = 15.0  # a millivolt and a half a row: no clinic prints tighter
STYLE_KEY, DEGRADATION_KEY, PHOTO_KEY = 1, 2, 3

# What is met in clinics, by eye, on the 52 real pictures that specs/paper.md §7 describes and our own photos:
# shares are judgements, not counts.
VARIED: dict[str, tuple[tuple[Any, float], ...]] = {
    "layout": (("3x4+1r", 0.42), ("3x4+3r", 0.12), ("12x1", 0.16), ("6x2", 0.08), ("6x2+1r", 0.07),
               ("3x4", 0.10), ("median", 0.05)),
    "speed_mm_s": ((25.0, 0.93), (50.0, 0.04), (12.5, 0.03)),
    "gain_mm_mv": ((10.0, 0.90), (5.0, 0.05), (20.0, 0.05)),
    "chest_gain_mm_mv": ((0.0, 0.96), (5.0, 0.04)),
    "grid": (("red", 0.52), ("pink", 0.16), ("grey", 0.10), ("blue", 0.06), ("beige", 0.10), ("none", 0.06)),
    "grid_form": (("lines", 0.74), ("faint", 0.12), ("dotted", 0.08), ("coarse", 0.06)),
    "ink": (("black", 0.84), ("blue", 0.10), ("violet", 0.02), ("brown", 0.04)),
    "font": (("strokes", 0.36), ("sans", 0.38), ("serif", 0.10), ("mono", 0.16)),
    "pulse": (("left", 0.60), ("right", 0.18), ("both", 0.12), ("none", 0.10)),
    "separators": (("tick", 0.46), ("line", 0.10), ("dashed", 0.16), ("double", 0.10), ("none", 0.18)),
    "order": (("standard", 0.94), ("cabrera", 0.06)),
    "timing": (("sequential", 0.80), ("simultaneous", 0.20)),
}  # fmt: skip
SURNAMES = (
    "Adler",
    "Berger",
    "Costa",
    "Dubois",
    "Eriksen",
    "Farkas",
    "Gruber",
    "Hansen",
    "Ivanova",
    "Jensen",
)


@dataclass(frozen=True, slots=True)
class Look:
    """How one page is made.

    Attributes:
        style: The sheet.
        words: What is printed above the leads.
        degradation: What happens to it; None leaves a clean print.
        preset: Name of the mixture that `degradation` was drawn from.
        key: Tells the picture from all others.
    """

    style: PageStyle
    words: Words
    degradation: Degradation | None
    preset: str
    key: tuple[int, ...]

    def state(self) -> str:
        """Everything but the words, as canonical JSON: enough to draw the page without its record."""
        happened = self.degradation.strengths() if self.degradation else None
        tree = {
            "style": asdict(self.style), "preset": self.preset, "degradation": happened, "key": self.key,
        }  # fmt: skip
        return json.dumps(tree, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as a file.

    Attributes:
        data: PNG of a clean page, JPEG of any other.
        suffix: ".png" or ".jpg".
        boxes: name, x0, y0, x1, y1 of each strip in pixels, in reading order.
        truth: Its sidecar; empty unless asked for.
    """

    data: bytes
    suffix: str
    boxes: tuple[tuple[str, int, int, int, int], ...]
    truth: bytes


def draw_look(
    params: Synthesize, record_id: str, variant: int, fold: int, facts: Mapping[str, Any] | None = None
) -> Look:
    """The look of one page.

    Args:
        params: The synthesize section.
        record_id: Whose page.
        variant: Which of the record's pages.
        fold: Its fold; 9 and 10 get the fixed look and no words.
        facts: Measured values that `words` may print.

    Raises:
        LeakageError: Words would be printed on an evaluated fold.
    """
    key = (params.seed, _number(record_id), variant)
    style = PageStyle.from_params(params)
    preset: str
    if fold in EVALUATED_FOLDS:
        preset, words = params.evaluate_degradation, Words()
    else:
        preset = params.degradation
        rng = _stream(key, STYLE_KEY)
        if params.look == "varied":
            style = vary(style, rng)
        words = _words(facts or {}, rng) if params.words else Words()
        if preset == "ecginstruct" and _stream(key, DEGRADATION_KEY, 1).random() < ECGINSTRUCT_NO_GRID:
            style = style.but(grid="none")
    allowed(words, fold, where=f"record {record_id}")
    degradation = None
    if preset != CLEAN:
        drawn = draw_degradation(preset, _stream(key, DEGRADATION_KEY))
        degradation = drawn if any(drawn.strengths().values()) else None
    return Look(style, words, degradation, preset, key)


def vary(style: PageStyle, rng: np.random.Generator) -> PageStyle:
    """Another page of the same size; what does not fit on it keeps the layout and scale asked for.

    Every choice is drawn whether it is used or not, so that one more choice never shifts the others.
    """
    drawn = {name: _pick(choices, rng) for name, choices in VARIED.items()}
    look = {name: drawn[name] for name in drawn if name not in ("layout", "speed_mm_s")}
    for scale in (("layout", "speed_mm_s"), ("layout",), ()):
        try:
            other = style.but(rhythm=(), **look, **{name: drawn[name] for name in scale})
        except ParamsError:
            continue
        if other.row_mm >= ROOMY_MM or other.layout == style.layout:
            return other
    return style


def picture(
    signal_mv: NDArray[np.floating[Any]],
    fs_hz: float,
    look: Look,
    fold: int,
    *,
    sidecar: bool = False,
    names: bool = True,
) -> Picture:
    """Draw, photograph and encode one page; without `names` no letter is on it.

    Raises:
        RecordError: The signal cannot be drawn.
        LeakageError: The look would print words on an evaluated fold.
    """
    words, style = allowed(look.words, fold), look.style
    warp: Warp | None = None
    if look.degradation is None:
        page = render(signal_mv, fs_hz, style, names, words)
        data, suffix = png_bytes(page), ".png"
        boxes = tuple((box.name, box.x0, box.y0, box.x1, box.y1) for box in page.boxes)
    else:
        scene = compose(signal_mv, fs_hz, style, words, names)
        photo = _photo(scene, look, writes=fold not in EVALUATED_FOLDS)
        data, suffix, warp = jpeg_bytes(photo), ".jpg", photo.warp
        boxes = _boxes(scene, warp)
    truth = write_sidecar(signal_mv, fs_hz, style, words=words, warp=warp) if sidecar else b""
    return Picture(data, suffix, boxes, truth)


def empty_picture(state: str) -> bytes:
    """The same sheet with nothing on it, under the same light: what a model sees when it is shown nothing.

    Args:
        state: `Look.state` of the page.
    """
    look = look_of(state)
    if look.degradation is None:
        return png_bytes(blank(look.style))
    return jpeg_bytes(_photo(bare(look.style), look, writes=False))


def look_of(state: str) -> Look:
    """The look that `Look.state` was taken from, without its words."""
    tree = json.loads(state)
    style = PageStyle(**{**tree["style"], "rhythm": tuple(tree["style"]["rhythm"])})
    degradation = Degradation(**tree["degradation"]) if tree["degradation"] else None
    return Look(style, Words(), degradation, tree["preset"], tuple(tree["key"]))


def _photo(scene: Scene, look: Look, *, writes: bool) -> Any:
    assert look.degradation is not None
    return photograph(scene, look.degradation, (*look.key, PHOTO_KEY), words=writes)


def _boxes(scene: Scene, warp: Warp) -> tuple[tuple[str, int, int, int, int], ...]:
    found = []
    for place, flat in zip(places(scene, warp), boxes_of(scene), strict=False):
        x0, y0, x1, y1 = (round(edge) for edge in place.box)
        found.append((flat.name, x0, y0, x1, y1))
    return tuple(found)


def _words(facts: Mapping[str, Any], rng: np.random.Generator) -> Words:
    """A made-up person, and what a machine would have measured; never an interpretation."""
    name, number, year = rng.integers(len(SURNAMES)), rng.integers(10000, 99999), rng.integers(1985, 2024)
    day, month, shown, hidden, machine = (rng.integers(1, 29), rng.integers(1, 13), *rng.random(3))
    identity = (
        f"{SURNAMES[name]}, {chr(65 + number % 26)}.",
        f"ID {number}",
        f"{day:02d}.{month:02d}.{year}",
    )
    return Words(
        identity=identity,
        measurements=measurement_lines(facts) if shown < 0.7 else (),
        footer=("12SL", "005E", "v2.07", "")[int(machine * 4)],
        redaction=(0, 1) if hidden < 0.35 else (),
    )


def _pick(choices: Sequence[tuple[Any, float]], rng: np.random.Generator) -> Any:
    left = rng.random() * sum(share for _, share in choices)
    for value, share in choices:
        left -= share
        if left < 0:
            return value
    return choices[-1][0]


def _number(record_id: str) -> int:
    """A record's own number: the same on every machine, whatever the id is made of."""
    return int.from_bytes(hashlib.sha256(record_id.encode()).digest()[:6], "big")


def _stream(key: tuple[int, ...], *purpose: int) -> np.random.Generator:
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(key[0], spawn_key=(*key[1:], *purpose)))
    )
