"""Electrodes that seem to sit where another belongs.

Only suspicions: a heart can look like any of these. `bench/validation.py` swaps the leads of real records and
counts: how many are found, and how many untouched ones are suspected. LA/LL changes too little to be told.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from twelvelead.ecg.lead import LEADS
from twelvelead.ecg.measure import Measurements

Floats = npt.NDArray[np.floating]

P_MV = 0.03
OPPOSED = -0.7  # correlation of lead I with V6; of 472 real records none is below
CHEST_FIT = 0.5
CHEST = LEADS[6:]
CHAIN = np.arange(6)
SWAPS = tuple(combinations(range(6), 2))
ORDERS = np.array([[{one: other, other: one}.get(at, at) for at in range(6)] for one, other in SWAPS])
WORDS = (
    *(f"{CHEST[one]} and {CHEST[other]} seem swapped" for one, other in SWAPS),
    *(f"{lead} seems upside down" for lead in CHEST),
)


def limb_reversal(measured: Measurements, signal_mv: Floats) -> str:
    """What is suspected of the limb electrodes, or "".

    RA/LA turns P, QRS and T of lead I over while V6, which shares its direction, stays as it is (so it is no
    dextrocardia); RA/LL does the same to lead II (Kligfield 2007, doi 10.1016/j.jacc.2007.01.024). Without P
    (fibrillation) lead I must run opposite to V6 from end to end.
    """
    net = measured.r_mv - measured.s_mv
    p, t = measured.p_mv, measured.t_mv
    if not np.isfinite([net[0], net[1], net[11], t[0], t[1]]).all():
        return ""
    if net[1] < 0 and t[1] < 0 and p[1] < -P_MV:  # first: lead I may point down then, too
        return "right arm and left leg: P, QRS and T of lead II point down"
    if net[0] < 0 and t[0] < 0 and net[11] > 0 and (p[0] < -P_MV or _correlation(signal_mv) < OPPOSED):
        return "right and left arm: P, QRS and T of lead I point down, those of V6 do not"
    return ""


def chest_order(gram: Floats) -> tuple[str, float]:
    """Whether V1-V6 would follow each other much better with two leads swapped or one turned over.

    Neighbouring chest leads resemble each other, so the sum of squared differences along V1, V2 … V6 is near
    its least when each lead is in its place.

    Args:
        gram: (6, 6) inner products of the leads' changes, so that the baseline has no say.

    Returns:
        The suspicion or "", and the best alternative's sum as a share of the present one, at most 1.
    """
    power = np.diag(gram)
    if power.min() <= 0:
        return "", float("nan")
    apart = power[:, None] + power[None] - 2 * gram
    now = max(float(apart[CHAIN[:-1], CHAIN[1:]].sum()), 1e-12)
    swapped = apart[ORDERS[:, :-1], ORDERS[:, 1:]].sum(axis=1) / now
    # A lead turned over changes the sign of its two products: each gap's square grows by 4 times the product.
    products = np.concatenate([[0.0], 4 * gram[CHAIN[:-1], CHAIN[1:]], [0.0]])
    turned = 1 + (products[:-1] + products[1:]) / now
    shares = np.concatenate([swapped, turned])
    best = int(shares.argmin())
    return (WORDS[best] if shares[best] < CHEST_FIT else ""), float(min(shares[best], 1.0))


def _correlation(signal_mv: Floats) -> float:
    one, other = (signal_mv[row] - signal_mv[row].mean() for row in (0, 11))
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0
