"""What a record really shows, given what is written about it: the noise of real labels, and its dials.

What is written follows PTB-XL exactly. The signal shows most of it, at a severity that fits the likelihood,
and a little that nobody wrote. Without that a small CNN is right almost always, and comparing models on such
data measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.simulate.cooccurrence import PARTNERS, PTBXL_RECORDS, RHYTHM_CODES, allowed
from twelvelead.simulate.likelihood import LIKELIHOODS, OTHERWISE_NORMAL, SEVERITY, SURE_FROM, Shares
from twelvelead.simulate.plan import Finding

Key = TypeVar("Key")

# The dials of difficulty. Shares are of the positives of a statement.
UNSEEN = {
    "STE_": 0.25, "TAB_": 0.25, "IVCD": 0.22, "ABQRS": 0.25, "NST_": 0.20, "QWAVE": 0.20,
    "NDT": 0.08, "LAO/LAE": 0.10, "LMI": 0.08, "WPW": 0.06, "PACE": 0.0, "AFIB": 0.0,
}  # fmt: skip
UNSEEN_ELSE = 0.05  # written, but not in the signal
UNWRITTEN = {"NORM": 0.05, "IMI": 0.06, "LVH": 0.06, "NDT": 0.08, "ISC_": 0.05, "ASMI": 0.04, "PACE": 0.0}
UNWRITTEN_ELSE = 0.04  # in the signal, but not written
UNWRITTEN_SEVERITY = (0.45, 0.90)  # what is overlooked is seldom large
SUBTLE = {
    "NDT": 0.40, "NST_": 0.30, "IVCD": 0.20, "QWAVE": 0.25, "TAB_": 0.50, "STE_": 0.40, "LAO/LAE": 0.25,
    "ABQRS": 0.30, "ISC_": 0.12, "LMI": 0.15, "NT_": 0.10, "ILMI": 0.10, "AMI": 0.10, "1AVB": 0.05,
    "LAFB": 0.05,
}  # fmt: skip
SUBTLE_ELSE = 0.03  # short of the criterion
SUBTLE_SEVERITY = (0.35, 0.65)
DISTRACTED = 0.08  # share of records with a trace of something too small to report
DISTRACTORS = (
    "LVH", "IMI", "ASMI", "ISC_", "NDT", "LAFB", "1AVB", "CRBBB", "IRBBB", "ISCAL", "LAO/LAE", "STD_", "NST_",
    "AMI", "LMI", "IVCD",
)  # fmt: skip
DISTRACTOR_SEVERITY = (0.08, 0.25)
HALF_NORMAL = 0.30  # share of records without any diagnosis that are plainly normal
HALF_DEVELOPED = 0.70  # of the others: the share that shows some half-developed picture
MISREAD = {("SR", "SBRAD"): 0.0025, ("SR", "STACH"): 0.0013, ("SBRAD", "SR"): 0.06, ("STACH", "SR"): 0.02}
"""(written, true): readers call a slow or fast sinus rhythm plain sinus rhythm at times, and vice versa."""

STAGES = {"I": 0.07, "II": 0.28, "III": 0.65}
INFARCTS = ("IMI", "ASMI", "ILMI", "AMI", "ALMI", "LMI", "IPLMI", "IPMI", "PMI")
STAGED = frozenset({*INFARCTS, "ANEUR"})
UNREADABLE_BESIDE = {
    wide: frozenset({*STAGED, "LVH", "VCLVH", "ISC_", "ISCAL", "QWAVE", "NDT", "RVH", "SEHYP", "NST_"})
    for wide in ("CLBBB", "PACE", "WPW")
}
"""A QRS that is rebuilt as a whole leaves nothing of the others to be read; they are there all the same."""
FITS_NORMAL = frozenset({"NORM", "SR", "SARRH", "SBRAD", "STACH", "PVC", "PAC", "PRC(S)", "BIGU", "TRIGU"})
SAME_VOLTAGE = 0.1  # severity of a voltage statement beside hypertrophy, whose edit has raised it already

_CODES = tuple(STATEMENTS)
_UNWRITTEN_CHANCE = np.array(
    [
        0.0
        if code in RHYTHM_CODES or code in ("ABQRS", "QWAVE")
        else STATEMENTS[code].n / PTBXL_RECORDS * (share := UNWRITTEN.get(code, UNWRITTEN_ELSE)) / (1 - share)
        for code in _CODES
    ]
)


def draw_likelihoods(labels: frozenset[str], rng: np.random.Generator) -> dict[str, float]:
    """`scp_codes` of a label set: likelihood (percent) by statement, in alphabetical order."""
    return {code: choose(_shares(code, labels), rng) for code in sorted(labels)}


def _shares(code: str, labels: frozenset[str]) -> Shares:
    return OTHERWISE_NORMAL if code == "NORM" and labels - {"NORM", "SR"} else LIKELIHOODS[code]


def draw_findings(written: Mapping[str, float], rng: np.random.Generator) -> tuple[Finding, ...]:
    """What the signal of a record shows, of which `written` is said (likelihood by statement).

    The stage of an infarction is that of all infarctions of the record.
    """
    stage = choose(STAGES, rng)
    severities: dict[str, tuple[float, bool]] = {}
    for code in sorted(written):
        if rng.random() >= UNSEEN.get(code, 0.0 if code in RHYTHM_CODES else UNSEEN_ELSE):
            severities[code] = _severity(code, written[code], rng)
    _rhythm(severities, rng)
    for place in np.flatnonzero(rng.random(len(_CODES)) < _UNWRITTEN_CHANCE):
        _overlook(_CODES[place], severities, frozenset(written), rng)
    _undiagnosed(severities, frozenset(written), rng)
    if rng.random() < DISTRACTED:
        _add_trace(severities, DISTRACTOR_SEVERITY, rng)
    return _settle_quarrels(severities, stage)


def _severity(code: str, likelihood: float, rng: np.random.Generator) -> tuple[float, bool]:
    subtle = 0.0 if code in (*RHYTHM_CODES, "NORM", "PVC", "PAC") else SUBTLE.get(code, SUBTLE_ELSE)
    if rng.random() < subtle:
        return float(rng.uniform(*SUBTLE_SEVERITY)), False
    sure = likelihood >= SURE_FROM or likelihood == 0 or code == "NORM"
    return float(rng.uniform(*SEVERITY[likelihood])), sure


def _rhythm(severities: dict[str, tuple[float, bool]], rng: np.random.Generator) -> None:
    """Misread rates; and where nobody wrote a rhythm down, there is one all the same."""
    for (said, true), share in MISREAD.items():
        if said in severities and rng.random() < share:
            del severities[said]
            severities[true] = (1.0, True)
            break
    if not severities.keys() & set(RHYTHM_CODES) - {"BIGU", "TRIGU"}:
        severities[choose({"SR": 0.8, "SBRAD": 0.1, "STACH": 0.1}, rng)] = (1.0, False)


def _overlook(
    code: str, severities: dict[str, tuple[float, bool]], written: frozenset[str], rng: np.random.Generator
) -> None:
    """A finding that nobody wrote; what is called normal in spite of it is not."""
    there = frozenset(severities)
    if code in written or not allowed((there - {"NORM"}) | {code}):
        return
    if code == "NORM" and there & PARTNERS["NORM"]:
        return
    severities[code] = (float(rng.uniform(*UNWRITTEN_SEVERITY)), False)
    if code in PARTNERS["NORM"]:
        severities.pop("NORM", None)


def _undiagnosed(
    severities: dict[str, tuple[float, bool]], written: frozenset[str], rng: np.random.Generator
) -> None:
    """Records of which no diagnosis is written: some normal, most abnormal in a way that has no statement."""
    if any(STATEMENTS[code].diagnostic for code in written) or "PACE" in written:
        return
    there = frozenset(severities)
    if rng.random() < HALF_NORMAL:
        if not there & PARTNERS["NORM"]:
            severities["NORM"] = (1.0, True)
    elif not there - set(RHYTHM_CODES) and rng.random() < HALF_DEVELOPED:
        _add_trace(severities, (0.25, 0.70), rng)


def _add_trace(
    severities: dict[str, tuple[float, bool]], span: tuple[float, float], rng: np.random.Generator
) -> None:
    code = DISTRACTORS[int(rng.integers(len(DISTRACTORS)))]
    there = frozenset(severities)
    if code not in there and allowed((there - {"NORM"}) | {code}):
        severities[code] = (float(rng.uniform(*span)), False)


def _settle_quarrels(severities: dict[str, tuple[float, bool]], stage: str) -> tuple[Finding, ...]:
    """Findings in the order of STATEMENTS, each asked for only what can be seen beside the others."""
    there = frozenset(severities)
    hidden = frozenset().union(*(UNREADABLE_BESIDE[wide] for wide in UNREADABLE_BESIDE if wide in there))
    findings = []
    for code in STATEMENTS:
        if code not in there:
            continue
        if code in ("ABQRS", "QWAVE") and there & set(INFARCTS):
            continue  # the infarct's own picture, named a second time
        severity, sure = severities[code]
        if code in ("VCLVH", "HVOLT") and "LVH" in there:
            severity = SAME_VOLTAGE
        sure = sure and code not in hidden and (code != "NORM" or there <= FITS_NORMAL)
        findings.append(Finding(code, severity, sure, stage if code in STAGED else ""))
    return tuple(findings)


def choose(shares: Mapping[Key, float], rng: np.random.Generator) -> Key:
    """A key, by its share."""
    point = rng.random() * sum(shares.values())
    keys = list(shares)
    for key in keys[:-1]:
        point -= shares[key]
        if point < 0:
            return key
    return keys[-1]
