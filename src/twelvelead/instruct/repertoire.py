"""The repertoire: what each family asks in each form, and how often beside the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.instruct.askable import (
    Askable,
    classes_to_choose,
    known,
    of_classes,
    of_groups,
    of_named,
    of_noise_kinds,
    of_noises,
    of_noises_in,
    of_one,
    of_signs,
    of_statements,
    sure_stage,
)
from twelvelead.instruct.case import AXES, GROUPS, MEASURES, STAGES, SUBCLASSES, SUPERCLASSES
from twelvelead.instruct.cohort import Cohort, some
from twelvelead.instruct.limit import Limits, of_band_members, of_bands, of_limits, of_values
from twelvelead.instruct.sample import Format


def askables(cohort: Cohort, family: str, form: Format, limits: Limits) -> dict[str, list[Askable]]:
    """All that a family may ask in a form, by kind; kinds of which no page tells anything are left out."""
    kinds = _KINDS[family, form]
    made = {
        kind: [
            replace(one, item=replace(one.item, family=family, format=form))
            for one in _MAKERS[kind.partition("?")[0]](cohort, limits)
            if one.yes.any()
        ]
        for kind in kinds
    }
    return {kind: found for kind, found in made.items() if found}


def forms_of(family: str) -> dict[str, dict[str, float]]:
    """Forms of a family → its kinds → their weights."""
    return {form: kinds for (name, form), kinds in _KINDS.items() if name == family}


def _is_rhythm(code: str) -> bool:
    return STATEMENTS[code].rhythm


def _is_shape(code: str) -> bool:
    return not STATEMENTS[code].rhythm


def _is_scalar(name: str) -> bool:
    return name in MEASURES


def _is_wave(name: str) -> bool:
    return name not in MEASURES


def _is_rate(name: str) -> bool:
    return name in ("rate_bpm", "premature_beats", "ectopic_beats")


_SUPER = ("MI", "STTC", "CD", "HYP")
_Maker = Callable[[Cohort, Limits], Iterator[Askable]]
_MAKERS: dict[str, _Maker] = {
    "statement": lambda c, _: of_statements(c, lambda _code: True),
    "rhythm": lambda c, _: of_statements(c, _is_rhythm),
    "shape": lambda c, _: of_statements(c, _is_shape),
    "subclass": lambda c, _: of_classes(c, "subclass", SUBCLASSES, c.subclasses),
    "superclass": lambda c, _: of_classes(c, "superclass", SUPERCLASSES, c.superclasses),
    "one subclass": lambda c, _: classes_to_choose(c, "subclass", len(SUBCLASSES), c.subclasses),
    "one superclass": lambda c, _: classes_to_choose(c, "superclass", len(SUPERCLASSES), c.superclasses),
    "superclasses": lambda c, _: iter([known("superclass", some(c.superclasses))]),
    "groups": lambda c, _: of_groups(c, GROUPS),
    "rhythm group": lambda c, _: of_groups(c, ("rhythm",)),
    "shape groups": lambda c, _: of_groups(c, ("diagnostic", "form")),
    "named superclass": lambda c, _: (of_named(c, "superclass", one) for one in _SUPER),
    "named groups": lambda c, _: (of_named(c, "group", one) for one in GROUPS),
    "named rhythm": lambda c, _: iter([of_named(c, "group", "rhythm")]),
    "named shapes": lambda c, _: (of_named(c, "group", one) for one in ("diagnostic", "form")),
    "axis": lambda c, _: of_one("axis", AXES, c.axis),
    "known axis": lambda c, _: iter([known("axis", c.axis >= 0)]),
    "stage": lambda c, _: of_one("stage", STAGES[:-1], sure_stage(c)),
    "known stage": lambda c, _: iter([known("stage", sure_stage(c) >= 0)]),
    "sign": lambda c, _: of_signs(c),
    "known sign": lambda c, _: (known("sign", ~np.isnan(v), k) for k, v in c.signs.items()),
    "noise": lambda c, _: of_noises(c),
    "noise in": lambda c, _: of_noises_in(c),
    "noise kinds": lambda c, _: of_noise_kinds(c),
    "limit": lambda c, limits: of_limits(c, limits, _is_scalar),
    "wave limit": lambda c, limits: of_limits(c, limits, _is_wave),
    "rate limit": lambda c, limits: of_limits(c, limits, _is_rate),
    "value": lambda c, _: of_values(c, _is_scalar),
    "wave": lambda c, _: of_values(c, _is_wave),
    "rate": lambda c, _: of_values(c, _is_rate),
    "band": lambda c, _: of_bands(c),
    "in band": lambda c, _: of_band_members(c),
}
_KINDS: dict[tuple[str, Format], dict[str, float]] = {
    ("feature", "closed"): {"limit": 5, "wave limit": 2, "axis": 1.5, "sign": 1, "noise": 0.5, "noise in": 1},
    ("feature", "choice"): {"value": 3, "wave": 1, "known axis": 1},
    ("feature", "fill"): {"value": 3, "wave": 1, "known axis": 0.7},
    ("feature", "open"): {"value": 4, "wave": 1.5, "known axis": 1, "known sign": 1, "noise": 0.7},
    ("rhythm", "closed"): {"rhythm": 4, "rhythm group": 1, "rate limit": 2, "sign": 1},
    ("rhythm", "choice"): {"rhythm": 3, "rate": 1},
    ("rhythm", "fill"): {"named rhythm": 2, "rate": 1},
    ("rhythm", "open"): {"named rhythm": 3, "rate": 1, "known sign": 1},
    ("morphology", "closed"): {
        "shape": 5, "subclass": 1.5, "superclass": 1, "shape groups": 0.7, "stage": 0.5,
    },
    ("morphology", "choice"): {"shape": 4, "one subclass": 1, "one superclass": 1, "known stage": 0.3},
    ("morphology", "fill"): {"named superclass": 3, "named shapes": 2},
    ("morphology", "open"): {"named superclass": 3, "named shapes": 2, "known stage": 0.3},
    ("ecgqa", "verify"): {
        "statement": 5, "subclass": 1, "superclass": 1, "groups": 0.5, "axis": 1, "stage": 0.4,
        "noise": 0.4, "noise in": 0.8, "limit": 2, "wave limit": 0.5, "sign": 0.4,
    },
    ("ecgqa", "choose"): {
        "statement": 4, "one subclass": 1, "one superclass": 1, "axis": 0.7, "stage": 0.3,
    },
    ("ecgqa", "query"): {
        "named superclass": 2, "superclasses": 1, "named groups": 1.5, "band": 2, "in band": 1,
        "known axis": 1, "known stage": 0.4, "noise": 0.6, "noise kinds": 0.4,
    },
}  # fmt: skip
