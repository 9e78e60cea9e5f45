"""The tasks of ECGBench that need no judge model, and how a file is known to belong to one.

Label names, file names and sizes are those of the published scripts (AIMedLab/PULSE and lanxiang1017/GEM,
evaluation/evaluate_ecgbench.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from twelvelead.errors import DataError

Kind = Literal["labels", "letters", "options", "report"]


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        name: What the path of an output file holds.
        title: What papers call it.
        kind: Any of several labels, one letter, a set of options named in the prompt, or a report.
        words: The labels or letters.
        size: Lines that the published script insists on; 0 = any.
        gold: Name of the question file.
    """

    name: str
    title: str
    kind: Kind
    words: tuple[str, ...] = ()
    size: int = 0
    gold: str = ""


EIGHT = tuple("ABCDEFGH")
WHOLE = ("NORM", "ABNORMAL")  # CODE-15 % has them beside its labels
TASKS = (
    Task("ptb-test-report", "PTB-XL Report", "report", gold="ptb-test-report.json"),
    Task("ptb-test", "PTB-XL Super", "labels", ("NORM", "MI", "STTC", "CD", "HYP"), gold="ptb-test.json"),
    Task(
        "code15-test",
        "CODE-15%",
        "labels",
        ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF"),
        gold="code15-test.json",
    ),
    Task(
        "cpsc-test",
        "CPSC 2018",
        "labels",
        ("NORM", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"),
        gold="cpsc-test.json",
    ),
    Task("ecgqa-test", "ECG-QA", "options", gold="ecgqa-test.json"),
    Task("csn-test", "CSN", "letters", EIGHT, 1611, "csn-test-no-cot.json"),
    Task("g12-test", "G12EC", "letters", EIGHT, 2026, "g12-test-no-cot.json"),
    Task("mmmu-ecg", "MMMU-ECG", "letters", tuple("ABCD"), 200, "mmmu-ecg.json"),
)


def task_of(path: Path) -> Task:
    """The task that a path names: the nearest part that names one counts.

    Raises:
        DataError: None.
    """
    for part in reversed(path.parts):
        for task in TASKS:  # the report's name holds another's and comes first
            if task.name in part:
                return task
    raise DataError(
        "the path names no task of ECGBench",
        where=str(path),
        expected=f"one of {', '.join(task.name for task in TASKS)} in the name of file or folder",
    )
