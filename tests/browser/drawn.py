"""A simulated record on paper, and what a service that knows the contract answers about it.

The picture, the boxes of its leads and the places of its beats come from the page's own truth; probabilities
are made up around what the record carries.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.paper.compose import compose
from twelvelead.paper.encode import png_bytes
from twelvelead.paper.page import PageStyle, boxes_of, render
from twelvelead.paper.truth import PixelTrace, flat_warp, pixel_traces, places
from twelvelead.simulate.plan import RecordPlan
from twelvelead.simulate.population import complete, draw_population
from twelvelead.simulate.record import simulate_record

FS_HZ = 500
NOTICE = "Research software. Not a medical device; nothing here may be used for care."


@dataclass(frozen=True)
class Drawn:
    """One page.

    Attributes:
        png: The picture.
        px_mm: Pixels a millimetre.
        codes: What the record carries.
        boxes: As the contract has them.
        pulse: x0, y0, x1, y1 in px of the middle of the first calibration pulse's line: 1 mV high.
        beats: (x, y) px of the R waves of the rhythm strip, and their times in ms.
    """

    png: bytes
    px_mm: float
    width_px: int
    height_px: int
    codes: frozenset[str]
    boxes: list[dict[str, object]]
    pulse: tuple[float, float, float, float]
    beats: list[tuple[float, float, float]]

    @property
    def picture(self) -> dict[str, object]:
        """The `picture` of an answer."""
        return {
            "png_base64": base64.b64encode(self.png).decode(),
            "width_px": self.width_px,
            "height_px": self.height_px,
            "px_per_mm_x": self.px_mm,
            "px_per_mm_y": self.px_mm,
            "speed_mm_s": 25.0,
            "gain_mm_mv": 10.0,
            "lead_boxes": self.boxes,
        }


@lru_cache(maxsize=8)
def page(number: int = 7, width_px: int = 1120, height_px: int = 560, layout: str = "3x4+1r") -> Drawn:
    """Record `number` of a simulated population of 60 with seed 1, on paper."""
    plan = complete(_population()[number - 1])
    signal_mv = simulate_record(plan).T / 1000.0
    style = PageStyle(layout=layout, width_px=width_px, height_px=height_px, font="sans")
    scene = compose(signal_mv, FS_HZ, style)
    drawn = render(signal_mv, FS_HZ, style)
    warp = flat_warp(scene)
    boxes = [
        {"lead": box.name, "x": box.x0, "y": box.y0, "width": box.x1 - box.x0, "height": box.y1 - box.y0}
        for box in boxes_of(scene)
    ]
    pulse = next(place.box for place in places(scene, warp) if place.kind == "pulse")
    return Drawn(
        png_bytes(drawn), style.px_mm, style.width_px, style.height_px, frozenset(plan.scp_codes), boxes,
        pulse, _beats(list(pixel_traces(scene, warp))[-1]),
    )  # fmt: skip


@lru_cache(maxsize=1)
def _population() -> list[RecordPlan]:
    return draw_population(60, 1)


def _beats(trace: PixelTrace) -> list[tuple[float, float, float]]:
    """The R waves of a strip by the record's own samples: its highest point a beat, at least 300 ms apart."""
    signal = trace.signal_mv
    order = [at for at in np.argsort(-signal) if signal[at] > 0.6 * signal.max()]
    chosen: list[int] = []
    for at in order:
        if all(abs(trace.time_s[at] - trace.time_s[other]) > 0.3 for other in chosen):
            chosen.append(int(at))
    return [
        (float(trace.points[at, 0]), float(trace.points[at, 1]), float(trace.time_s[at] * 1000))
        for at in sorted(chosen)
    ]


def group_of(code: str) -> str:
    """The group a statement is shown under."""
    statement = STATEMENTS[code]
    return statement.superclass or ("rhythm" if statement.rhythm else "form")


def statements(codes: frozenset[str], seed: int = 1) -> list[dict[str, object]]:
    """All 71, furthest above the threshold first; those in `codes` are present."""
    rng = np.random.default_rng(seed)
    found = []
    for code, statement in STATEMENTS.items():
        threshold = round(float(rng.uniform(0.08, 0.5)), 4)
        share = float(rng.beta(4, 2) if code in codes else rng.beta(1, 5))
        probability = threshold + (1 - threshold) * share if code in codes else threshold * share
        known = {"code": code, "name": statement.phrase, "group": group_of(code), "threshold": threshold}
        found.append(known | {"probability": round(probability, 4), "positive": code in codes})
    return sorted(found, key=lambda one: (one["threshold"] - one["probability"], one["code"]))


def model(decision: str = "passed", reasons: tuple[str, ...] = ()) -> dict[str, object]:
    """What /v1/model says."""
    sha = hashlib.sha256
    return {
        "name": "twelvelead-reader", "version": "3", "alias": "champion", "source": "registry",
        "decision": decision, "reasons": list(reasons),
        "policy": {"name": "lora against cnn, non-inferior", "sha256": sha(b"policy").hexdigest()},
        "adapter_sha256": sha(b"adapter").hexdigest(), "base": "models/tiny",
        "base_sha256": sha(b"base").hexdigest(), "data_source": "simulated records",
        "statements": [
            {key: one[key] for key in ("code", "name", "group", "threshold")}
            for one in statements(frozenset())
        ],
        "lineage": {"git revision": "0f432ea", "seed": "1"}, "notice": NOTICE,
    }  # fmt: skip


def answer(drawn: Drawn, kind: str = "png", cnn: bool = False, picture: bool = True) -> dict[str, object]:
    """What /v1/interpret says of a page; of a record, with the CNN and measurements."""
    own = statements(drawn.codes)
    beside = [
        {
            "code": one["code"], "threshold": 0.4, "positive": one["positive"],
            "probability": round(min(max(one["probability"] * 0.9 + 0.02, 0.0), 1.0), 4),
        }
        for one in own
    ]  # fmt: skip
    beats = np.diff([time_ms for _, _, time_ms in drawn.beats])
    known = {key: value for key, value in model().items() if key != "statements"}
    return {
        "id": str(uuid.uuid4()),
        "model": known,
        "notice": NOTICE,
        "input": {
            "kind": kind, "width_px": drawn.width_px, "height_px": drawn.height_px, "page": 1,
            "bytes": len(drawn.png), "sha256": hashlib.sha256(drawn.png).hexdigest(),
        },
        "warnings": [],
        "statements": own,
        "cnn": {"statements": beside} if cnn else None,
        "measurements": {
            "rate_bpm": round(60000 / float(np.median(beats)), 1), "pr_ms": None, "qrs_ms": 148.0,
            "qt_ms": 412.0, "qtc_ms": 447.2, "axis_deg": -31.0,
        } if cnn else None,
        "report": "Rhythm: " + ", ".join(sorted(drawn.codes)) + ".\n"
        + "\n".join(f"{one['name']}: {one['probability']:.2f}" for one in own if one["positive"])
        + "\nResearch software. Not a medical device.",
        "picture": drawn.picture if picture else None,
    }  # fmt: skip


def queue(numbers: tuple[int, ...] = (7, 3, 12)) -> tuple[dict[str, object], dict[str, object]]:
    """What /v1/queue says, and what it says of each of its records."""
    items, records = [], {}
    for number in numbers:
        drawn, record_id = page(number), f"{number:05d}"
        rows = [
            {
                **one, "label": int(one["code"] in drawn.codes),
                "cnn_probability": round(min(max(one["probability"] * 0.9 + 0.02, 0.0), 1.0), 4),
            }
            for one in statements(drawn.codes, seed=number)
        ]  # fmt: skip
        # Turn one over: the model misses what the label says.
        missed = max((row for row in rows if row["label"]), key=lambda row: row["threshold"])
        missed.update(probability=round(missed["threshold"] * 0.2, 4), positive=False)
        records[record_id] = {
            "record_id": record_id, "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"run/{record_id}")),
            "statements": rows, "picture": drawn.picture,
            "input": {"sha256": hashlib.sha256(drawn.png).hexdigest()},
        }  # fmt: skip
        told = ("code", "name", "label", "probability", "threshold", "cnn_probability")
        item = {"record_id": record_id} | {key: missed[key] for key in told}
        items.append(item | {"disagreement": 1 - missed["probability"]})
    items.sort(key=lambda item: -item["disagreement"])
    return {"run": "20261124-132321-default", "items": items}, records
