"""What electrodes and the device add, drawn at the nine electrodes so that Einthoven's law survives it.

Levels follow measurements on 500 PTB-XL records: baseline .05–.5 Hz median 34 µV, 60–150 Hz 8 µV, mains
nearly always filtered out. Limb noise reaches V1–V6 through Wilson's terminal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfftfreq
from scipy.signal import bilinear, lfilter, lfilter_zi

from twelvelead.simulate.heart import Floats
from twelvelead.simulate.vcg import FS_HZ

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")
STRONG_MAINS_MV = 0.02


@dataclass(frozen=True, slots=True)
class Event:
    """Noise on one electrode for a while: a muscle burst, or a move of the electrode.

    Attributes:
        electrode: Index in ELECTRODES.
        kind: "burst" (size = factor on the muscle noise), "step" or "bump" (size in mV).
        begin_s, length_s: When; for a step the length is its recovery time constant.
    """

    electrode: int
    kind: str
    begin_s: float
    length_s: float
    size: float


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of one record, before its samples: levels (rms, mV) by electrode, events and faults."""

    baseline_mv: Floats
    breath_hz: float
    breath_sign: Floats
    muscle_mv: Floats
    muscle_waxes: bool
    mains_mv: Floats
    mains_hz: float
    events: tuple[Event, ...]
    fault: str  # "", "reversed", "swapped", "high", "flat" or "clipped"
    fault_lead: int  # index of the chest electrode concerned, 0 = V1
    low_pass_hz: float
    high_pass_hz: float

    def lead_levels(self, electrode_mv: Floats) -> Floats:
        """(12,) rms in each lead of independent noise of that rms at each electrode."""
        a = electrode_mv**2
        ra, la, ll, chest = a[0], a[1], a[2], a[3:]
        # aVx sees its own electrode fully and the other two at one half.
        goldberger = [x + (ra + la + ll - x) / 4 for x in (ra, la, ll)]
        wilson = (ra + la + ll) / 9
        return np.sqrt(np.array([la + ra, ll + ra, ll + la, *goldberger, *(chest + wilson)]))


def draw_noise(rng: np.random.Generator, device: str = "") -> Noise:
    """Draw levels, events and faults; samples come later, from the same stream.

    Args:
        rng: Random stream.
        device: As in ptbxl_database.csv. A CS100 suppresses the baseline; the others hardly differ.
    """
    u, n = rng.uniform, rng.normal
    electrodes = len(ELECTRODES)
    spread = np.exp(n(0, 0.35, (2, electrodes)))
    baseline = 0.039 * np.exp(n(0, 0.6)) * spread[0]
    muscle = 0.0090 * np.exp(n(0, 0.55)) * spread[1]
    mains = u(0.02, 0.05) if rng.random() < 0.01 else 0.0016 * float(np.exp(n(0, 0.9)))
    events: list[Event] = []
    if rng.random() < 0.026:
        for electrode in rng.permutation(electrodes)[: int(rng.integers(1, 4))]:
            events.append(Event(int(electrode), "burst", u(0, 9), u(0.5, 3), u(3, 10)))
    if rng.random() < 0.05:
        kind, size = (
            ("step" if rng.random() < 0.5 else "bump"),
            u(0.2, 1.5) * (1 if rng.random() < 0.5 else -1),
        )
        length = u(0.1, 0.6) if kind == "step" else u(0.3, 1.0)
        events.append(Event(int(rng.integers(electrodes)), kind, u(0.5, 9), length, size))
    faults = ("reversed", "swapped", "high", "flat", "clipped", "")
    share = np.cumsum([0.004, 0.005, 0.05, 0.002, 0.002])
    return Noise(
        baseline_mv=baseline,
        breath_hz=u(0.15, 0.35),
        breath_sign=np.where(rng.random(electrodes) < 0.5, -1.0, 1.0),
        muscle_mv=muscle,
        muscle_waxes=bool(rng.random() < 0.3),
        mains_mv=mains * np.exp(n(0, 0.5, electrodes)),
        mains_hz=50.0,
        events=tuple(events),
        fault=faults[int((rng.random() > share).sum())],
        fault_lead=int(rng.integers(6)),
        low_pass_hz=u(140, 195),
        high_pass_hz=0.5 if rng.random() < 0.03 or device.startswith("CS100") else 0.05,
    )


def electrode_noise(noise: Noise, n: int, rng: np.random.Generator) -> Floats:
    """(8, n) mV of noise in I, II, V1–V6."""
    t = np.arange(n) / FS_HZ
    wander = _coloured(n, -1.0, 0.08, 1.2, rng) + 0.6 * noise.breath_sign[:, None] * np.sin(
        2 * np.pi * noise.breath_hz * t + rng.uniform(0, 2 * np.pi)
    )
    muscle = _coloured(n, -0.33, 5.0, 230.0, rng)
    if noise.muscle_waxes:
        muscle *= 1 + 0.6 * np.abs(_coloured(n, 0.0, 0.1, 1.0, rng))
    phase = 2 * np.pi * noise.mains_hz * t + rng.uniform(0, 2 * np.pi)
    mains = np.sqrt(2) * np.sin(phase)
    if noise.mains_mv.max() > STRONG_MAINS_MV:
        mains = mains + 0.3 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)
    for event in noise.events:
        if event.kind == "burst":
            in_burst = (t >= event.begin_s) & (t < event.begin_s + event.length_s)
            muscle[event.electrode, in_burst] *= event.size
    at_electrode = wander * noise.baseline_mv[:, None]
    at_electrode += muscle * noise.muscle_mv[:, None]
    at_electrode += noise.mains_mv[:, None] * mains
    for event in noise.events:
        if event.kind != "burst":
            at_electrode[event.electrode] += event.size * _move(event, t)
    ra, la, ll = at_electrode[0], at_electrode[1], at_electrode[2]
    return np.concatenate([[la - ra, ll - ra], at_electrode[3:] - (ra + la + ll) / 3])


def misplace(matrix: Floats, noise: Noise) -> Floats:
    """The (8, 3) lead matrix, or any (8, …) signal, as the wrongly placed electrodes see it."""
    if noise.fault == "reversed":  # RA and LA exchanged: I upside down, II shows III
        i, ii = matrix[0], matrix[1]
        return np.concatenate([[-i, ii - i], matrix[2:]])
    if noise.fault == "swapped":
        order = np.arange(8)
        a = 2 + min(noise.fault_lead, 4)
        order[[a, a + 1]] = order[[a + 1, a]]
        return matrix[order]
    return matrix


def lift(matrix: Floats, noise: Noise) -> Floats:
    """V1 and V2 one space too high, in 5 % of records: they see the heart from further above."""
    if noise.fault != "high":
        return matrix
    lifted = matrix.copy()
    lifted[2:4, 1] -= 0.30
    return lifted


def device(leads: Floats, noise: Noise) -> Floats:
    """The recorder's band: second-order low-pass, first-order high-pass; flat or clipped if so drawn."""
    if noise.fault == "flat":
        leads = leads.copy()
        leads[2 + noise.fault_lead] = 0.0
    low, high = 2 * np.pi * noise.low_pass_hz, 2 * np.pi * noise.high_pass_hz
    for b_s, a_s in (([low**2], [1, np.sqrt(2) * low, low**2]), ([1, 0], [1, high])):
        b, a = bilinear(b_s, a_s, FS_HZ)
        settled: Floats = lfilter_zi(b, a)
        start = leads.mean(axis=1, keepdims=True)
        leads = lfilter(b, a, leads, axis=1, zi=start * settled)[0]
    return np.clip(leads, -5, 5) if noise.fault == "clipped" else leads


def _coloured(n: int, power: float, low_hz: float, high_hz: float, rng: np.random.Generator) -> Floats:
    """(electrodes, n) noise of unit rms whose amplitude falls as frequency**power inside a band."""
    longer = next_fast_len(n + 1000, real=True)  # so that the end does not join the beginning
    f = rfftfreq(longer, 1 / FS_HZ)
    band: NDArray[np.bool_] = (f >= low_hz) & (f <= high_hz)
    shape = f[band] ** power
    spectrum = np.zeros((len(ELECTRODES), f.size), dtype=np.complex128)
    draws = rng.standard_normal((2, len(ELECTRODES), shape.size))
    spectrum[:, band] = (draws[0] + 1j * draws[1]) * shape
    rms = np.sqrt((shape**2).sum()) * 2 / longer
    wave: Floats = irfft(spectrum, n=longer, axis=1)
    return wave[:, :n] / rms


def _move(event: Event, t: Floats) -> Floats:
    since = t - event.begin_s
    if event.kind == "step":
        return np.where(since >= 0, np.exp(-np.clip(since, 0, None) / event.length_s), 0.0)
    return np.where((since >= 0) & (since < event.length_s), np.sin(np.pi * since / event.length_s), 0.0)
