"""Where P, QRS and T begin and end in the median beat.

Onsets and ends are read from all leads at once, as electrocardiographs do (AHA 2007 part I, Kligfield,
doi:10.1016/j.jacc.2007.01.024): QRS from the spatial velocity, P and T from the beat's projection
on their own peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from twelvelead.ecg.beat import BEFORE_S, Beats
from twelvelead.ecg.filter import WORK_HZ, Signal, mirror, raised_cosine
from twelvelead.ecg.lead import INDEPENDENT
from twelvelead.ecg.rank import median, quantile

R_AT = round(BEFORE_S * WORK_HZ)
# Set on the hand marks of LUDB (doi:10.13026/eegm-h675) and the printed values of a GE MUSE machine:
QRS_SPEED, QRS_SPEED_MV = 0.01, 0.01  # share of the highest spatial velocity, plus mV in 12 ms
T_TAIL_MS = 20.0  # readers see T end later than its tangent does
P_REPEATS, P_REPEATS_IRREGULAR = (
    4.0,
    16.0,
)  # F ratio of a P wave that recurs; fibrillation gives 0.4–5, sinus > 10
P_LEAST_MV = 0.03  # root of the summed squares of the independent leads


@dataclass(frozen=True, slots=True)
class Marks:
    """Samples of the median beat, at `WORK_HZ`; None where a wave was not found."""

    qrs_on: int
    qrs_off: int
    p_on: int | None
    p_off: int | None
    t_peak: int | None
    t_end: int | None


def samples(ms: float) -> int:
    """Return the nearest number of samples to a time in ms."""
    return round(ms * WORK_HZ / 1000)


def find_waves(beats: Beats, rr_ms: Signal, irregular: bool) -> Marks | None:
    """Mark the waves of the median beat; None where not even a QRS stands out.

    Args:
        beats: Aligned beats.
        rr_ms: RR intervals, which bound T and P of neighbouring beats.
        irregular: Whether fibrillation is likely enough to ask more of a P wave.
    """
    independent = beats.median_mv[list(INDEPENDENT)]
    qrs = _qrs(independent)
    if qrs is None:
        return None
    on, off = qrs
    smooth = _low_pass(independent, 15.0, 30.0)
    rr = samples(float(quantile(rr_ms, 0.2)))  # in an irregular rhythm T and P meet in the short intervals
    t_peak, t_end = _t_wave(smooth - smooth[:, on - samples(12) : on].mean(axis=1)[:, None], off, on + rr)
    low = max(
        on - samples(330), (t_end if t_end is not None else off + samples(150)) - rr - samples(T_TAIL_MS), 0
    )
    p_on, p_off = _p_wave(beats, low, on, P_REPEATS_IRREGULAR if irregular else P_REPEATS)
    return Marks(on, off, p_on, p_off, t_peak, t_end)


def _low_pass(x: Signal, full_hz: float, none_hz: float) -> Signal:
    """Smooth the last axis with zero phase; its ends are mirrored."""
    pad = samples(200)
    wide = mirror(x, pad, pad)
    size = wide.shape[-1]
    gain = _gain(size, full_hz, none_hz)
    return np.fft.irfft(np.fft.rfft(wide, axis=-1) * gain, size, axis=-1)[..., pad : size - pad]


@lru_cache(maxsize=512)  # the P window has another length in each recording
def _gain(size: int, full_hz: float, none_hz: float) -> Signal:
    return 1 - raised_cosine(np.fft.rfftfreq(size, 1 / WORK_HZ).astype(np.float64), full_hz, none_hz)


def _qrs(independent: Signal) -> tuple[int, int] | None:
    x = _low_pass(independent, 40.0, 70.0)
    speed = np.zeros(x.shape[1])
    np.sqrt(((x[:, 6:] - x[:, :-6]) ** 2).sum(axis=0), out=speed[3:-3])
    low, high = R_AT - samples(130), R_AT + samples(170)
    first = R_AT - samples(60)
    peak = first + int(np.argmax(speed[first : R_AT + samples(60)]))
    if speed[peak] < 2 * QRS_SPEED_MV:
        return None
    margin = samples(60)
    noise = median(np.concatenate([speed[low - margin : low], speed[high : high + margin]]))
    loud = np.flatnonzero(speed > noise + QRS_SPEED * (speed[peak] - noise) + QRS_SPEED_MV)
    loud = loud[(loud >= low) & (loud <= high)]
    # The run of fast samples around the peak; shorter pauses are turning points of the loop.
    breaks = np.flatnonzero(np.diff(loud) > samples(16))
    edges = np.concatenate([[0], breaks + 1, [loud.size]])
    run = int(np.searchsorted(loud[edges[1:] - 1], peak))
    on, off = int(loud[edges[run]]), int(loud[edges[run + 1] - 1])
    if off - on > samples(
        140
    ):  # a wide QRS may run into a steep ST: J is then the first valley after its slopes
        after = on + int(np.flatnonzero(speed[on : off + 1] > 0.3 * speed[peak])[-1])
        reach = samples(16)
        for at in range(after, off - reach):
            lowest = speed[at - reach : at + reach + 1].min()
            if speed[at] <= min(lowest, 0.15 * speed[peak]) and speed[at:off].max() > 2 * speed[at]:
                return on, at
    return on, off


def _t_wave(x: Signal, qrs_off: int, next_qrs: int) -> tuple[int | None, int | None]:
    low = qrs_off + samples(60)
    high = min(x.shape[1] - samples(40), next_qrs - samples(80), qrs_off + samples(440))
    if high - low < samples(80):
        return None, None
    size = np.sqrt((x**2).sum(axis=0))
    peak = _highest_hump(size, low, high)
    if size[peak] < 0.05:
        return None, None
    along = _project(x, peak)
    limit = min(high + samples(40), peak + samples(240))
    return peak, min(_tangent(along, peak, limit) + samples(T_TAIL_MS), x.shape[1] - 1)


def _p_wave(beats: Beats, low: int, on: int, repeats: float) -> tuple[int | None, int | None]:
    if on - low < samples(90):
        return None, None
    # Cut before smoothing, or the foot of QRS would spill into the PR segment.
    part = _low_pass(beats.median_mv[list(INDEPENDENT), low:on], 15.0, 30.0)
    edge = samples(12)
    first, last = part[:, :edge].mean(axis=1, keepdims=True), part[:, -edge:].mean(axis=1, keepdims=True)
    level = part - first - np.linspace(0.0, 1.0, on - low) * (last - first)
    size = np.sqrt((level**2).sum(axis=0))
    peak = _highest_hump(size, samples(20), on - low - samples(16))
    if size[peak] < P_LEAST_MV:
        return None, None
    weight = level[:, peak] / size[peak]
    each = (beats.stack_mv[:, list(INDEPENDENT), low:on] * weight[:, None]).sum(axis=1)
    if _recurrence(_low_pass(each, 15.0, 30.0)) < repeats:
        return None, None
    along = _project(level, peak)
    reach, n = samples(110), along.size - 1
    begin = n - _tangent(along[::-1], n - peak, min(n, n - peak + reach))
    return low + begin, low + _tangent(along, peak, min(n, peak + reach))


def _recurrence(each: Signal) -> float:
    """Return the F ratio of what (beats, samples) traces share: analysis of variance, beats as repeats."""
    centred = each - each.mean(axis=1, keepdims=True)
    common = centred.mean(axis=0)
    spread = float(((centred - common) ** 2).sum()) / max(len(each) - 1, 1)
    return len(each) * float((common**2).sum()) / max(spread, 1e-12)


def _highest_hump(size: Signal, low: int, high: int) -> int:
    """Return the highest local maximum inside [low, high), or the highest sample where there is none."""
    part = size[low:high]
    inner = np.flatnonzero((part[1:-1] >= part[:-2]) & (part[1:-1] > part[2:])) + 1
    return low + int(inner[np.argmax(part[inner])] if inner.size else np.argmax(part))


def _project(x: Signal, peak: int) -> Signal:
    """Project the leads on their pattern at the peak: one trace with the wave upright and noise least."""
    weight = x[:, peak] / np.sqrt(max(float((x[:, peak] ** 2).sum()), 1e-12))
    return (x * weight[:, None]).sum(axis=0)


def _tangent(along: Signal, peak: int, limit: int) -> int:
    """Return where the steepest tangent after the peak meets the lowest level that follows."""
    part = along[peak : limit + 1]
    if part.size < 4:
        return limit
    bottom = int(np.argmin(part))
    slope = np.diff(part[: max(bottom, 3) + 1])
    steepest = int(np.argmin(slope))
    if slope[steepest] >= 0:
        return limit
    run = (part[bottom] - (part[steepest] + part[steepest + 1]) / 2) / slope[steepest]
    return min(peak + round(steepest + 0.5 + run), limit)
