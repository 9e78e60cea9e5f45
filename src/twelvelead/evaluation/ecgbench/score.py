"""Figures of one output file: as published, as they should be, and from probabilities where it has them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from twelvelead.data.mimic_statements import statements_of
from twelvelead.errors import DataError
from twelvelead.evaluation.ecgbench import reading
from twelvelead.evaluation.ecgbench.files import Answer
from twelvelead.evaluation.ecgbench.task import WHOLE, Task
from twelvelead.evaluation.metrics import aucs, average_precisions, macro

Figures = dict[str, Any]
Array = np.ndarray[Any, Any]
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|(?<=[a-z)]),\s+")


def score(task: Task, answers: Sequence[Answer], gold: dict[str, str]) -> Figures:
    """Every mode that the task has.

    Args:
        task: The task.
        answers: The output file.
        gold: Right answers by question.

    Returns:
        mode → figures between 0 and 1, and `answers`; under "legacy" AUC is the published one, the mean
        balanced accuracy of hard answers.

    Raises:
        DataError: A question is unknown, or answered twice.
    """
    unknown = [answer.question_id for answer in answers if answer.question_id not in gold]
    if unknown:
        raise DataError(
            f"{len(unknown)} answers are to unknown questions",
            where=f"{task.name}, question {unknown[0]}",
            expected=f"the ids of {task.gold}",
        )
    if len({answer.question_id for answer in answers}) != len(answers):
        raise DataError("a question is answered twice", where=task.name)
    truth = [gold[answer.question_id] for answer in answers]
    kinds = {"labels": _labels, "letters": _letters, "options": _options, "report": _reports}
    found: Figures = {"answers": len(answers), "unanswered": len(gold) - len(answers)}
    return found | kinds[task.kind](task, answers, truth)


def _labels(task: Task, answers: Sequence[Answer], truth: Sequence[str]) -> Figures:
    right = [reading.gold_labels(task, text) for text in truth]
    known = sorted({label for labels in right for label in labels})  # classes as fitted on right answers
    told = [reading.legacy_labels(task, answer.text) for answer in answers]
    is_so, said = _marks(right, known), _marks(told, known)
    legacy = {
        "auc": _plain_mean(_balanced(is_so, said)),
        "f1": _plain_mean(_f1(is_so, said, empty=0.0)),
        "hamming_loss": _plain_mean(is_so != said),
    }
    words = [*task.words, *(WHOLE if task.name == "code15-test" else ())]
    strict = [reading.strict_labels(task, answer.text) for answer in answers]
    all_so, all_said = _marks(right, words), _marks([labels or () for labels in strict], words)
    modes: Figures = {
        "legacy": legacy,
        "strict": {
            "balanced_accuracy": _mean(_balanced(all_so, all_said)),
            "f1": _mean(_f1(all_so, all_said, empty=float("nan"))),
            "hamming_loss": float((all_so != all_said).mean()),
            "exact": float((all_so == all_said).all(axis=1).mean()),
            "failures": strict.count(None),
        },
    }
    if all(answer.probabilities is not None for answer in answers):
        modes["soft"] = _soft(task, answers, all_so[:, : len(task.words)])
    return modes


def _soft(task: Task, answers: Sequence[Answer], truth: Array) -> Figures:
    missing = [a.question_id for a in answers if set(task.words) - set(a.probabilities or {})]
    if missing:
        raise DataError(
            f"{len(missing)} answers lack the probability of a label",
            where=f"{task.name}, question {missing[0]}",
            expected=", ".join(task.words),
        )
    chances = np.array([[(a.probabilities or {})[label] for label in task.words] for a in answers])
    found = aucs(truth, chances)
    by_label = dict(zip(task.words, map(_number, found), strict=True))
    return {
        "macro_auc": _number(macro(found)),
        "macro_ap": _number(macro(average_precisions(truth, chances))),
        "auc": by_label,
    }


def _letters(task: Task, answers: Sequence[Answer], truth: Sequence[str]) -> Figures:
    right = [text.strip()[:1] for text in truth]
    guess = reading.LegacyGuess(task.words)
    told = [reading.legacy_letter(answer.text) or guess() for answer in answers]
    strict = [reading.strict_letter(task, answer.text) for answer in answers]
    legacy: Figures = {"accuracy": _share(told, right)}
    if task.size and len(answers) != task.size:
        legacy = {
            "accuracy": None,
            "why": f"the published script skips files of other than {task.size} lines",
        }
    return {
        "legacy": legacy,
        "strict": {"accuracy": _share(strict, right), "failures": strict.count(None)},
    }


def _options(task: Task, answers: Sequence[Answer], truth: Sequence[str]) -> Figures:
    if bare := [answer.question_id for answer in answers if "Options:" not in answer.prompt]:
        raise DataError(
            f"{len(bare)} answers come without the options they chose from",
            where=f"{task.name}, question {bare[0]}",
            expected="a prompt with 'Options: …'",
        )
    # as GEM and ECG-R1 compare: sets of characters, in which "sr" is "rs"
    characters = [set("".join(reading.legacy_options(a.prompt, a.text))) for a in answers]
    strict = [reading.strict_options(answer.prompt, answer.text) for answer in answers]
    return {
        "legacy": {"accuracy": _share(characters, [set(text) for text in truth])},
        "strict": {
            "accuracy": _share(strict, [reading.gold_options(text) for text in truth]),
            "failures": strict.count(None),
        },
    }


def _reports(task: Task, answers: Sequence[Answer], truth: Sequence[str]) -> Figures:
    """Statements that reports make, by the phrase table of `data.mimic_statements`; no judge model."""
    told = [_stated(answer.text) for answer in answers]
    right = [_stated(text) for text in truth]
    both = sum(len(one & other) for one, other in zip(told, right, strict=True))
    precision, recall = _ratio(both, sum(map(len, told))), _ratio(both, sum(map(len, right)))
    kept = [(one, other) for one, other in zip(told, right, strict=True) if one or other]
    return {
        "statements": {
            "precision": precision,
            "recall": recall,
            "f1": _ratio(2 * both, sum(map(len, told)) + sum(map(len, right))),
            "f1_a_report": _mean(np.array([2 * len(a & b) / (len(a) + len(b)) for a, b in kept])),
            "reports_without_a_statement": sum(not one for one in told),
            "right_reports_without_a_statement": sum(not one for one in right),
        }
    }


def _stated(text: str) -> frozenset[str]:
    sentences = [sentence for sentence in SENTENCE.split(text) if sentence.strip()]
    return frozenset(statements_of(sentences)[0])


def _marks(rows: Sequence[Collection[str]], words: Sequence[str]) -> Array:
    return np.array([[word in row for word in words] for row in rows], dtype=bool).reshape(len(rows), -1)


def _balanced(truth: Array, said: Array) -> Array:
    """Area under the ROC curve of hard answers, (sensitivity + specificity) / 2; NaN without both classes."""
    positive, negative = truth.sum(axis=0), (~truth).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        hits, rejections = (truth & said).sum(axis=0) / positive, (~truth & ~said).sum(axis=0) / negative
    return np.where((positive > 0) & (negative > 0), (hits + rejections) / 2, np.nan)


def _f1(truth: Array, said: Array, *, empty: float) -> Array:
    total = truth.sum(axis=0) + said.sum(axis=0)
    return np.where(total > 0, 2 * (truth & said).sum(axis=0) / np.maximum(total, 1), empty)


def _mean(values: Array) -> float | None:
    """Mean over the classes that have the figure."""
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else None


def _plain_mean(values: Array) -> float | None:
    """As published: one class without the figure spoils the mean."""
    return _number(float(values.mean())) if values.size else None


def _share(told: Sequence[Any], right: Sequence[Any]) -> float:
    return float(np.mean([one == other for one, other in zip(told, right, strict=True)]))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
