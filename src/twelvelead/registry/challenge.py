"""The candidate against the present champion, on the records that both were judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twelvelead.evaluation.bootstrap import closed_form_se
from twelvelead.evaluation.foreign import read_predictions
from twelvelead.evaluation.metrics import aucs, macro
from twelvelead.gate.policy import number

ONE_SIDED_95 = 1.6449


@dataclass(frozen=True, slots=True)
class Challenge:
    """What came of it: whether the candidate may take the seat, and why, in one sentence."""

    holds: bool
    sentence: str


def challenge(
    candidate: Path, champion: Path, codes: Sequence[str], model: str, margin: float, version: int
) -> Challenge:
    """Compare two versions' predictions of fold 10.

    A champion that was judged on other records, other labels or other statements cannot be compared; then
    the policy alone decides, and the sentence says so.

    Args:
        candidate: predictions.parquet of the candidate.
        champion: That of the champion.
        codes: Statements with enough positives.
        model: Which of the models in them.
        margin: How much worse the lower bound of the paired difference may be.
        version: The champion's version, for the sentence.
    """
    new, old = read_predictions(candidate), read_predictions(champion)
    what = f"champion version {version}"
    shared = [code for code in codes if code in new.codes and code in old.codes]
    asked = model in new.probabilities and model in old.probabilities
    if not asked or not shared or len(shared) < len(codes):
        return Challenge(True, f"not comparable with {what}: it was not asked the same statements")
    where = {record: row for row, record in enumerate(old.record_ids)}
    if set(where) != set(new.record_ids):
        return Challenge(True, f"not comparable with {what}: it was judged on other records")
    rows = [where[record] for record in new.record_ids]
    mine, its = ([table.codes.index(code) for code in shared] for table in (new, old))
    truth = new.labels[:, mine]
    if not np.array_equal(truth, old.labels[rows][:, its]):
        return Challenge(True, f"not comparable with {what}: it was judged by other labels")
    own, other = new.probabilities[model][:, mine], old.probabilities[model][rows][:, its]
    delta = macro(aucs(truth, own) - aucs(truth, other))
    lower = delta - ONE_SIDED_95 * closed_form_se(truth, own, new.patients, other)
    holds = bool(lower >= -margin)
    return Challenge(
        holds,
        f"macro AUC {number(abs(delta))} {'above' if delta >= 0 else 'below'} {what}'s "
        f"(lower bound {number(lower)} {'≥' if holds else '<'} {number(-margin)})",
    )
