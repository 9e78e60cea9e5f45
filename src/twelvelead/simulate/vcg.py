"""The heart as a dipole that moves through a few Gaussian waves, seen by eight leads.

Frank axes: X left, Y inferior, Z posterior; vectors in mV. Lead matrix: Dower, Machado and Osborne 1980,
times a gain that brings lead amplitudes to those of PTB-XL. Gaussian vectorcardiogram after Sameni 2007
(doi:10.1155/2007/43407); asymmetric Gaussians are evaluated in closed form, beat by beat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from twelvelead.ecg.lead import derive_limb
from twelvelead.simulate.heart import Floats, Heart

DOWER = np.array(
    [  # X, Y, Z, calibration gain
        [0.632, -0.235, 0.059, 1.25],  # I
        [0.235, 1.066, -0.132, 0.95],  # II
        [-0.515, 0.157, -0.917, 0.86],  # V1
        [0.044, 0.164, -1.387, 1.36],  # V2
        [0.882, 0.098, -1.277, 1.36],  # V3
        [1.213, 0.127, -0.601, 1.20],  # V4
        [1.125, 0.127, -0.086, 1.14],  # V5
        [0.831, 0.076, 0.230, 1.08],  # V6
    ]
)
# Atria and T lie elsewhere in the chest than the QRS: what each lead shows of their dipoles, over what it
# shows of the QRS's. From the median beats of 215 normal PTB-XL records.
P_LEADS = np.array([1.0, 1.0, 1.15, 0.54, 0.40, 0.5, 0.6, 0.65])
T_LEADS = np.array([1.05, 1.0, 1.15, 0.94, 0.61, 0.66, 0.80, 1.15])
FS_HZ = 500
MIN_SIGMA_S = 0.003
T_PEAK, T_RISE, T_FALL = 0.775, 0.125, 0.080  # centre and sigmas, shares of QT
U_AFTER_T_S, U_SIGMA_S = 0.060, 0.035
PAD = 2 * FS_HZ  # room for beats that reach over an end of the record


@dataclass(frozen=True, slots=True)
class Body:
    """Where the electrodes see the heart from: (8, 3) lead matrix of I, II, V1–V6."""

    matrix: Floats

    def see(self, dipole: Floats) -> Floats:
        """The eight lead values of one dipole. Written out, because BLAS sums in an order of its own."""
        m = self.matrix
        return m[:, 0] * dipole[0] + m[:, 1] * dipole[1] + m[:, 2] * dipole[2]


def draw_body(years: float, female: bool, patient: np.random.Generator, record: np.random.Generator) -> Body:
    """The patient's body, with the small differences of one day's electrode placement."""
    matrix = DOWER[:, :3] * DOWER[:, 3:]
    # PTB-XL: men lose voltage with age, women hardly have it to lose.
    build = 0.96 if female else 1.13 * float(np.exp(0.005 * (50 - years)))
    for rng, share in ((patient, 1.0), (record, 0.25)):
        for axis, sd_deg in enumerate((6.0, 9.0, 7.0)):
            matrix = _rotate(matrix, axis, np.deg2rad(rng.normal(0, sd_deg * share)))
        matrix = matrix * np.exp(rng.normal(0, 0.16 * share, (8, 1))) + rng.normal(0, 0.04 * share, (8, 3))
        matrix = matrix * np.exp(rng.normal(0, 0.22 * share))
    return Body(matrix * build)


def _rotate(matrix: Floats, axis: int, angle: float) -> Floats:
    a, b = [i for i in range(3) if i != axis]
    turned = matrix.copy()
    turned[:, a] = matrix[:, a] * np.cos(angle) - matrix[:, b] * np.sin(angle)
    turned[:, b] = matrix[:, a] * np.sin(angle) + matrix[:, b] * np.cos(angle)
    return turned


def render(heart: Heart, body: Body, onset_s: Floats, qt_s: Floats, gain: Floats, n: int) -> Floats:
    """Draw the QRS, ST and T of beats of one shape.

    Args:
        heart: The shape.
        body: The leads.
        onset_s: (beats,) QRS onsets; may lie outside the record.
        qt_s: (beats,) QRS onset to T end.
        gain: (beats,) size of the QRS-T.
        n: Samples at 500 Hz.

    Returns:
        (8, n) mV: I, II, V1–V6.
    """
    out = np.zeros((8, n + 2 * PAD))
    inside = (onset_s > -1.0) & (onset_s < n / FS_HZ + 1.0)
    onset_s, qt_s, gain = (values[inside] for values in (onset_s, qt_s, gain))
    if onset_s.size:
        d = heart.qrs_ms / 1000
        late = float(qt_s.max()) + 0.15
        _add(out, onset_s, -0.02, d + 0.04, lambda t: _qrs(heart, body, t, gain))
        _add(out, onset_s, d / 2, late, lambda t: _st_t(heart, body, t, qt_s, gain))
    return out[:, PAD : PAD + n]


def render_atria(heart: Heart, body: Body, onset_s: Floats, gain: Floats, n: int) -> Floats:
    """Draw P waves.

    Args:
        heart: Shape and length of the P wave.
        body: The leads.
        onset_s: (waves,) P onsets; may lie outside the record.
        gain: (waves, 3) factors on X, Y and Z of the atrial dipoles.
        n: Samples at 500 Hz.

    Returns:
        (8, n) mV: I, II, V1–V6.
    """
    out = np.zeros((8, n + 2 * PAD))
    inside = (onset_s > -1.0) & (onset_s < n / FS_HZ + 1.0) & (gain != 0).any(axis=1)
    onset_s, gain = onset_s[inside], gain[inside]
    if onset_s.size:
        _add(out, onset_s, -0.03, heart.p_ms / 1000 + 0.03, lambda t: _atria(heart, body, t, gain))
    return out[:, PAD : PAD + n]


def twelve(leads: Floats) -> Floats:
    """(8, n) independent leads → (12, n) in the order of `twelvelead.ecg.lead.LEADS`."""
    i, ii = leads[0], leads[1]
    return np.stack([i, ii, *derive_limb(i, ii), *leads[2:]])


def _add(
    out: Floats, origin_s: Floats, begin_s: float, end_s: float, shape: Callable[[Floats], Floats]
) -> None:
    """Add `shape` of the time since each origin, evaluated only where it is not zero."""
    first = np.ceil((origin_s + begin_s) * FS_HZ).astype(np.int64)
    length = int((end_s - begin_s) * FS_HZ)
    t = (first[:, None] + np.arange(length)) / FS_HZ - origin_s[:, None]
    leads = shape(t)
    for beat, start in enumerate(first + PAD):
        out[:, start : start + length] += leads[:, beat]


def _bell(t: Floats, centre_s: Floats | float, left_s: Floats | float, right_s: Floats | float) -> Floats:
    x = t - centre_s
    x = x / np.where(x < 0, left_s, right_s)
    return np.exp(-0.5 * x * x)


def _weigh(weights: Floats, wave: Floats) -> Floats:
    return weights[:, None, None] * wave


def _qrs(heart: Heart, body: Body, t: Floats, gain: Floats) -> Floats:
    d = heart.qrs_ms / 1000
    leads = np.zeros((8, *t.shape))
    for wave in heart.qrs:
        sigma = max(wave.sigma * d, MIN_SIGMA_S)
        leads += _weigh(body.see(wave.vector), _bell(t, wave.centre * d, sigma, sigma))
    for (centre, width), weights in zip(heart.fragment_at, heart.fragment_mv, strict=True):
        sigma = max(width * d, MIN_SIGMA_S)
        leads += _weigh(weights, _bell(t, centre * d, sigma, sigma))
    return leads * gain[:, None]


def _atria(heart: Heart, body: Body, t: Floats, gain: Floats) -> Floats:
    width = heart.p_ms / 1000
    sigma = 0.165 * width
    leads = np.zeros((8, *t.shape))
    for dipole, centre in ((heart.right_atrium, 0.33), (heart.left_atrium, 0.66)):
        # (8, waves): each wave has a dipole of its own.
        seen = np.zeros((8, len(t)))
        for axis in range(3):
            seen += (P_LEADS * body.matrix[:, axis])[:, None] * (dipole[axis] * gain[:, axis])
        leads += seen[:, :, None] * _bell(t, centre * width, sigma, sigma)
    return leads


def _st_t(heart: Heart, body: Body, t: Floats, qt_s: Floats, gain: Floats) -> Floats:
    qt = qt_s[:, None]
    peak, j = T_PEAK * qt, heart.qrs_ms / 1000
    width = heart.t_width * qt
    leads = _weigh(
        T_LEADS * body.see(heart.t) + heart.t_local, _bell(t, peak, T_RISE * width, T_FALL * width)
    )
    st_mv = body.see(heart.st) + heart.st_local
    if np.any(st_mv != 0):
        plateau = _step((t - j) / 0.006) * _step((peak + 0.020 - t) / 0.022)
        slope = 1 + heart.st_slope * (np.clip((t - j) / (peak - j), 0, 1) - 0.5)
        leads += _weigh(st_mv, plateau * slope)
    if np.any(heart.u != 0):
        leads += _weigh(body.see(heart.u), _bell(t, qt + U_AFTER_T_S, U_SIGMA_S, U_SIGMA_S))
    return leads * gain[:, None]


def _step(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(x, -40, 40)))
