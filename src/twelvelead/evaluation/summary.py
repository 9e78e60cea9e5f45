"""Every metric of a prediction table, by model and task group: what `twelvelead metrics` prints and writes.

    data
      records patients statements models
      thresholds             "fold 9" or "0.5": what F1, micro F1 and Hamming loss were computed at
      replicates seed        of the patient bootstrap
    models → model → group (all, diagnostic, subdiagnostic, superdiagnostic, form, rhythm)
      records labels         in the group; scored: labels with both classes, which the macro figures average
      macro_auc macro_ap macro_f1 macro_brier macro_ece micro_f1 hamming_loss fmax fmax_threshold
      macro_auc_lower macro_auc_upper   95 % between them, by patient bootstrap
      macro_auc_se macro_auc_se_closed_form
      per_label → label      positives auc auc_lower auc_upper auc_se ap f1 brier ece threshold
    subgroups → column → value → model     records scored macro_auc (group all)

A figure without meaning is null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from twelvelead.errors import DataError, LeakageError
from twelvelead.evaluation import metrics, thresholds
from twelvelead.evaluation.bootstrap import (
    closed_form_se,
    estimate,
    influence,
    intervals,
    resampled_aucs,
)
from twelvelead.evaluation.groups import GROUPS, Grouped, group
from twelvelead.evaluation.predictions import Predictions

FIXED_THRESHOLD = 0.5
AGE_BANDS = {"under 40": (0, 40), "40-59": (40, 60), "60-79": (60, 80), "80 and over": (80, 301)}
SUBGROUP_COLUMNS = ("sex", "age", "site", "device", "quality")
FEWEST_RECORDS = 20  # smaller subgroups say nothing, and may point at a person


def summarise(
    found: Predictions,
    chosen_on: Predictions | None = None,
    *,
    replicates: int = 2000,
    seed: int = 1,
    records: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Compute the tree above.

    Args:
        found: What is judged.
        chosen_on: Predictions of fold 9, which thresholds are chosen on; None calls at 0.5.
        replicates: Bootstrap replicates; 0 leaves intervals out.
        seed: Of the bootstrap.
        records: record_id and any of SUBGROUP_COLUMNS.

    Raises:
        DataError: `chosen_on` lacks a statement or a model.
        LeakageError: `chosen_on` has a patient of `found`.
    """
    if chosen_on is not None:
        _check(found, chosen_on)
    tree: dict[str, Any] = {
        "data": {
            "records": len(found.record_ids),
            "patients": len(np.unique(found.patients)),
            "statements": len(found.codes),
            "models": list(found.probabilities),
            "thresholds": "fold 9" if chosen_on else str(FIXED_THRESHOLD),
            "replicates": replicates,
            "seed": seed,
        },
        "models": {},
    }
    for model in found.probabilities:
        tree["models"][model] = {
            name: _group(name, view, model, found, chosen_on, replicates, seed)
            for name in GROUPS
            if (view := group(name, found.codes, found.labels)) is not None
        }
    if records is not None:
        tree["subgroups"] = _subgroups(found, records)
    return _null(tree)


def _group(
    name: str,
    view: Grouped,
    model: str,
    found: Predictions,
    chosen_on: Predictions | None,
    replicates: int,
    seed: int,
) -> dict[str, Any]:
    truth, own, patients = view.labels, view.of(found.probabilities[model]), found.patients[view.rows]
    cuts = _cuts(name, view, model, found, chosen_on)
    called = thresholds.call(own, cuts)
    positives = truth.sum(axis=0).astype(int)
    scored = (positives > 0) & (positives < len(truth))
    best, at = metrics.fmax(truth, own)
    table: dict[str, NDArray[Any]] = {
        "positives": positives,
        "auc": metrics.aucs(truth, own),
        "ap": metrics.average_precisions(truth, own),
        "f1": metrics.f1s(truth, called),
        "brier": metrics.briers(truth, own),
        "ece": metrics.eces(truth, own),
        "threshold": cuts,
        "auc_se": np.array([_se(truth[:, j], own[:, j], patients) for j in range(truth.shape[1])]),
    }
    figures: dict[str, Any] = {
        "records": len(truth),
        "labels": truth.shape[1],
        "scored": int(scored.sum()),
        "macro_auc": metrics.macro(table["auc"]),
        "macro_ap": metrics.macro(table["ap"][scored]),
        "macro_f1": metrics.macro(table["f1"][scored]),
        "macro_brier": metrics.macro(table["brier"]),
        "macro_ece": metrics.macro(table["ece"]),
        "micro_f1": metrics.micro_f1(truth, called),
        "hamming_loss": metrics.hamming(truth, called),
        "fmax": best,
        "fmax_threshold": at,
        "macro_auc_se_closed_form": closed_form_se(truth[:, scored], own[:, scored], patients),
    }
    if replicates:
        draws = resampled_aucs(truth, [own], patients, replicates=replicates, seed=seed)[0]
        table["auc_lower"], table["auc_upper"] = intervals(draws)
        whole = estimate(table["auc"][scored], draws[:, scored], math.nan)
        figures |= {
            "macro_auc_lower": whole.lower_two_sided,
            "macro_auc_upper": whole.upper_two_sided,
            "macro_auc_se": whole.se,
        }
    figures["per_label"] = {
        label: {key: column[j].item() for key, column in table.items()} for j, label in enumerate(view.names)
    }
    return figures


def _cuts(
    name: str, view: Grouped, model: str, found: Predictions, chosen_on: Predictions | None
) -> NDArray[np.float64]:
    if chosen_on is None:
        return np.full(len(view.names), FIXED_THRESHOLD)
    order = [chosen_on.codes.index(code) for code in found.codes]
    earlier = group(name, found.codes, chosen_on.labels[:, order])
    assert earlier is not None
    assert earlier.names == view.names
    return thresholds.choose(earlier.labels, earlier.of(chosen_on.probabilities[model][:, order]))


def _check(found: Predictions, chosen_on: Predictions) -> None:
    """Thresholds must come from other patients, and from the same statements and models."""
    for what, here, there in (
        ("statements", found.codes, chosen_on.codes),
        ("models", found.probabilities, chosen_on.probabilities),
    ):
        if missing := sorted(set(here) - set(there)):
            raise DataError(f"the predictions for thresholds lack {what} {', '.join(missing[:5])}")
    if shared := sorted(set(found.patients) & set(chosen_on.patients)):
        raise LeakageError(
            f"{len(shared)} patients are in both tables; the first: {shared[0]}",
            expected="thresholds chosen on other patients than are judged",
        )


def _se(label: NDArray[Any], probability: NDArray[Any], patients: NDArray[Any]) -> float:
    """DeLong's standard error of one AUC, clustered by patient; NaN where the AUC is."""
    if not 0 < label.sum() < label.size:
        return math.nan
    _, owner = np.unique(patients, return_inverse=True)
    return float(np.sqrt(np.square(np.bincount(owner, weights=influence(label, probability))).sum()))


def _subgroups(found: Predictions, records: pd.DataFrame) -> dict[str, Any]:
    rows = records.set_index(records["record_id"].astype(str)).reindex(found.record_ids)
    tree: dict[str, Any] = {}
    for column in SUBGROUP_COLUMNS:
        if column not in rows:
            continue
        values = _banded(rows[column]) if column == "age" else rows[column].astype("string")
        tree[column] = {}
        for value in sorted(values.dropna().unique()):
            mask = (values == value).fillna(False).to_numpy(bool)
            if mask.sum() >= FEWEST_RECORDS:
                tree[column][str(value)] = _subgroup(found, mask)
    return tree


def _subgroup(found: Predictions, mask: NDArray[np.bool_]) -> Mapping[str, Any]:
    truth = found.labels[mask]
    scored = int(((truth.sum(axis=0) > 0) & (truth.sum(axis=0) < len(truth))).sum())
    return {
        model: {
            "records": int(mask.sum()),
            "scored": scored,
            "macro_auc": metrics.macro(metrics.aucs(truth, scores[mask])),
        }
        for model, scores in found.probabilities.items()
    }


def _banded(age: pd.Series[Any]) -> pd.Series[Any]:
    banded = pd.Series(pd.NA, index=age.index, dtype="string")
    for name, (low, high) in AGE_BANDS.items():
        banded[(age >= low) & (age < high)] = name
    return banded


def _null(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _null(value) for key, value in node.items()}
    return None if isinstance(node, float) and not math.isfinite(node) else node
