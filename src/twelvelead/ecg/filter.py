"""Clean a recording and bring it to the rates at which beats are sought and measured.

Everything is done in the frequency domain or element by element: no BLAS and no recursive filter, so the
bytes do not depend on the processor, and the same code serves 100 Hz and 1000 Hz.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from twelvelead.ecg.lead import INDEPENDENT

Signal = NDArray[np.float64]

WORK_HZ = 500  # 2 ms resolve every interval that is read from a paper ECG
DETECT_HZ = 125  # enough for the 6–30 Hz in which QRS stands out most from P, T and muscle
PAD_S = 1.0
SPIKE_MV, SPIKE_RATIO = (
    0.06,
    10.0,
)  # mean over leads; a pacing spike stands alone, a sharp R has steep neighbours


def raised_cosine(f_hz: Signal, low_hz: float, high_hz: float) -> Signal:
    """Return 0 below low_hz, 1 above high_hz and a half cosine between."""
    position = np.clip((f_hz - low_hz) / (high_hz - low_hz), 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * position)


def mirror(x: Signal, left: int, right: int) -> Signal:
    """Continue the last axis by its point reflections at both ends; np.pad does that ten times slower."""
    n = x.shape[-1]
    if max(left, right) >= n:
        pad = [(0, 0)] * (x.ndim - 1) + [(left, right)]
        return np.pad(x, pad, mode="reflect", reflect_type="odd")
    out = np.empty((*x.shape[:-1], left + n + right))
    out[..., left : left + n] = x
    np.subtract(2 * x[..., :1], x[..., left:0:-1], out=out[..., :left])
    np.subtract(2 * x[..., -1:], x[..., ::-1][..., 1 : right + 1], out=out[..., left + n :])
    return out


@lru_cache(maxsize=8)
def _responses(total: int, fs_hz: float) -> tuple[Signal, Signal]:
    """Gains for measuring and for detecting, without the zeros above their highest frequency."""
    f_hz: Signal = np.fft.rfftfreq(total, 1 / fs_hz).astype(np.float64)
    # AHA 2007 part I wants no more than 0.67 Hz with zero phase, lest ST be bent; 100 Hz keeps R within 2 %.
    wave = raised_cosine(f_hz, 0.1, 0.7) * (1 - raised_cosine(f_hz, 70.0, 100.0))
    detect = raised_cosine(f_hz, 4.0, 9.0) * (1 - raised_cosine(f_hz, 22.0, 35.0))
    return np.trim_zeros(wave, "b"), np.trim_zeros(detect, "b")


def prepare(signal_mv: Signal, fs_hz: float) -> tuple[Signal, Signal]:
    """Fill gaps, remove baseline, mains and pacing spikes, and return the recording at two rates.

    Returns:
        (12, m) at `WORK_HZ` for measuring, and (8, k) at `DETECT_HZ` with QRS emphasised; same start and end.
    """
    n = signal_mv.shape[1]
    filled = _remove_spikes(_fill(signal_mv), fs_hz)
    seconds = ceil(n / fs_hz + 2 * PAD_S)
    left, total = round(PAD_S * fs_hz), round(seconds * fs_hz)
    padded = mirror(filled, left, total - n - left)
    padded -= np.linspace(0.0, 1.0, total) * (padded[:, -1:] - padded[:, :1]) + padded[:, :1]
    spectrum = np.fft.rfft(padded, axis=1)
    _remove_mains(spectrum, total / fs_hz)
    wave, detect = _responses(total, fs_hz)
    keep_s = n / fs_hz

    def back(rows: NDArray[np.complex128], gain: Signal, rate_hz: int) -> Signal:
        size = seconds * rate_hz
        wide = np.zeros((len(rows), size // 2 + 1), dtype=np.complex128)  # numpy pads far more slowly
        passed = min(gain.size, wide.shape[1])
        np.multiply(rows[:, :passed], gain[:passed] * (size / total), out=wide[:, :passed])
        first = round(PAD_S * rate_hz)
        return np.fft.irfft(wide, size, axis=1)[:, first : first + round(keep_s * rate_hz)]

    return back(spectrum, wave, WORK_HZ), back(spectrum[list(INDEPENDENT)], detect, DETECT_HZ)


def _fill(signal_mv: Signal) -> Signal:
    good = np.isfinite(signal_mv)
    if good.all():
        return signal_mv
    out = np.where(good, signal_mv, 0.0)
    at = np.arange(out.shape[1])
    for row, known in zip(out, good, strict=True):
        if known.any() and not known.all():
            row[~known] = np.interp(at[~known], at[known], row[known])
    return out


def _remove_spikes(signal_mv: Signal, fs_hz: float) -> Signal:
    """Bridge pacing spikes of up to 4 ms, which would count as part of P or QRS."""
    if fs_hz < 400:
        return signal_mv
    step = round(fs_hz * 0.002)
    rows, wide = signal_mv[list(INDEPENDENT)], 2 * step
    sharp = np.abs(rows[:, wide:-wide] - (rows[:, 2 * wide :] + rows[:, : -2 * wide]) / 2).mean(axis=0)
    n = sharp.size - 16 * step
    aside = np.maximum.reduce([sharp[k * step : k * step + n] for k in (0, 1, 2, 14, 15, 16)])
    centre = sharp[8 * step : 8 * step + n]
    spikes = np.flatnonzero((centre > SPIKE_MV) & (centre > SPIKE_RATIO * aside)) + 10 * step
    if spikes.size == 0:
        return signal_mv
    out = signal_mv.copy()
    out[:, (spikes[:, None] + np.arange(-3 * step, 3 * step + 1)).ravel()] = np.nan
    return _fill(out)


def _remove_mains(spectrum: NDArray[np.complex128], seconds: float) -> None:
    """Clip the lines of 50 and 60 Hz to the level beside them, in place; a clean signal is left as it is."""
    for mains_hz in (50.0, 60.0):
        low, high = round((mains_hz - 0.7) * seconds), round((mains_hz + 0.7) * seconds) + 1
        side = round(4 * seconds)
        if high + side > spectrum.shape[1]:
            return
        around = np.concatenate([spectrum[:, low - side : low], spectrum[:, high : high + side]], axis=1)
        level = np.median(np.abs(around), axis=1, keepdims=True)
        size = np.abs(spectrum[:, low:high])
        spectrum[:, low:high] *= np.minimum(1.0, 1.5 * level / np.maximum(size, 1e-12))
