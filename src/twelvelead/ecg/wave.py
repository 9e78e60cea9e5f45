"""Where P, QRS and T begin and end in the median beat.

Onsets and ends are read from all leads at once, as electrocardiographs do (AHA 2007 part I, Kligfield,
doi:10.1016/j.jacc.2007.01.024): QRS from the spatial velocity, P and T from the beat's projection
on their own peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from twelvelead.ecg.beat import BEFORE_S, ROWS, Beats
from twelvelead.ecg.filter import WORK_HZ, Signal, mirror, raised_cosine
from twelvelead.ecg.kernel import compiled, weighed
from twelvelead.ecg.rank import median, quantile

R_AT = round(BEFORE_S * WORK_HZ)
# Set on the hand marks of LUDB (doi:10.13026/eegm-h675) and the printed values of a GE MUSE machine:
QRS_SPEED, QRS_SPEED_MV = 0.01, 0.01  # share of the highest spatial velocity, plus mV in 12 ms
T_TAIL_MS = 20.0  # readers see T end later than its tangent does
P_REPEATS, P_REPEATS_IRREGULAR = (
    4.0,
    16.0,
)  # F ratio of a P wave that recurs; fibrillation gives 0.4–5, sinus > 10
P_BAND = (15.0, 30.0)
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
    quick, smooth = _low_pass(beats.median_mv[ROWS], (40.0, 70.0), P_BAND)
    qrs = _qrs(quick)
    if qrs is None:
        return None
    on, off = qrs
    rr = samples(float(quantile(rr_ms, 0.2)))  # in an irregular rhythm T and P meet in the short intervals
    t_peak, t_end = _t_wave(smooth - smooth[:, on - samples(12) : on].mean(axis=1)[:, None], off, on + rr)
    low = max(
        on - samples(330), (t_end if t_end is not None else off + samples(150)) - rr - samples(T_TAIL_MS), 0
    )
    p_on, p_off = _p_wave(beats, low, on, P_REPEATS_IRREGULAR if irregular else P_REPEATS)
    return Marks(on, off, p_on, p_off, t_peak, t_end)


def _low_pass(x: Signal, *bands: tuple[float, float]) -> list[Signal]:
    """Smooth the last axis with zero phase, once for each (full_hz, none_hz); its ends are mirrored."""
    pad = samples(200)
    wide = mirror(x, pad, pad)
    size = wide.shape[-1]
    spectrum = np.fft.rfft(wide, axis=-1)
    return [
        np.fft.irfft(spectrum * _gain(size, *band), size, axis=-1)[..., pad : size - pad] for band in bands
    ]


@lru_cache(maxsize=512)  # the P window has another length in each recording
def _gain(size: int, full_hz: float, none_hz: float) -> Signal:
    return 1 - raised_cosine(np.fft.rfftfreq(size, 1 / WORK_HZ).astype(np.float64), full_hz, none_hz)


def _qrs(x: Signal) -> tuple[int, int] | None:
    speed = _speed(x, samples(12))
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
    size = _size(x)
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
    [part] = _low_pass(beats.median_mv[ROWS, low:on], P_BAND)
    level = _levelled(part, samples(12))
    size = _size(level)
    peak = _highest_hump(size, samples(20), on - low - samples(16))
    if size[peak] < P_LEAST_MV:
        return None, None
    weight = level[:, peak] / size[peak]
    [each] = _low_pass(weighed(beats.stack_mv[:, :, low:on], ROWS, weight), P_BAND)
    if _recurrence(each) < repeats:
        return None, None
    along = _project(level, peak)
    reach, n = samples(110), along.size - 1
    begin = n - _tangent(along[::-1], n - peak, min(n, n - peak + reach))
    return low + begin, low + _tangent(along, peak, min(n, peak + reach))


@compiled
def _speed(x: Signal, reach: int) -> Signal:
    """Length of the change of (leads, n) traces over `reach` samples, half on each side; 0 at the ends."""
    out = np.zeros(x.shape[1])
    half = reach // 2
    for lead in range(x.shape[0]):
        for at in range(half, out.size - half):
            change = x[lead, at + half] - x[lead, at - half]
            out[at] += change * change
    return np.sqrt(out)


@compiled
def _size(x: Signal) -> Signal:
    """Root of the summed squares over the leads of (leads, n)."""
    out = np.zeros(x.shape[1])
    for lead in range(x.shape[0]):
        for at in range(out.size):
            out[at] += x[lead, at] * x[lead, at]
    return np.sqrt(out)


@compiled
def _levelled(x: Signal, edge: int) -> Signal:
    """Take a straight line from the mean of the first to that of the last `edge` samples out of each row."""
    rows, n = x.shape
    out = np.empty((rows, n))
    for row in range(rows):
        first, last = 0.0, 0.0
        for at in range(edge):
            first += x[row, at] / edge
            last += x[row, n - 1 - at] / edge
        for at in range(n):
            out[row, at] = x[row, at] - first - at / (n - 1) * (last - first)
    return out


@compiled
def _recurrence(each: Signal) -> float:
    """Return the F ratio of what (beats, samples) traces share: analysis of variance, beats as repeats."""
    beats, n = each.shape
    common, mean = np.zeros(n), np.zeros(beats)
    for beat in range(beats):
        for at in range(n):
            mean[beat] += each[beat, at] / n
        for at in range(n):
            common[at] += (each[beat, at] - mean[beat]) / beats
    shared, spread = 0.0, 0.0
    for at in range(n):
        shared += common[at] ** 2
        for beat in range(beats):
            spread += (each[beat, at] - mean[beat] - common[at]) ** 2
    return float(beats * shared / max(spread / max(beats - 1, 1), 1e-12))


@compiled
def _highest_hump(size: Signal, low: int, high: int) -> int:
    """Return the highest local maximum inside [low, high), or the highest sample where there is none."""
    hump, top = -1, low
    for at in range(low, high):
        if size[at] > size[top]:
            top = at
        turns = low < at < high - 1 and size[at] >= size[at - 1] and size[at] > size[at + 1]
        if turns and (hump < 0 or size[at] > size[hump]):
            hump = at
    return hump if hump >= 0 else top


@compiled
def _project(x: Signal, peak: int) -> Signal:
    """Project the leads on their pattern at the peak: one trace with the wave upright and noise least."""
    leads, n = x.shape
    power = 0.0
    for lead in range(leads):
        power += x[lead, peak] * x[lead, peak]
    out = np.zeros(n)
    for lead in range(leads):
        weight = x[lead, peak] / math.sqrt(max(power, 1e-12))
        for at in range(n):
            out[at] += x[lead, at] * weight
    return out


@compiled
def _tangent(along: Signal, peak: int, limit: int) -> int:
    """Return where the steepest tangent after the peak meets the lowest level that follows."""
    n = min(limit + 1, along.size) - peak
    if n < 4:
        return limit
    bottom, steepest = 0, 0
    for at in range(1, n):
        if along[peak + at] < along[peak + bottom]:
            bottom = at
    least = along[peak + 1] - along[peak]
    for at in range(1, min(max(bottom, 3), n - 1)):
        slope = along[peak + at + 1] - along[peak + at]
        if slope < least:
            least, steepest = slope, at
    if least >= 0:
        return limit
    middle = (along[peak + steepest] + along[peak + steepest + 1]) / 2
    return min(peak + round(steepest + 0.5 + (along[peak + bottom] - middle) / least), limit)
