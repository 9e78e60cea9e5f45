"""A plan becomes samples: heart, rhythm and body drawn from the plan's keys, then noise, then int16.

Everything here depends on the plan alone. Sums are written out, not left to BLAS, and the last step rounds
to whole microvolts, so the bytes are the same on any x86.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from twelvelead.ecg.lead import derive_limb
from twelvelead.simulate.appearance import Appearance, look
from twelvelead.simulate.atria import atrial_waves, spikes
from twelvelead.simulate.heart import Floats, Heart, draw_ectopic, draw_heart, spread
from twelvelead.simulate.noise import Noise, device, draw_noise, electrode_noise, lift, misplace
from twelvelead.simulate.plan import HEART, NOISE, PATIENT, RecordPlan, stream
from twelvelead.simulate.rhythm import (
    CONDUCTED,
    DURATION_S,
    OTHER_VENTRICULAR,
    VENTRICULAR,
    Rhythm,
    draw_rhythm,
)
from twelvelead.simulate.statements import RECIPES, edit_heart
from twelvelead.simulate.vcg import FS_HZ, Body, draw_body, render, render_atria, twelve

SAMPLES = int(DURATION_S * FS_HZ)
ATTEMPTS = 60
AXIS_DEG = (-38.0, 105.0)
TURN_THE_AXIS = (
    "LAFB", "LPFB", "CLBBB", "CRBBB", "ILBBB", "IVCD", "WPW", "PACE", "RVH",
    "IMI", "ILMI", "IPMI", "IPLMI", "AMI", "ALMI", "LMI",
)  # fmt: skip
NEW_BODY_EVERY = 10  # attempts; a patient whose chest can show no normal ECG gets another one
LOWER_RATE_FACTOR = 5

Int16 = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Patient:
    """What a plan's keys draw, before samples: whose heart, how it beats, and how the leads see it."""

    heart: Heart
    body: Body
    rhythm: Rhythm
    rng: np.random.Generator  # the rest of the record's stream


def simulate_record(plan: RecordPlan) -> Int16:
    """The record with its noise.

    Returns:
        (5000, 12) int16, microvolts at 500 Hz, leads in disk order; III = II − I and the augmented leads
        follow from the rounded I and II to within a microvolt.
    """
    patient = _draw(plan)
    rng = stream(plan.seed, NOISE, plan.ecg_id)
    noise = draw_noise(rng, plan.device)
    body = Body(lift(patient.body.matrix, noise))
    breath = 1 + 0.03 * np.sin(
        2 * np.pi * noise.breath_hz * patient.rhythm.onset_s + rng.uniform(0, 2 * np.pi)
    )
    leads = misplace(_leads(replace(patient, body=body), breath), noise) + electrode_noise(
        noise, SAMPLES, rng
    )
    uv = np.rint(device(leads, noise) * 1000)
    return _with_limb_leads(uv)


def simulate_clean(plan: RecordPlan) -> Floats:
    """The same heart and rhythm without noise, misplaced electrodes or device: (12, 5000) mV at 500 Hz."""
    patient = _draw(plan)
    return twelve(_leads(patient, np.ones_like(patient.rhythm.onset_s)))


def lower_rate(signal_uv_500: Int16) -> Int16:
    """(5000, 12) at 500 Hz → (1000, 12) at 100 Hz, microvolts, anti-aliased like PTB-XL's own lower rate."""
    low = resample_poly(
        signal_uv_500[:, [0, 1, *range(6, 12)]].astype(np.float64), 1, LOWER_RATE_FACTOR, axis=0
    )
    return _with_limb_leads(np.rint(low).T)


def truth(plan: RecordPlan) -> dict[str, Any]:
    """What is true of the record, as drawn and as the noise-free beat shows it.

    Returns:
        rate_bpm, pr_ms (NaN without P), qrs_ms, qt_ms, axis_deg, p_present, irregular (conducted RR
        intervals vary by more than 10 %), ectopic_beats (inside the 10 s).
    """
    seen = appearance(plan)
    return {
        "rate_bpm": seen.rate_bpm,
        "pr_ms": seen.pr_ms,
        "qrs_ms": seen.qrs_ms,
        "qt_ms": seen.qt_ms,
        "axis_deg": seen.axis_deg,
        "p_present": seen.p_present,
        "irregular": seen.irregular,
        "ectopic_beats": seen.ectopic_beats,
    }


def appearance(plan: RecordPlan) -> Appearance:
    """The measures of the noise-free median beat."""
    patient = _draw(plan)
    return look(patient.heart, patient.body, patient.rhythm)


def rhythm_of(plan: RecordPlan) -> Rhythm:
    """When the beats of the record come, and which are ectopic."""
    return _draw(plan).rhythm


def noise_of(plan: RecordPlan) -> Noise:
    """The noise levels of a record, without its samples."""
    return draw_noise(stream(plan.seed, NOISE, plan.ecg_id), plan.device)


def settle(plan: RecordPlan) -> tuple[RecordPlan, Appearance]:
    """Redraw heart and rhythm until every sure finding is visible; the plan remembers which draw it was.

    Some combinations hide one another (an inferior infarct behind a fascicular block); after ATTEMPTS draws
    the one with the fewest failed checks stands.
    """
    sure = [RECIPES[finding.code] for finding in plan.findings if finding.sure]
    best: tuple[int, RecordPlan, Appearance] | None = None
    for attempt in range(ATTEMPTS):
        tried = replace(plan, attempt=attempt)
        seen = appearance(tried)
        failed = sum(not recipe.check(seen) for recipe in sure) + _axis_unexplained(plan, seen)
        if best is None or failed < best[0]:
            best = (failed, tried, seen)
        if not failed or plan.varied:
            break
    assert best is not None
    return best[1], best[2]


def _axis_unexplained(plan: RecordPlan, seen: Appearance) -> bool:
    """An axis that readers would have called a block: of 295 real records without one, 5 % lie outside."""
    explained = any(finding.code in TURN_THE_AXIS for finding in plan.findings)
    return not explained and not AXIS_DEG[0] < seen.axis_deg < AXIS_DEG[1]


def _draw(plan: RecordPlan) -> Patient:
    rng = stream(plan.seed, HEART, plan.ecg_id, plan.attempt)
    whose = stream(plan.seed, PATIENT, int(plan.patient_id), plan.attempt // NEW_BODY_EVERY)
    female = plan.sex == 1
    body = draw_body(plan.years, female, whose, rng)
    heart = draw_heart(plan.years, female, rng)
    if plan.varied:
        spread(heart, rng)
    edit_heart(heart, plan.findings, rng)
    rhythm = draw_rhythm(plan.codes, heart, plan.years, rng, varied=plan.varied)
    return Patient(heart, body, rhythm, rng)


def _leads(patient: Patient, breath: Floats) -> Floats:
    """(8, 5000) mV: all beats, conducted and ectopic, P waves, and what else atria and pacemakers write.

    Uses up the patient's stream.
    """
    heart, body, rhythm, rng = patient.heart, patient.body, patient.rhythm, patient.rng
    shapes = {CONDUCTED: heart, VENTRICULAR: draw_ectopic(rng), OTHER_VENTRICULAR: draw_ectopic(rng)}
    gain = breath * rng.normal(1, 0.02, rhythm.onset_s.size)
    qt_s = rhythm.qt_rr_s ** (1 / 3) / 1000
    leads = render_atria(heart, body, (rhythm.onset_s - rhythm.pr_s), rhythm.p_gain, SAMPLES)
    for kind, shape in shapes.items():
        chosen = rhythm.kind == kind
        if chosen.any():
            leads += render(
                shape, body, rhythm.onset_s[chosen], shape.qtc_ms * qt_s[chosen], gain[chosen], SAMPLES
            )
    if rhythm.lone_p_s.size:
        leads += render_atria(heart, body, rhythm.lone_p_s, np.ones((rhythm.lone_p_s.size, 3)), SAMPLES)
    if rhythm.atria:
        leads += atrial_waves(rhythm, SAMPLES, rng)
    if rhythm.spike_mv:
        leads += spikes(rhythm, SAMPLES)
    return leads


def _with_limb_leads(uv: Floats) -> Int16:
    """(8, n) whole microvolts → (n, 12) int16."""
    i, ii = uv[0], uv[1]
    limb = np.rint(np.stack(derive_limb(i, ii)))
    whole = np.concatenate([uv[:2], limb, uv[2:]]).T
    return np.clip(whole, -32767, 32767).astype(np.int16, order="C")
