"""All 71 statements: what each does to a heart, and when the noise-free signal shows it.

One statement is one function, registered with its criterion in `conduction`, `hypertrophy`, `infarction`,
`ischaemia` or `repolarisation`; severity 1 is textbook. Rhythms and ectopy leave the conducted beat alone.
"""

from __future__ import annotations

import numpy as np

from twelvelead.simulate import (  # they register their recipes
    conduction,  # noqa: F401
    criteria,
    hypertrophy,  # noqa: F401
    infarction,  # noqa: F401
    ischaemia,  # noqa: F401
    repolarisation,  # noqa: F401
)
from twelvelead.simulate.criteria import Check
from twelvelead.simulate.heart import Heart
from twelvelead.simulate.plan import Finding
from twelvelead.simulate.recipe import REGISTERED, Recipe, nothing, recipe

RHYTHM_CHECKS: dict[str, Check] = {
    "SR": criteria.sinus(50, 101), "SBRAD": criteria.sinus(0, 60), "STACH": criteria.sinus(100, 1000),
    "SARRH": criteria.sinus_arrhythmia, "AFIB": criteria.fibrillates, "AFLT": criteria.flutters,
    "SVTAC": criteria.fast_without_sinus, "PSVT": criteria.paroxysm, "SVARR": criteria.not_sinus,
    "BIGU": criteria.bigeminy, "TRIGU": criteria.trigeminy,
    "PVC": criteria.has_ectopics, "PAC": criteria.has_early, "PRC(S)": criteria.has_premature,
    "NORM": criteria.normal,
}  # fmt: skip
for _code, _check in RHYTHM_CHECKS.items():
    recipe(_code, _check)(nothing)

ORDER = (
    "LAFB", "LPFB", "RVH", "LVH", "VCLVH", "HVOLT", "SEHYP", "LVOLT",
    "CLBBB", "ILBBB", "PACE", "CRBBB", "IRBBB", "IVCD", "WPW", "3AVB", "2AVB",
    "IMI", "ASMI", "AMI", "ALMI", "LMI", "PMI", "ILMI", "IPMI", "IPLMI", "QWAVE", "ABQRS",
    "INJAS", "INJAL", "INJLA", "INJIN", "INJIL",
    "ISCAL", "ISCAS", "ISCAN", "ISCIN", "ISCIL", "ISCLA", "ISC_", "ANEUR",
    "STD_", "STE_", "NST_", "NDT", "NT_", "LOWT", "INVT", "TAB_", "DIG", "EL", "LNGQT",
    "LAO/LAE", "RAO/RAE", "1AVB", "LPR", *RHYTHM_CHECKS,
)  # fmt: skip
"""Conduction, voltage, bundle branches, infarction, ischaemia, T, P, PR: later edits see earlier results."""

IMPLIED_BY = {"VCLVH": ("LVH",), "HVOLT": ("LVH", "VCLVH"), "LPR": ("1AVB",)}
"""Descriptions of what another statement has made already: the same voltage is not added twice."""

RECIPES: dict[str, Recipe] = {code: REGISTERED[code] for code in ORDER}
"""Every statement, in the order in which edits are applied."""


def edit_heart(heart: Heart, findings: tuple[Finding, ...], rng: np.random.Generator) -> None:
    """Apply the findings to a normal heart, in the order of RECIPES."""
    by_code = {finding.code: finding for finding in findings}
    for code, each in RECIPES.items():
        if code in by_code and not any(other in by_code for other in IMPLIED_BY.get(code, ())):
            each.edit(heart, by_code[code], rng)
