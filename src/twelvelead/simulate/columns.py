"""The columns of ptbxl_database.csv that are neither labels nor signal: people, places, devices, stages.

Shares counted on the 20,821 rows of PTB-XL's table in the development set, by reader (READERS of
`cooccurrence`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from twelvelead.simulate.findings import INFARCTS, choose

SITE = {"machine": 0.0, "0": 0.0, "1": 1.0, "2": 2.0}
OTHER_SITES = {3.0: 0.38, 4.0: 0.07, 5.0: 0.04, 6.0: 0.03, 7.0: 0.03, 8.0: 0.03} | {
    float(site): 0.42 / 41 for site in range(9, 50)
}
DEVICES = {
    "machine": {"CS100    3": 1.0},
    "0": {"CS-12   E": 0.876, "CS100    3": 0.110, "AT-6 C 5.0": 0.014},
    "1": {
        "AT-6 C 5.5": 0.561, "AT-6     6": 0.308, "AT-6 C 5.8": 0.109, "AT-6 C 5.6": 0.009,
        "AT-6 C 5.3": 0.009, "AT-6 C 5.0": 0.004,
    },
    "2": {"CS-12": 0.796, "AT-60    3": 0.192, "CS100    3": 0.012},
    "other": {
        "AT-6 C": 0.340, "AT-6 C 5.5": 0.270, "AT-6     6": 0.241, "AT-6 C 5.8": 0.091, "CS-12   E": 0.044,
        "AT-6 C 5.3": 0.008, "AT-6 C 5.0": 0.006,
    },
}  # fmt: skip
NOBODY = -1.0
NURSES = {
    "machine": {0.0: 1.0}, "0": {0.0: 0.807, 2.0: 0.193}, "1": {float(k): 0.1 for k in (1, *range(3, 12))},
    "2": {1.0: 1.0}, "other": {NOBODY: 0.99, 0.0: 0.01},
}  # fmt: skip
VALIDATORS = {
    "machine": {NOBODY: 1.0}, "0": {NOBODY: 0.984, 1.0: 0.016}, "1": {0.0: 0.973, 6.0: 0.015, 7.0: 0.012},
    "2": {1.0: 1.0},
    "other": {2.0: 0.386, NOBODY: 0.328, 3.0: 0.119, 4.0: 0.078, 5.0: 0.060, 8.0: 0.025, 10.0: 0.004},
}  # fmt: skip
SECOND_OPINION = {"machine": 0.0, "0": 0.039, "1": 0.055, "2": 0.012, "other": 0.013}
MACHINE_FIRST = {"machine": 1.0, "0": 0.032, "1": 0.0, "2": 0.193, "other": 0.001}
SIZE_KNOWN = {
    "machine": (0.001, 0.300), "0": (0.004, 0.275), "1": (0.946, 0.923), "2": (0.021, 0.020),
    "other": (0.606, 0.588),
}  # fmt: skip
"""Share of records with height, and with weight."""
OPEN_YEARS = {
    "machine": (1990.0, 1996.0, 2001.4), "0": (1984.9, 1991.5, 2000.5), "1": (1986.8, 1992.5, 1997.9),
    "2": (1987.5, 1994.0, 2001.2), "other": (1986.8, 1992.0, 1997.8),
}  # fmt: skip
"""First, busiest and last year of a reader."""

AGE = {"machine": 58.1, "0": 49.0, "1": 66.4, "2": 68.4, "other": 65.7}  # years, before what the ECG adds
AGE_ADDED = {
    "NORM": -8.8, "AFIB": 5.6, "SARRH": -6.4, "PAC": 7.3, "1AVB": 4.0, "WPW": -12.2, "IRBBB": -2.6,
    "PVC": 3.2, "STD_": 3.6, "LAFB": 3.0, "PACE": 7.0, "LPR": 5.1, "CLBBB": 5.3, "CRBBB": 4.7, "IMI": 2.0,
    "ASMI": 1.9, "ISC_": 3.5, "LPFB": -4.4, "DIG": 2.0,
}  # fmt: skip
AGE_LEVELS = (0.0, 0.01, 0.05, 0.25, 0.50, 0.75, 0.95, 0.99, 1.0)
AGE_SPREAD = {True: (-45, -35, -24, -11, 1, 11, 23, 30, 42), False: (-46, -33, -22, -7, 1, 8, 18, 25, 34)}
"""Quantiles of age around that, for normal and for other records."""
MALE = {"machine": -0.02, "0": -0.47, "1": -0.51, "2": -0.72, "other": -0.43}  # log odds
MALE_ADDED = {
    "ABQRS": 0.41, "IRBBB": 0.55, "CRBBB": 0.84, "IVCD": 0.58, "LAFB": 0.45, "SBRAD": 0.48, "IMI": 0.43,
    "STD_": -0.30, "ISCAS": -0.82, "ILMI": 0.66, "NST_": -0.28, "LVH": 0.30, "AFLT": 1.10, "EL": -0.94,
    "STACH": -0.25, "ALMI": 0.51,
}  # fmt: skip
OVER_89 = 300.0  # how PTB-XL writes an age over 89

LAGETYP_DEG = (-45, -3, 92, 112)
"""Where Lagetypen change, in degrees of the mean QRS axis: measured on the 362 records of the development
set. Readers go by the tallest wave, so the textbook's -30, 30, 90 and 120 do not hold for the mean axis."""
AXIS_STATED = {"machine": 0.995, "0": 0.62, "2": 0.97}  # of normal axes; others are always stated
DEVIATION_STATED = {"1": 0.88, "other": 0.40}

UNKNOWN_STADIUM = {"machine": 0.73, "0": 0.65, "1": 0.40, "2": 0.70, "other": 0.68}  # but never a fresh one
OLD_STADIUM = {"machine": 0.08, "0": 0.14, "1": 0.92, "2": 0.21, "other": 0.90}
"""Share of Stadium III among II-III and III: a matter of the reader's words rather than of the heart."""


def draw_person(codes: frozenset[str], reader: str, rng: np.random.Generator) -> dict[str, Any]:
    """Age (years), sex and size of a patient whose first record carries `codes`."""
    added = sum(AGE_ADDED.get(code, 0.0) for code in sorted(codes))
    around = float(np.interp(rng.random(), AGE_LEVELS, AGE_SPREAD["NORM" in codes]))
    age = float(np.clip(np.rint(AGE[reader] + added + around), 17, 95))
    log_odds = MALE[reader] + sum(MALE_ADDED.get(code, 0.0) for code in sorted(codes))
    log_odds += -0.23 if age >= 75 else 0.43 if age >= 45 else 0.48 if age >= 30 else 0.0
    sex = int(rng.random() >= 1 / (1 + np.exp(-log_odds)))
    return {
        "age": age,
        "sex": sex,
        "height": float(np.rint(rng.normal(161 if sex else 173.5, 8.5))),
        "weight": float(np.rint(np.clip(rng.normal(64.5 if sex else 78, 14), 38, 150))),
    }


def draw_date(reader: str, rng: np.random.Generator) -> datetime:
    """When a patient came first, by day and in the hours of an outpatient clinic."""
    year = rng.triangular(*OPEN_YEARS[reader])
    day = datetime(1984, 1, 1) + timedelta(days=int((year - 1984) * 365.25))
    hour = float(np.clip(rng.normal(11.5, 3.0), 0, 23.99))
    return day + timedelta(seconds=int(hour * 3600))


def draw_visit(
    person: dict[str, Any], reader: str, years_later: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Where a record was taken, by whom, on what, and what was noted of the patient."""
    nurse, validator = choose(NURSES[reader], rng), choose(VALIDATORS[reader], rng)
    height, weight = SIZE_KNOWN[reader]
    age = person["age"] + np.floor(years_later)
    return {
        "age": float(age) if age <= 89 else OVER_89,
        "sex": person["sex"],
        "height": person["height"] if rng.random() < height else None,
        "weight": person["weight"] if rng.random() < weight else None,
        "nurse": None if nurse == NOBODY else nurse,
        "site": SITE[reader] if reader in SITE else choose(OTHER_SITES, rng),
        "device": choose(DEVICES[reader], rng),
        "initial_autogenerated_report": bool(rng.random() < MACHINE_FIRST[reader]),
        "validated_by": None if validator == NOBODY else validator,
        "second_opinion": bool(rng.random() < SECOND_OPINION[reader]),
        "validated_by_human": reader != "machine",
    }


def reader_of(site: float, validated_by_human: bool) -> str:
    """Who read a record, from its columns."""
    if not validated_by_human:
        return "machine"
    return {0.0: "0", 1.0: "1", 2.0: "2"}.get(site, "other")


def axis_column(axis_deg: float, reader: str, rng: np.random.Generator) -> str | None:
    """heart_axis: the German Lagetyp, or not stated; readers elsewhere state deviations only."""
    place = sum(axis_deg > bound for bound in LAGETYP_DEG)
    turned = place not in (1, 2)
    if reader in ("1", "other"):
        if not turned or rng.random() >= DEVIATION_STATED[reader]:
            return None
        left = {"LAD": 0.86, "AXL": 0.12, "ALAD": 0.02}
        return choose(left if place == 0 else {"RAD": 0.95, "AXR": 0.05}, rng)
    if not turned and rng.random() >= AXIS_STATED[reader]:
        return None
    if reader == "2" and not turned and rng.random() < 0.012:
        return "AXR"
    return ("ALAD", "LAD", "MID", "RAD", "ARAD")[place]


def stadium_columns(
    stage: str, written: frozenset[str], reader: str, rng: np.random.Generator
) -> tuple[str | None, str | None]:
    """infarction_stadium1 and 2; the age of most infarcts is not known, though never of a fresh one.

    Args:
        stage: I, II or III as the signal shows it; "" where the infarct is in the label only.
        written: The record's statements.
        reader: One of READERS.
        rng: Random stream.
    """
    infarcts = written & set(INFARCTS)
    if not infarcts:
        return None, None
    if stage != "I" and (not stage or rng.random() < UNKNOWN_STADIUM[reader]):
        return "unknown", None
    first = "Stadium I"
    if stage != "I":
        fresh = stage == "II" and rng.random() < 0.12
        old = rng.random() < OLD_STADIUM[reader]
        first = "Stadium II" if fresh else "Stadium III" if old else "Stadium II-III"
    second = first if len(infarcts) > 1 and first != "Stadium II-III" and rng.random() < 0.35 else None
    return first, second
