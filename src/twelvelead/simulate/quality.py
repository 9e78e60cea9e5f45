"""The remarks on signal quality, ectopic beats and pacemakers in ptbxl_database.csv.

They follow the noise that was really drawn: what a reader calls noise differs from place to place, so the
limit is the reader's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twelvelead.ecg.lead import WFDB_LEADS
from twelvelead.simulate.findings import choose
from twelvelead.simulate.noise import ELECTRODES, Noise

DRIFT_MV = {"machine": 0.304, "0": 0.145, "1": 0.229, "2": 0.191, "other": 0.174}
"""Largest-lead baseline rms above which a reader writes drift: 1.8, 17.7, 5.0, 8.6 and 11.2 % of records."""
STATIC_MV = {"machine": 0.0257, "0": 0.0240, "1": 0.0572, "2": 0.0309, "other": 0.0363}
"""Muscle noise rms of a lead that a reader calls noisy: 23.7, 27.5, 1.9, 15.0 and 9.5 % of records."""
RESPIRATION = np.sqrt(1 + 0.6**2 / 2)  # what breathing adds to the rms of the baseline
FLAT_NOTED = 0.5
VENTRICULAR_NOTED = {"machine": 0.97, "0": 0.94, "1": 0.78, "2": 0.92, "other": 0.65}
ATRIAL_NOTED = {"machine": 0.6, "0": 0.6, "1": 0.10, "2": 0.8, "other": 0.05}
PACEMAKER = "ja, pacemaker"
PACEMAKER_NOTED = 0.97


def quality_columns(
    noise: Noise, ventricular: int, atrial: int, paced: bool, reader: str, rng: np.random.Generator
) -> dict[str, Any]:
    """The remarks on one record.

    Args:
        noise: Its noise.
        ventricular: Ventricular ectopic beats in it.
        atrial: Premature atrial beats in it.
        paced: A pacemaker is written.
        reader: One of READERS.
        rng: Random stream.
    """
    burst = {
        WFDB_LEADS[lead] for event in noise.events if event.kind == "burst" for lead in _sees(event.electrode)
    }
    lost = f"V{noise.fault_lead + 1}" if noise.fault == "flat" and rng.random() < FLAT_NOTED else None
    drifting = noise.lead_levels(noise.baseline_mv * RESPIRATION) > DRIFT_MV[reader]
    noisy = noise.lead_levels(noise.muscle_mv) > STATIC_MV[reader]
    return {
        "baseline_drift": _remark(drifting, " , {}"),
        "static_noise": _remark(noisy, " , {},  "),
        "burst_noise": _remark(np.array([lead in burst for lead in WFDB_LEADS]), "{}"),
        "electrodes_problems": lost,
        "extra_beats": _extra_beats(ventricular, atrial, reader, rng),
        "pacemaker": PACEMAKER if paced and rng.random() < PACEMAKER_NOTED else None,
    }


def _extra_beats(ventricular: int, atrial: int, reader: str, rng: np.random.Generator) -> str | None:
    if ventricular and rng.random() < VENTRICULAR_NOTED[reader]:
        both = ",SVES" if atrial else ""
        if reader == "machine":
            return choose(
                {f"VES{ventricular},alles": 0.72, f"VES{both}": 0.20, f"{ventricular},alles": 0.08}, rng
            )
        return choose({f"{ventricular}ES{both}": 0.75, f"VES{both}": 0.25}, rng)
    if atrial and rng.random() < ATRIAL_NOTED[reader]:
        return f"{atrial}ES" if reader in ("1", "other") else "SVES"
    return None


def _sees(electrode: int) -> list[int]:
    """Leads in which noise of one electrode is large; the Wilson terminal takes only a third of a limb."""
    name = ELECTRODES[electrode]
    return {"RA": [0, 1, 3], "LA": [0, 2, 4], "LL": [1, 2, 5]}.get(name, [electrode + 3])


def _remark(leads: Any, form: str) -> str | None:
    """Leads by name, three or more neighbours as a range, nearly all as "alles"."""
    chosen = np.flatnonzero(leads)
    if not chosen.size:
        return None
    if chosen.size >= 10:
        return form.format("alles")
    runs = np.split(chosen, np.flatnonzero(np.diff(chosen) > 1) + 1)
    names = []
    for run in runs:
        ends = [WFDB_LEADS[run[0]], WFDB_LEADS[run[-1]]]
        names += ["-".join(ends)] if run.size >= 3 else [WFDB_LEADS[lead] for lead in run]
    return form.format(",".join(names))
