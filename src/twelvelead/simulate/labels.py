"""Which statements a record carries: co-occurrence, exclusions, likelihoods, and the noise of real labels.

Figures: PTB-XL (Wagner 2020, doi:10.1038/s41597-020-0495-6); prevalences of the whole set, co-occurrence
P(j | i) and likelihood shares from folds 9 and 10. Limited to the statements of RECIPES.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate.plan import Finding

RHYTHM_CODES = ("SR", "AFIB", "STACH", "SBRAD")
OTHER = "other"  # a record that is not normal, though none of our statements says why
PTBXL_RECORDS = 21837

COMPANIONS: dict[str, dict[str, float]] = {
    "NORM": {"PVC": 0.027},
    "NDT": {"PVC": 0.06},
    "IMI": {"ASMI": 0.22, "LVH": 0.11, "LAFB": 0.09, "ISC_": 0.08, "PVC": 0.08, "1AVB": 0.05, "CRBBB": 0.04},
    "ASMI": {"IMI": 0.25, "LAFB": 0.21, "LVH": 0.15, "ISC_": 0.13, "PVC": 0.11, "1AVB": 0.09, "CRBBB": 0.07},
    "LVH": {"ISC_": 0.53, "ASMI": 0.17, "IMI": 0.13, "LAFB": 0.07, "PVC": 0.07, "1AVB": 0.04},
    "LAFB": {"ASMI": 0.31, "IMI": 0.15, "CRBBB": 0.10, "LVH": 0.09, "PVC": 0.08, "1AVB": 0.08},
    "ISC_": {"LVH": 0.89, "ASMI": 0.24, "IMI": 0.17, "PVC": 0.08, "LAFB": 0.07},
    "1AVB": {"ASMI": 0.27, "IMI": 0.17, "LAFB": 0.16, "CLBBB": 0.11, "PVC": 0.11, "LVH": 0.11, "CRBBB": 0.09,
             "ISC_": 0.09},
    "CRBBB": {"LAFB": 0.30, "ASMI": 0.30, "IMI": 0.21, "1AVB": 0.14, "PVC": 0.08},
    "CLBBB": {"1AVB": 0.16, "PVC": 0.12},
    "PVC": {"ASMI": 0.23, "NORM": 0.22, "IMI": 0.19, "LVH": 0.13, "LAFB": 0.11, "NDT": 0.10, "ISC_": 0.09},
}  # fmt: skip
"""P(j | i): what else is written on a record with i."""

AFIB_WITH = {
    "NORM": 0.0, "IMI": 0.12, "ASMI": 0.25, "LVH": 0.12, "LAFB": 0.11, "ISC_": 0.18, "CRBBB": 0.17,
    "CLBBB": 0.12, "PVC": 0.17, "1AVB": 0.0, "NDT": 0.06, OTHER: 0.20,
}  # fmt: skip
STACH_WITH = {"NORM": 0.025, "PVC": 0.08, "LVH": 0.05, "1AVB": 0.09, "CLBBB": 0.10, OTHER: 0.10}
SBRAD_WITH = {"NORM": 0.030, "LVH": 0.036, OTHER: 0.05}
NO_RHYTHM = 0.05

EXCLUDED: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (
        *(("NORM", code) for code in ("ASMI", "IMI", "LVH", "NDT", "ISC_", "CLBBB", "CRBBB")),
        *(("NORM", code) for code in ("LAFB", "1AVB", "AFIB")),
        # The left bundle block rebuilds the whole QRS, so nothing of it can be read as scar or voltage.
        *(("CLBBB", code) for code in ("LAFB", "NDT", "CRBBB", "IMI", "ASMI", "LVH", "ISC_")),
        *(("NDT", code) for code in ("ISC_", "CRBBB")),
        ("1AVB", "AFIB"),
        *((a, b) for a in RHYTHM_CODES for b in RHYTHM_CODES if a < b),
    )
)  # fmt: skip
"""Pairs that never share a record: not one in PTB-XL where more than 8 were expected, or by definition."""

LIKELIHOODS: dict[str, dict[float, float]] = {
    "NORM": {100: 0.75, 80: 0.19, 50: 0.06},
    "IMI": {100: 0.38, 80: 0.09, 50: 0.19, 35: 0.05, 15: 0.29},
    "ASMI": {100: 0.66, 80: 0.04, 50: 0.18, 15: 0.12},
    "LVH": {100: 0.50, 80: 0.05, 50: 0.26, 35: 0.10, 15: 0.09},
    "ISC_": {100: 0.89, 80: 0.02, 50: 0.09},
    "PVC": {100: 0.88, 0: 0.12},
    "AFIB": {100: 0.03, 0: 0.97},
    "SR": {0: 1.0},
    "SBRAD": {0: 1.0},
    "STACH": {0: 1.0},
}
"""Share of each written likelihood (percent); 100 where a statement is not listed."""

SEVERITY = {
    100: (0.8, 1.3),
    80: (0.65, 0.95),
    50: (0.45, 0.80),
    35: (0.35, 0.65),
    15: (0.15, 0.50),
    0: (0.6, 1.2),
}
SURE_FROM = 80  # percent; form and rhythm statements, written as 0, are sure as well

DROPPED = {"NORM": 0.05, "IMI": 0.06, "LVH": 0.06, "NDT": 0.08, "ISC_": 0.05, "ASMI": 0.04}
DROPPED_ELSE = 0.03
SPURIOUS_SHARE = 0.13  # of the natural prevalence; boosting makes it about 6 % of the positives
SUBTLE = {"NDT": 0.45, "ISC_": 0.15, "1AVB": 0.05, "LAFB": 0.05}  # share of positives short of the criterion
SUBTLE_ELSE = 0.03
DISTRACTED = 0.08
DISTRACTORS = ("LVH", "IMI", "ASMI", "ISC_", "NDT", "LAFB", "1AVB", "CRBBB")
STAGES = {"I": 0.07, "II": 0.28, "III": 0.65}


def allowed(codes: frozenset[str]) -> bool:
    """Whether no two of the codes exclude each other."""
    return not any(pair <= codes for pair in EXCLUDED)


def draw_codes(rng: np.random.Generator, anchor: str = "") -> frozenset[str]:
    """One natural label set: an anchor, its companions, a rhythm.

    Args:
        rng: Random stream.
        anchor: Force this statement to be there.
    """
    codes: set[str] = set()
    rhythm = anchor if anchor in RHYTHM_CODES else ""
    first = anchor if anchor and not rhythm else _choose(anchors(), rng)
    while rhythm and not _fits_rhythm(first, rhythm, rng):
        first = _choose(anchors(), rng)
    if first != OTHER:
        codes.add(first)
    chance = rng.random(len(STATEMENTS))
    for draw, (companion, share) in zip(chance, COMPANIONS.get(first, {}).items(), strict=False):
        if draw < share and allowed(frozenset({*codes, companion, *((rhythm,) if rhythm else ())})):
            codes.add(companion)
    rhythm = rhythm or _draw_rhythm(codes, rng)
    return frozenset(codes | ({rhythm} if rhythm else set()))


@lru_cache(maxsize=1)
def anchors() -> dict[str, float]:
    """Probability of each anchor, such that anchors and companions together reach PTB-XL's prevalences."""
    target = {code: STATEMENTS[code].n / PTBXL_RECORDS for code in COMPANIONS}
    weight = dict(target)
    for _ in range(300):
        reached = {
            code: weight[code] + sum(weight[i] * with_i.get(code, 0) for i, with_i in COMPANIONS.items())
            for code in target
        }
        weight = {code: weight[code] * (target[code] / reached[code]) for code in target}
    return weight | {OTHER: 1 - sum(weight.values())}


def draw_findings(
    labels: frozenset[str], rng: np.random.Generator
) -> tuple[tuple[Finding, ...], dict[str, float], str]:
    """What a record with these statements shows, and what is written about it.

    Label noise: some findings are not written, a few are written that are not there, and some records carry
    a trace of a finding too small to report. Without it a small CNN is right almost always, and comparing
    models on such data measures nothing.

    Returns:
        The findings, `scp_codes`, and the infarction stage ("" without infarction).
    """
    written: dict[str, float] = {}
    findings: list[Finding] = []
    stage = _choose(STAGES, rng) if labels & {"IMI", "ASMI"} else ""
    for code in sorted(labels):
        shares = LIKELIHOODS.get(code, {100: 1.0})
        likelihood = list(shares)[int(rng.choice(len(shares), p=np.array(list(shares.values()))))]
        severity = rng.uniform(*SEVERITY[int(likelihood)])
        sure = likelihood >= SURE_FROM or likelihood == 0 or code == "NORM"
        if code not in (*RHYTHM_CODES, "NORM", "PVC") and rng.random() < SUBTLE.get(code, SUBTLE_ELSE):
            severity, sure = rng.uniform(*SEVERITY[35]), False
        findings.append(Finding(code, severity, sure, stage if code in ("IMI", "ASMI") else ""))
        if rng.random() >= (DROPPED.get(code, DROPPED_ELSE) if code not in RHYTHM_CODES else 0.0):
            written[code] = float(likelihood)
    if not labels & set(RHYTHM_CODES):
        # Nobody wrote a rhythm down; there is one all the same.
        findings.append(Finding(_choose({"SR": 0.8, "SBRAD": 0.1, "STACH": 0.1}, rng), 1.0, sure=False))
    if not written:  # a row without any statement would not be a record of PTB-XL
        written = {code: 100.0 if code not in RHYTHM_CODES else 0.0 for code in labels or {"SR"}}
    _misread_rate(written, rng)
    for code in COMPANIONS:
        spurious = SPURIOUS_SHARE * STATEMENTS[code].n / PTBXL_RECORDS
        if rng.random() < spurious and code not in labels and allowed(frozenset({*written, code})):
            written[code] = 50.0 if code in ("NORM", "IMI", "ASMI", "LVH") else 100.0
    if rng.random() < DISTRACTED:
        code = DISTRACTORS[int(rng.integers(len(DISTRACTORS)))]
        if allowed(labels - {"NORM"} | {code}) and code not in labels:
            findings.append(Finding(code, rng.uniform(0.08, 0.25), sure=False, stage="III"))
    if not labels - set(RHYTHM_CODES) and rng.random() < 0.7:
        # Abnormal in a way that has no statement here: half-developed pictures.
        free = [code for code in DISTRACTORS if code not in {f.code for f in findings}]
        findings.append(
            Finding(free[int(rng.integers(len(free)))], rng.uniform(0.25, 0.7), sure=False, stage="II")
        )
    return tuple(findings), written, stage


def _misread_rate(written: dict[str, float], rng: np.random.Generator) -> None:
    """Readers call a slow or fast sinus rhythm plain sinus rhythm at times."""
    for code, share in (("SBRAD", 0.06), ("STACH", 0.03), ("AFIB", 0.02)):
        if code in written and rng.random() < share:
            del written[code]
            written["SR"] = 0.0
    if "SR" in written and rng.random() < 0.004:
        del written["SR"]
        written["SBRAD"] = 0.0


def _fits_rhythm(anchor: str, rhythm: str, rng: np.random.Generator) -> bool:
    """Rejection step: anchors that go with the rhythm are taken more often."""
    share = {
        "AFIB": AFIB_WITH.get(anchor, 0.06) / 0.25,
        "STACH": STACH_WITH.get(anchor, 0.04) / 0.10,
        "SBRAD": SBRAD_WITH.get(anchor, 0.02) / 0.05,
    }.get(rhythm, 1.0)
    return bool(rng.random() < share)


def _draw_rhythm(codes: set[str], rng: np.random.Generator) -> str:
    if rng.random() < NO_RHYTHM:
        return ""
    of = codes or {OTHER}
    afib = 0.0 if of & {"NORM", "1AVB"} else max(AFIB_WITH.get(code, 0.06) for code in of)
    stach = max(STACH_WITH.get(code, 0.04) for code in of)
    sbrad = max(SBRAD_WITH.get(code, 0.02) for code in of)
    return _choose({"AFIB": afib, "STACH": stach, "SBRAD": sbrad, "SR": 1 - afib - stach - sbrad}, rng)


def _choose(shares: dict[str, float], rng: np.random.Generator) -> str:
    """A key, by its share."""
    point = rng.random() * sum(shares.values())
    for key, share in shares.items():
        point -= share
        if point < 0:
            return key
    return key


def again(labels: frozenset[str], rng: np.random.Generator) -> frozenset[str]:
    """Label set of a patient's later record: lasting findings stay, passing ones come and go."""
    # Sorted: a set is walked in an order that changes with the process, and so would the draws.
    kept = {code for code in sorted(labels) if code not in (*RHYTHM_CODES, "PVC") or rng.random() < 0.3}
    rhythm = kept & set(RHYTHM_CODES)
    if rhythm:
        return frozenset(kept)
    if "AFIB" in labels:
        return frozenset({*kept, "AFIB"})
    drawn = _draw_rhythm(kept, rng)
    return frozenset(kept | ({drawn} if drawn else set()))
