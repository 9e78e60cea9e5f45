"""Fascicular and bundle branch blocks, pacing, pre-excitation, AV delay.

Sources: AHA/ACC/HRS 2009 part III (conduction), WHO/ISFC 1985, BR (Kusumoto 2018).
"""

from __future__ import annotations

import numpy as np

from twelvelead.simulate import criteria
from twelvelead.simulate.heart import FRAGMENTS, Heart, Wave, frontal, vector
from twelvelead.simulate.plan import Finding
from twelvelead.simulate.recipe import NARROW, recipe, share


@recipe("LAFB", criteria.left_anterior)
def left_anterior_fascicular_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The septum first, inferiorly; then the anterior wall late, from below: the axis swings up and left."""
    u, part = rng.uniform, share(finding)
    axis = heart.axis_deg + part * (u(-75, -44) - heart.axis_deg)
    z = float(heart.posterior.vector[2])
    heart.axis_deg = axis
    heart.septal = Wave(0.14, 0.075 * NARROW, vector(-0.10, 0.20 * part, -0.14) * u(0.7, 1.3))
    heart.apical = Wave(0.42, 0.11 * NARROW, frontal(axis + 6, u(0.75, 1.0), rng.normal(0.0, 0.14)))
    # The last forces point up and a little to the right: S in V5 and V6, and less of it in V1 and V2.
    heart.posterior = Wave(0.58, 0.11 * NARROW, frontal(axis - u(5, 35), u(0.55, 0.85), z * u(0.35, 0.9)))
    heart.basal.vector = heart.basal.vector + vector(-u(0.0, 0.3), -0.05, 0) * part
    heart.qrs_ms = u(90, 116)


@recipe("LPFB", criteria.left_posterior)
def left_posterior_fascicular_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The mirror of the anterior block: first up and left, then late down and right."""
    u, part = rng.uniform, share(finding)
    axis = heart.axis_deg + part * (u(96, 128) - heart.axis_deg)
    z = float(heart.posterior.vector[2])
    heart.axis_deg = axis
    heart.septal = Wave(0.14, 0.075 * NARROW, vector(0.16, -0.18 * part, -0.06) * u(0.7, 1.3))
    heart.apical = Wave(0.42, 0.11 * NARROW, frontal(axis, u(0.8, 1.1), rng.normal(0.05, 0.12)))
    heart.posterior = Wave(0.58, 0.11 * NARROW, frontal(axis + 8, u(0.5, 0.8), 0.8 * z))
    heart.qrs_ms = u(88, 114)


@recipe("CLBBB", criteria.left_bundle)
def complete_left_bundle_branch_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The left ventricle from the right, through muscle: one broad leftward QRS, ST-T against it."""
    left_bundle(heart, rng, whole_ms=rng.uniform(124, 168), axis_deg=rng.uniform(-45, 60), gain=1.0)
    heart.oppose(t_mv=rng.uniform(0.25, 0.5), st_mv=rng.uniform(0.07, 0.12))


def left_bundle(
    heart: Heart, rng: np.random.Generator, *, whole_ms: float, axis_deg: float, gain: float
) -> None:
    """Rebuild the QRS as one that comes from the right ventricle."""
    e, size = axis_deg, rng.uniform(0.8, 1.2) * gain
    behind = rng.uniform(0.8, 1.2)
    heart.axis_deg, heart.qrs_ms = e, whole_ms
    heart.extra = []
    heart.septal = Wave(0.17, 0.09 * NARROW, frontal(e + 10, 0.30, 0.28 * behind) * size)
    heart.apical = Wave(0.36, 0.10 * NARROW, frontal(e, 0.75, 0.55 * behind) * size)
    heart.posterior = Wave(0.54, 0.11 * NARROW, frontal(e - 5, 0.65, 0.80 * behind) * size)
    heart.basal = Wave(0.72, 0.11 * NARROW, frontal(e - 10, 0.75, 0.65 * behind) * size)


@recipe("ILBBB", criteria.incomplete_left_bundle)
def incomplete_left_bundle_branch_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The same picture, narrower and smaller; no septal q."""
    left_bundle(
        heart,
        rng,
        whole_ms=rng.uniform(106, 119),
        axis_deg=float(np.clip(heart.axis_deg, -30, 60)),
        gain=0.85,
    )
    heart.oppose(t_mv=0.15, st_mv=0.05)


@recipe("PACE", criteria.paced)
def ventricular_pacing(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A spike in the right ventricle's apex: like a left bundle block with a superior axis."""
    left_bundle(heart, rng, whole_ms=rng.uniform(138, 190), axis_deg=rng.uniform(-95, -40), gain=1.0)
    if rng.random() < 0.8:  # from the apex the front is left as well: V4–V6 point down
        for wave in (heart.apical, heart.posterior, heart.basal):
            wave.vector = wave.vector * vector(rng.uniform(0.3, 1.0), 1, 1)
    heart.oppose(t_mv=0.40, st_mv=0.095)


@recipe("CRBBB", criteria.right_bundle)
def complete_right_bundle_branch_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A normal start within 95 ms, then the right ventricle alone: late forces to the right and front."""
    part = share(finding)
    whole = rng.uniform(122, 162) if part == 1 else heart.qrs_ms + 15 * part
    heart.squeeze(min(95.0, heart.qrs_ms) / whole)
    heart.scale(vector(1, 1, 1 - 0.25 * part))
    heart.qrs_ms = whole
    late = vector(-0.55, rng.normal(-0.02, 0.12), -0.62) * rng.uniform(0.7, 1.35) * part
    heart.extra.append(Wave(0.77, 0.12 * NARROW, late))
    heart.t = heart.t + vector(0.08, 0, 0.22) * part


@recipe("IRBBB", criteria.incomplete_right_bundle)
def incomplete_right_bundle_branch_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """A small late force to the right and front: r' in V1, sometimes only there, and an s in I and V6."""
    u, part = rng.uniform, share(finding)
    whole = u(98, 119) if rng.random() < 0.7 else max(heart.qrs_ms + 4, 92.0)
    heart.squeeze(min(u(78, 92), heart.qrs_ms) / whole)
    heart.scale(vector(1, 1, u(0.7, 1.0)))
    heart.qrs_ms = whole
    late = vector(-u(0.05, 0.32), rng.normal(-0.08, 0.14), -u(0.22, 0.50)) * part
    heart.extra.append(Wave(u(0.76, 0.86), u(0.075, 0.11) * NARROW, late))
    heart.basal.vector = heart.basal.vector * vector(1, 1, u(0.2, 0.7))  # what went backwards meets r'
    if rng.random() < 0.6:
        heart.t = heart.t + vector(0.02, 0, 0.12) * u(0.3, 1.3) * part  # T in V1 turns over first


@recipe("IVCD", criteria.wide)
def nonspecific_conduction_disturbance(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Slow everywhere: wide and notched, without the picture of either bundle."""
    part = share(finding)
    heart.qrs_ms = max(heart.qrs_ms, heart.qrs_ms + (rng.uniform(110, 136) - heart.qrs_ms) * part)
    heart.fragment_mv = heart.fragment_mv + rng.normal(0, 0.06 * part, (FRAGMENTS, 8))
    heart.oppose(t_mv=0.08 * part, st_mv=0.02 * part)


@recipe("WPW", criteria.pre_excited)
def wolff_parkinson_white(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Muscle beside the valve starts early and slowly: short PR, delta wave, ST-T against it."""
    u = rng.uniform
    d, ahead = 85.0, 33.0
    whole = d + ahead
    pathway = (
        vector(-0.25, 0.75, -0.55),  # left lateral
        vector(0.85, -0.25, 0.25),  # right
        vector(0.55, -0.75, -0.35),  # posteroseptal
    )[int(rng.integers(3))]
    for wave in heart.qrs:
        wave.centre, wave.sigma = (ahead + wave.centre * d) / whole, wave.sigma * d / whole
    heart.qrs_ms = whole
    delta = pathway * u(0.35, 0.60) * max(finding.severity, 0.6)
    heart.extra += [Wave(12 / whole, 17 / whole, delta), Wave(34 / whole, 14 / whole, delta)]
    heart.pr_ms = u(82, 116)
    heart.p_ms = min(heart.p_ms, heart.pr_ms - 2)
    heart.oppose(t_mv=0.15, st_mv=0.04)


@recipe("3AVB", criteria.dissociated)
def third_degree_av_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The escape rhythm is narrow, or from a ventricle and wide."""
    if rng.random() < 0.55:
        if rng.random() < 0.5:
            complete_left_bundle_branch_block(heart, finding, rng)
        else:
            complete_right_bundle_branch_block(heart, finding, rng)
        heart.qrs_ms = max(heart.qrs_ms, 124.0)


@recipe("2AVB", criteria.drops_beats)
def second_degree_av_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The dropped beats are the rhythm's; below the node there is often bundle disease."""
    if rng.random() < 0.25:
        complete_right_bundle_branch_block(heart, finding, rng)


@recipe("1AVB", criteria.pr_long)
def first_degree_av_block(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """Every P is conducted, late."""
    if finding.severity < 0.7:
        heart.pr_ms = rng.uniform(188, 208)
    else:
        heart.pr_ms = rng.uniform(205, 300) if rng.random() < 0.9 else rng.uniform(300, 360)


@recipe("LPR", criteria.pr_long)
def prolonged_pr(heart: Heart, finding: Finding, rng: np.random.Generator) -> None:
    """The same seen as a form, just above the limit."""
    if heart.pr_ms <= 203:
        heart.pr_ms = rng.uniform(203, 245)
