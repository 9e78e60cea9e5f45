"""Facts of the samples alone: size, gaps, flat and clipped leads, the limb leads' sums, and noise by band."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from twelvelead.ecg.kernel import compiled
from twelvelead.ecg.lead import INDEPENDENT
from twelvelead.ecg.rank import median_down, medians
from twelvelead.validation.electrodes import chest_order

Signal = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SIGNAL_FACTS = (
    "n_leads",
    "duration_s",
    "nan_share",  # missing samples of all samples
    "min_mv",
    "max_mv",
    "typical_mv",  # peak to peak in 2 s, median of time and leads: about one beat, deaf to short artefacts
    "range_ratio",  # largest to smallest peak-to-peak of the leads with signal; 1 if each lead was scaled
    "flat_leads",
    "still_s",  # longest time that any lead stands still
    "clip_share",  # samples that stand still at the extreme of their lead
    "clip_lead_share",  # the same in the worst lead
    "offset_mv",  # largest |median| of a lead
    "step_mv",  # largest change of a lead's level from one second to the next
    "same_leads",  # pairs of leads with the same curve
    "einthoven_mv",  # median |II - I - III|
    "goldberger_mv",  # the same for aVR, aVL, aVF: the largest of the three
    "wander_mv",  # rms at 0.05-0.5 Hz, worst lead
    "mains_mv",  # rms at 49-51 or 59-61 Hz above what lies beside, worst lead
    "muscle_mv",  # rms at 60-150 Hz, worst lead
    "chest_fit",  # how much better V1-V6 would follow each other with one swap or sign undone; 1 is no better
)
FLAT_MV = 0.02  # peak to peak; amplifier noise alone is larger (IEC 60601-2-25 allows 30 µV)
CLIP_S = 0.01  # a real peak never stands still for that long
SAME_MV = 0.003  # rms difference of two leads: less than the noise of one electrode
COARSE_HZ = 100  # enough for levels, steps and shapes, and five times cheaper than 500 Hz
LEVEL_S, BEAT_S = 0.5, 2.0
CHANGE_S = 0.03  # change within it shows QRS and T and forgets the baseline


def bridged(signal_mv: Signal, missing: Mask) -> Signal:
    """Gaps drawn straight, so that what is left can be measured; a lead without any sample is zero."""
    whole = signal_mv.copy()
    at = np.arange(signal_mv.shape[1])
    for lead, gaps in zip(whole, missing, strict=True):
        lead[gaps] = np.interp(at[gaps], at[~gaps], lead[~gaps]) if not gaps.all() else 0.0
    return whole


def signal_facts(whole: Signal, nan_share: float, fs_hz: float) -> tuple[dict[str, float], str]:
    """The facts of a (12, n) signal in mV without gaps, and what is suspected of the chest electrodes.

    Args:
        whole: The leads in the order of LEADS, gaps bridged.
        nan_share: Share of samples that were missing.
        fs_hz: Samples a second.

    Returns:
        A number for each of SIGNAL_FACTS (NaN where the rate or the length does not show it), and "" or a
        suspicion in words.
    """
    low, high = whole.min(axis=1), whole.max(axis=1)
    size = high - low
    flat = size < FLAT_MV
    coarse, coarse_hz = _coarse(whole, fs_hz)
    level = medians(coarse)[:, None]
    centred = coarse - level
    gram = products(centred) / coarse.shape[1]
    clipped = _clipped(whole, low, high, flat, max(3, round(CLIP_S * fs_hz)))
    lag = max(1, round(CHANGE_S * coarse_hz))
    change = coarse[6:, lag:] - coarse[6:, :-lag]
    swap, fit = chest_order(products(change))
    alive = size[~flat]
    facts = {
        "n_leads": float(len(whole)),
        "duration_s": whole.shape[1] / fs_hz,
        "nan_share": nan_share,
        "min_mv": float(low.min()),
        "max_mv": float(high.max()),
        "typical_mv": float(medians(medians(np.ptp(_blocks(coarse, BEAT_S, coarse_hz), axis=2)))),
        "range_ratio": float(alive.max() / alive.min()) if alive.size > 1 else math.nan,
        "flat_leads": float(flat.sum()),
        "still_s": _longest_still(whole, flat) / fs_hz if alive.size else math.nan,
        "clip_share": float(clipped.mean()),
        "clip_lead_share": float(clipped.max()),
        "offset_mv": float(np.abs(level).max()),
        "step_mv": _step_mv(coarse, coarse_hz),
        "same_leads": _same_leads(gram, flat),
        "chest_fit": fit,
        **_limb_sums(whole),
        **_noise(whole, fs_hz),
    }
    return {name: facts[name] for name in SIGNAL_FACTS}, swap


def _coarse(whole: Signal, fs_hz: float) -> tuple[Signal, float]:
    """The signal as means of some samples, near COARSE_HZ."""
    every = max(1, round(fs_hz / COARSE_HZ))
    count = whole.shape[1] // every
    if every == 1 or not count:
        return whole, fs_hz
    return whole[:, : count * every].reshape(len(whole), count, every).mean(axis=2), fs_hz / every


def _blocks(coarse: Signal, seconds: float, coarse_hz: float) -> Signal:
    """(leads, blocks, samples); a record shorter than a block is one block."""
    width = min(max(1, round(seconds * coarse_hz)), coarse.shape[1])
    count = coarse.shape[1] // width
    return coarse[:, : count * width].reshape(len(coarse), count, width)


def _step_mv(coarse: Signal, coarse_hz: float) -> float:
    levels = median_down(np.moveaxis(_blocks(coarse, LEVEL_S, coarse_hz), 2, 0))  # QRS is short, a level not
    pairs = (levels[:, 1:] + levels[:, :-1]) / 2
    change = np.abs(pairs[:, 2:] - pairs[:, :-2])
    return float(change.max()) if change.size else math.nan


@compiled
def products(leads: Signal) -> npt.NDArray[np.float64]:
    """Inner products of all leads with each other, (leads, leads), summed sample by sample.

    Not `leads @ leads.T`: the order in which a BLAS adds depends on its build, its threads and where the
    array lies, and the last digits of these facts are part of the data.
    """
    count, length = leads.shape
    found = np.zeros((count, count))
    for one in range(count):
        for other in range(one, count):
            total = 0.0
            for at in range(length):
                total += np.float64(leads[one, at]) * np.float64(leads[other, at])
            found[one, other] = found[other, one] = total
    return found


@compiled
def _longest_still(whole: Signal, flat: Mask) -> int:
    """Longest run of equal samples, in samples, in leads that have a signal elsewhere."""
    longest = 1
    for lead in range(whole.shape[0]):
        run = 1
        for at in range(1, 0 if flat[lead] else whole.shape[1]):
            run = run + 1 if whole[lead, at] == whole[lead, at - 1] else 1
            longest = max(longest, run)
    return longest


@compiled
def _clipped(whole: Signal, low: Signal, high: Signal, flat: Mask, least: int) -> npt.NDArray[np.float64]:
    """(12,) share of each lead's samples in runs of at least `least` at its highest or lowest value."""
    leads, n = whole.shape
    share = np.zeros(leads)
    for lead in range(leads):
        if flat[lead]:
            continue
        for bound in (low[lead], high[lead]):
            run = 0
            for at in range(n + 1):
                if at < n and whole[lead, at] == bound:
                    run += 1
                elif run:
                    share[lead] += run if run >= least else 0
                    run = 0
    return share / n


def _same_leads(gram: npt.NDArray[np.float64], flat: Mask) -> float:
    power = np.diag(gram)
    apart = power[:, None] + power[None] - 2 * gram
    alike = (apart < SAME_MV**2) & ~flat & ~flat[:, None]
    return float(np.count_nonzero(np.triu(alike, 1)))


def _limb_sums(whole: Signal) -> dict[str, float]:
    i, ii, iii, avr, avl, avf = whole[:6]
    residuals = np.stack([ii - i - iii, avr + (i + ii) / 2, avl - (i - iii) / 2, avf - (ii + iii) / 2])
    middle = medians(np.abs(residuals))
    return {"einthoven_mv": float(middle[0]), "goldberger_mv": float(middle[1:].max())}


@lru_cache(maxsize=8)
def _bands(n: int, fs_hz: float) -> dict[str, slice]:
    step = fs_hz / n
    edges = {
        "wander": (0.05, 0.5), "muscle": (60.0, 150.0),
        "50": (49.0, 51.0), "50 below": (46.0, 48.0), "50 above": (52.0, 54.0),
        "60": (59.0, 61.0), "60 below": (56.0, 58.0), "60 above": (62.0, 64.0),
    }  # fmt: skip
    return {
        name: slice(max(1, math.ceil(a / step)), math.ceil(b / step))
        for name, (a, b) in edges.items()
        if b <= fs_hz / 2
    }


def _noise(whole: Signal, fs_hz: float) -> dict[str, float]:
    """Rms by band in the worst independent lead; a ramp from end to end is taken out, for it leaks."""
    n = whole.shape[1]
    rows = whole[list(INDEPENDENT)]
    end = min(max(1, round(LEVEL_S * fs_hz)), n)
    first, last = median_down(rows[:, :end].T), median_down(rows[:, -end:].T)
    slope = (last - first)[:, None] * np.linspace(0, 1, n, dtype=np.float32)
    spectrum = np.fft.rfft(rows - first[:, None] - slope, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2) * np.float32(2 / n**2)
    band = {name: power[:, part].sum(axis=1) for name, part in _bands(n, fs_hz).items()}
    lines = [
        np.maximum(band[line] - (band[f"{line} below"] + band[f"{line} above"]) / 2, 0)
        for line in ("50", "60")
        if f"{line} above" in band
    ]
    return {
        "wander_mv": float(np.sqrt(band["wander"].max())) if n / fs_hz >= 2 else math.nan,
        "mains_mv": float(np.sqrt(np.max(lines))) if lines else math.nan,
        "muscle_mv": float(np.sqrt(band["muscle"].max())) if "muscle" in band else math.nan,
    }
