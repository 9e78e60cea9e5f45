"""Inner loops of measuring, compiled: numpy would spend more time on starting than on counting.

Without fastmath: sums keep their order and are rounded as IEEE 754 says, hence the same numbers on any
processor. The innermost loops run over neighbouring samples, which the compiler can take four at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
BLOCK = 64  # samples sorted at a time: 32 beats of them fit the first cache


def compiled(function: Callable[..., Any]) -> Any:
    """Compile to machine code, kept on disk where that can be written, else for this process only."""
    try:
        return njit(cache=True)(function)
    except RuntimeError:  # numba found no writable folder: read-only container, no home
        return njit(function)


@compiled
def qrs_energy(size: Floats, top: Floats) -> Floats:
    """Weigh the leads of a (leads, n) detection signal: (n,) energy, or (0,) where no lead has any.

    Args:
        size: Absolute values.
        top: (leads,) their 0.98 quantile.
    """
    leads, n = size.shape
    weight = np.zeros(leads)
    total, live = 0.0, 0
    for lead in range(leads):
        if top[lead] > 0.01:
            mean = 0.0
            for at in range(n):
                mean += size[lead, at]
            # A QRS fills a tenth of the time, noise all of it: a lead quiet between its peaks counts more.
            weight[lead] = min(max(top[lead] / max(mean / n, 1e-9) - 2.6, 0.05), 4.0)
            total += weight[lead]
            live += 1
    if live == 0:
        return np.empty(0)
    energy, highest = np.zeros(n), np.zeros(n)
    for lead in range(leads):
        if weight[lead] > 0:
            scale, share = max(top[lead], 0.02), weight[lead] / total
            for at in range(n):
                scaled = min(size[lead, at] / scale, 1.5)
                part = scaled * scaled * share
                energy[at] += part
                highest[at] = max(highest[at], part)
    if live >= 4:  # a loose electrode jumps in one lead, a heart in all
        for at in range(n):
            energy[at] = max(energy[at] - highest[at], 0.0)
    return energy


@compiled
def smooth_root(energy: Floats, width: int) -> Floats:
    """Root of the centred mean of an odd number of samples of a row, edges repeated."""
    n, half = energy.size, width // 2
    out, total = np.empty(n), np.zeros(n + width)
    running = 0.0
    for at in range(n + width - 1):
        running += energy[min(max(at - half, 0), n - 1)]
        total[at + 1] = running
    for at in range(n):
        out[at] = math.sqrt(max(total[at + width] - total[at], 0.0) / width)
    return out


@compiled
def summits(x: Floats, reach: int) -> Indices:
    """Places above zero that nothing within `reach` samples exceeds; of equals that near, the first."""
    found = np.empty(x.size, np.intp)
    count, last = 0, -reach - 1
    for at in range(x.size):
        here = x[at]
        if here <= 0:
            continue
        highest = True
        for step in range(1, reach + 1):
            if (at + step < x.size and x[at + step] > here) or (at >= step and x[at - step] > here):
                highest = False
                break
        if highest:
            if at - last > reach:
                found[count] = at
                count += 1
            last = at
    return found[:count]


@compiled
def centres(energy: Floats, spots: Indices, reach: int) -> Floats:
    """Centre of the squared energy within `reach` of each spot, edges repeated, in samples."""
    out = np.empty(spots.size)
    for k in range(spots.size):
        moment, mass = 0.0, 0.0
        for offset in range(-reach, reach + 1):
            value = energy[min(max(spots[k] + offset, 0), energy.size - 1)]
            moment += value * value * offset
            mass += value * value
        out[k] = spots[k] + moment / max(mass, 1e-12)
    return out


@compiled
def cut(signal: Floats, leads: Indices, at: Indices, before: int, after: int) -> Floats:
    """Cut `before` samples before to `after` after each place: (n, leads, samples), with edges repeated."""
    size, width = signal.shape[1], before + after
    out = np.empty((at.size, leads.size, width))
    for k in range(at.size):
        first = at[k] - before
        inside = first >= 0 and first + width <= size
        for row in range(leads.size):
            whole = signal[leads[row]]
            if inside:
                for sample in range(width):
                    out[k, row, sample] = whole[first + sample]
            else:
                for sample in range(width):
                    out[k, row, sample] = whole[min(max(first + sample, 0), size - 1)]
    return out


@compiled
def likeness(signal: Floats, leads: Indices, at: Indices, shape: Floats, half: int, slack: int) -> Floats:
    """Correlate a QRS shape with the signal around each place, at lags of −slack to +slack: (n, lags).

    Args:
        signal: (…, n).
        leads: Which rows of it.
        at: Places in it.
        shape: (leads, 2 half + 1) of zero mean in each lead and unit energy over all.
        half: Samples of the shape on each side of its middle.
        slack: Largest lag.
    """
    size = signal.shape[1]
    n, lags, width = at.size, 2 * slack + 1, shape.shape[1]
    span, every = width + lags - 1, n * lags
    # Beats lie side by side, so that one step of the pattern is one long loop over all lags of all beats.
    here, sums = np.empty(span * n), np.zeros((span + 1) * n)
    squares, dot, energy = np.zeros((span + 1) * n), np.zeros(every), np.zeros(every)
    for lead in range(leads.size):
        whole = signal[leads[lead]]
        for k in range(n):
            first = at[k] - half - slack
            for sample in range(span):
                here[sample * n + k] = whole[min(max(first + sample, 0), size - 1)]
        for place in range(span * n):
            sums[place + n] = sums[place] + here[place]
            squares[place + n] += here[place] * here[place]
        for sample in range(0, width - 1, 2):  # two at a time: half the loads and stores of `dot`
            one, other = shape[lead, sample], shape[lead, sample + 1]
            now, after = here[sample * n :], here[(sample + 1) * n :]
            for place in range(every):
                dot[place] += now[place] * one + after[place] * other
        if width % 2:
            last, now = shape[lead, width - 1], here[(width - 1) * n :]
            for place in range(every):
                dot[place] += now[place] * last
        for place in range(every):
            total = sums[place + width * n] - sums[place]
            energy[place] -= total * total / width
    for place in range(n, squares.size):
        squares[place] += squares[place - n]
    out = np.empty((n, lags))
    for lag in range(lags):
        for k in range(n):
            place = lag * n + k
            power = energy[place] + squares[place + width * n] - squares[place]
            out[k, lag] = dot[place] / math.sqrt(max(power, 1e-12))
    return out


@compiled
def sort_middle(x: NDArray[np.floating], steps: Indices, out: NDArray[np.floating]) -> None:
    """Run a sorting network down the columns of (n, m), and write the median of each to (m,).

    Args:
        x: The columns' values.
        steps: (count, 4) rows to put in order, low and high, and whether each is looked at again.
        out: Written.
    """
    n, m = x.shape
    some = np.empty((n, BLOCK), x.dtype)
    for start in range(0, m, BLOCK):
        size = min(BLOCK, m - start)
        for row in range(n):
            for at in range(size):
                some[row, at] = x[row, start + at]
        for step in range(len(steps)):
            low, high = some[steps[step, 0]], some[steps[step, 1]]
            if not steps[step, 2]:
                for at in range(BLOCK):
                    high[at] = high[at] if low[at] < high[at] else low[at]
            elif not steps[step, 3]:
                for at in range(BLOCK):
                    low[at] = low[at] if low[at] < high[at] else high[at]
            else:
                for at in range(BLOCK):
                    one, other = low[at], high[at]
                    low[at] = one if one < other else other
                    high[at] = other if one < other else one
        low, high = some[(n - 1) // 2], some[n // 2]
        for at in range(size):
            out[start + at] = low[at] if n % 2 else (low[at] + high[at]) / 2


@compiled
def largest(x: NDArray[np.floating], count: int) -> NDArray[np.floating]:
    """The largest `count` values of each row, ascending: quick where they are few."""
    out = np.empty((x.shape[0], count), x.dtype)
    for row in range(x.shape[0]):
        held, found = out[row], 0
        for at in range(x.shape[1]):
            value = x[row, at]
            if found < count:
                place = found
                while place > 0 and held[place - 1] > value:
                    held[place] = held[place - 1]
                    place -= 1
                held[place] = value
                found += 1
            elif value > held[0]:
                place = 0
                while place + 1 < count and held[place + 1] < value:
                    held[place] = held[place + 1]
                    place += 1
                held[place] = value
    return out


@compiled
def weighed(stack: Floats, rows: Indices, weight: Floats) -> Floats:
    """Sum of some rows of (beats, leads, n), each by its weight: (beats, n)."""
    beats, _, n = stack.shape
    out = np.zeros((beats, n))
    for beat in range(beats):
        for k in range(rows.size):
            for at in range(n):
                out[beat, at] += stack[beat, rows[k], at] * weight[k]
    return out
