"""`twelvelead ecgbench`: every output file of a folder, by task, in each mode."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twelvelead.errors import DataError
from twelvelead.evaluation.ecgbench.files import read_answers, read_gold
from twelvelead.evaluation.ecgbench.score import score
from twelvelead.evaluation.ecgbench.task import task_of


def judge(outputs: Path, gold: Path, to: Path | None = None) -> str:
    """Score output files and show the figures as text; JSON goes to `to`.

    Args:
        outputs: A .jsonl file, or a folder of them; file or folder names tell the task.
        gold: Folder of ECGBench's question files, or the one file.
        to: JSON file to write.

    Raises:
        DataError: A file is missing or not what it should be.
    """
    for path in (outputs, gold):
        if not path.exists():
            raise DataError("there is no such file or folder", where=str(path))
    files = sorted(outputs.rglob("*.jsonl")) if outputs.is_dir() else [outputs]
    if not files:
        raise DataError("there is no .jsonl file", where=str(outputs))
    found: dict[str, Any] = {}
    for file in files:
        within = file.relative_to(outputs) if outputs.is_dir() else file
        task = task_of(Path(outputs.name) / within if outputs.is_dir() else file)
        answers = read_answers(file)
        right = read_gold(gold / task.gold if gold.is_dir() else gold)
        found[str(within)] = {"task": task.title, **score(task, answers, right)}
    if to:
        aside = to.with_name(f".{to.name}.tmp")
        aside.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        aside.replace(to)
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for name, own in found.items():
        missing = f", {own['unanswered']} questions unanswered" if own["unanswered"] else ""
        lines.append(f"{name}: {own['task']}, {own['answers']} answers{missing}")
        for mode, figures in own.items():
            if isinstance(figures, dict):
                shown = [
                    f"{key} {_shown(value)}" for key, value in figures.items() if not isinstance(value, dict)
                ]
                lines.append(f"  {mode:<11}" + "  ".join(shown))
    lines.append("legacy: the published rule; its auc is the balanced accuracy of hard answers")
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    return "-" if value is None else str(value)
