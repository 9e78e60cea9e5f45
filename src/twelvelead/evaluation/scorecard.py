"""scorecard.json: every figure the gate, the report and the model card quote, as one plain tree.

    data
      source                 "simulated", "ptb-xl", or whatever the index names
      fold9 fold10           usable records
      patients_fold10
      statements             scored codes
      compared               codes with at least `min_positives` positives, and a negative, in fold 10
      n_compared             how many
      min_positives          the floor that was asked for
      least_positives        the fewest positives any compared code has
      positives              code → positives in fold 10
    models → cnn, page_cnn, lora, base
      macro_auc macro_ap macro_f1 macro_brier macro_ece
                             means over the `n_statements` codes with both classes in fold 10
      macro_auc_compared     mean over the compared codes; _lower, _upper hold 95 % between them; _se
      micro_f1               over all scored codes
      seeds                  cnn only: macro AUC over the compared codes of every seed; the median by fold 9
                             is what stands above
      unanswered             lora, base: share of questions whose likeliest token is neither Yes nor No
      statements → code      auc ap f1 brier ece threshold positives n auc_lower auc_upper (two-sided 95 %)
                             slope intercept (probability = σ(slope · logit(raw) + intercept))
    comparison
      candidate baseline     "lora" and "cnn"
      delta_macro_auc        lora − cnn over the compared codes, paired by patient: of over value
                             lower upper (one-sided 95 % each) lower_two_sided upper_two_sided
                             se se_closed_form
      delta_vs_base          the same, lora − base
      statements → code      lora − cnn for every compared code: delta lower upper (two-sided 95 %)
      worst_statement_delta  the compared code of HARM where lora loses most to cnn: of over code value
      harm                   tests whether the candidate is worse by more than `margin` on a statement of
                             HARM: margin level harmed codes, statements → code → delta se p p_holm
      replicates confidence
    controls → blank, shuffled, masked, permuted, mirrored
      macro_auc              lora's, over the compared codes, when the page is empty, another's, without a
                             letter, with every lead in another's place, or backwards in time
      drop                   how much less that is than on the page itself
    robustness → look
      macro_auc              lora's over the codes with both classes among `pages` pages made again in another
                             look; null where such a page does not fit on the sheet
      pages
    cost
      ms_per_page            lora, one page at a time, all statements; device
    evidence                 written by the stage: SHA-256 of adapter, baseline and every table of predictions

Calibration and thresholds come from fold 9 and are applied to fold 10; F1 counts 0 where nothing is true and
nothing called. A figure that has no meaning (no positives, nothing compared) is null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twelvelead.evaluation import thresholds
from twelvelead.evaluation.bootstrap import closed_form_se, estimate, intervals, resampled_aucs
from twelvelead.evaluation.calibration import Calibration
from twelvelead.evaluation.harm import harm
from twelvelead.evaluation.metrics import aucs, average_precisions, briers, eces, f1s, macro, micro_f1
from twelvelead.evaluation.predictions import Predictions

CANDIDATE, BASELINE, PAGE_BASELINE, BASE = "lora", "cnn", "page_cnn", "base"
MODELS = (BASELINE, PAGE_BASELINE, CANDIDATE, BASE)
CONFIDENCE = 0.95
CONTROL_NAMES = {
    "blank": "blank pages",
    "shuffled": "pages of other records",
    "masked": "its pages without a letter",
    "permuted": "its pages, every lead where another belongs",
    "mirrored": "its pages, backwards in time",
}


def build(
    source: str,
    fold9: Predictions,
    fold10: Predictions,
    controls: Predictions,
    maps: Mapping[str, Calibration],
    *,
    min_positives: int,
    replicates: int,
    seed: int,
) -> dict[str, Any]:
    """Compute the scorecard; see the module's text for its keys.

    Args:
        source: Where the records come from.
        fold9: Predictions that thresholds are chosen on.
        fold10: Predictions that are judged.
        controls: The candidate's predictions of fold 10 for "blank" and "shuffled" pages, as if two models.
        maps: The calibration that each model's probabilities went through.
        min_positives: Fewest positives of a compared statement.
        replicates: Bootstrap replicates.
        seed: Of the bootstrap.
    """
    truth, codes = fold10.labels, fold10.codes
    positives = truth.sum(axis=0).astype(int)
    scorable = (positives > 0) & (positives < len(truth))
    compared = scorable & (positives >= min_positives)
    scores = [fold10.probabilities[model] for model in MODELS]
    draws = resampled_aucs(truth, scores, fold10.patients, replicates=replicates, seed=seed)
    models = {
        model: _model(model, fold9, fold10, maps[model], scorable, compared, draws[number])
        for number, model in enumerate(MODELS)
    }
    comparison: dict[str, Any] = {"candidate": CANDIDATE, "baseline": BASELINE}
    for key, rival in (("delta_macro_auc", BASELINE), ("delta_vs_base", BASE)):
        comparison[key] = {"of": CANDIDATE, "over": rival, **_delta(fold10, rival, compared, draws)}
    judged = [code for code, one in zip(codes, compared, strict=True) if one]
    deltas = aucs(truth, fold10.probabilities[CANDIDATE]) - aucs(truth, fold10.probabilities[BASELINE])
    differences = draws[MODELS.index(CANDIDATE)] - draws[MODELS.index(BASELINE)]
    comparison["harm"] = harm(judged, deltas[compared], differences[:, compared])
    between = intervals(differences[:, compared])
    comparison["statements"] = {
        code: {"delta": float(delta), "lower": float(low), "upper": float(high)}
        for code, delta, low, high in zip(judged, deltas[compared], *between, strict=True)
    }
    worst = _worst(comparison["harm"]["statements"])
    comparison["worst_statement_delta"] = {"of": CANDIDATE, "over": BASELINE, **worst}
    candidate = models[CANDIDATE]["macro_auc_compared"]
    tree = {
        "data": {
            "source": source, "fold9": len(fold9.labels), "fold10": len(truth),
            "patients_fold10": len(np.unique(fold10.patients)), "statements": list(codes),
            "compared": judged,
            "n_compared": int(compared.sum()), "min_positives": min_positives,
            "least_positives": int(positives[compared].min()) if compared.any() else None,
            "positives": dict(zip(codes, positives.tolist(), strict=True)),
        },
        "models": models,
        "comparison": {**comparison, "replicates": replicates, "confidence": CONFIDENCE},
        "controls": {
            name: _control(aucs(controls.labels[:, compared], found[:, compared]), candidate)
            for name, found in controls.probabilities.items()
        },
    }  # fmt: skip
    return _nan_to_none(tree)


def macro_auc_of(predictions: Predictions, model: str, codes: Sequence[str]) -> float | None:
    """A model's macro AUC over some codes, those of them that have both classes; None if none has."""
    columns = [column for column, code in enumerate(predictions.codes) if code in codes]
    found = macro(aucs(predictions.labels[:, columns], predictions.probabilities[model][:, columns]))
    return None if math.isnan(found) else found


def _control(found: NDArray[np.float64], candidate: float) -> dict[str, float]:
    return {"macro_auc": macro(found), "drop": candidate - macro(found)}


def _model(
    model: str,
    fold9: Predictions,
    fold10: Predictions,
    calibration: Calibration,
    scorable: NDArray[np.bool_],
    compared: NDArray[np.bool_],
    draws: NDArray[np.float64],
) -> dict[str, Any]:
    truth, found = fold10.labels, fold10.probabilities[model]
    cuts = thresholds.choose(fold9.labels, fold9.probabilities[model])
    called = thresholds.call(found, cuts)
    lower, upper = intervals(draws)
    table = {
        "auc": aucs(truth, found), "ap": average_precisions(truth, found), "f1": f1s(truth, called),
        "brier": briers(truth, found), "ece": eces(truth, found), "slope": calibration.slope,
        "intercept": calibration.intercept, "threshold": cuts, "auc_lower": lower, "auc_upper": upper,
    }  # fmt: skip
    whole = estimate(
        table["auc"][compared],
        draws[:, compared],
        closed_form_se(truth[:, compared], found[:, compared], fold10.patients),
    )
    return {
        "macro_auc": macro(table["auc"][scorable]),
        "macro_auc_compared": whole.value,
        "macro_auc_compared_lower": whole.lower_two_sided,
        "macro_auc_compared_upper": whole.upper_two_sided,
        "macro_auc_compared_se": whole.se,
        "macro_ap": macro(table["ap"][scorable]),
        "macro_f1": macro(table["f1"][scorable]),
        "macro_brier": macro(table["brier"][scorable]),
        "macro_ece": macro(table["ece"][scorable]),
        "micro_f1": micro_f1(truth, called),
        "n_statements": int(scorable.sum()),
        "statements": {
            code: {name: float(column[j]) for name, column in table.items()}
            | {"positives": int(truth[:, j].sum()), "n": len(truth)}
            for j, code in enumerate(fold10.codes)
        },
    }


def _delta(
    fold10: Predictions, rival: str, compared: NDArray[np.bool_], draws: NDArray[np.float64]
) -> dict[str, Any]:
    truth = fold10.labels[:, compared]
    own, other = (fold10.probabilities[model][:, compared] for model in (CANDIDATE, rival))
    differences = draws[MODELS.index(CANDIDATE)] - draws[MODELS.index(rival)]
    se = closed_form_se(truth, own, fold10.patients, other) if compared.any() else float("nan")
    return asdict(estimate(aucs(truth, own) - aucs(truth, other), differences[:, compared], se))


def _worst(statements: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    if not statements:
        return {"code": None, "value": None}
    code = min(statements, key=lambda name: statements[name]["delta"])
    return {"code": code, "value": statements[code]["delta"]}


def _nan_to_none(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _nan_to_none(value) for key, value in node.items()}
    return None if isinstance(node, float) and not math.isfinite(node) else node
