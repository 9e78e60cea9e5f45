"""The rules, as they lie in suites/*.yaml: Great Expectations suites for people to review, read without it.

Five tables are judged: each record, the usable records, the patients, the three parts of the data, and the
data set. The files hold every rule; nothing here adds one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from twelvelead.params import Validate

FOLDER = Path(__file__).with_name("suites")
SUITES = ("records", "usable", "patients", "parts", "dataset")  # in the order of the report
RECORDS = SUITES[0]


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation in words.

    Attributes:
        code: Its name in quarantine.parquet, warnings.parquet and validation.json.
        suite: One of SUITES.
        column: The column it looks at.
        critical: Quarantines a record (suite "records") or rejects the data set (any other); else it is told.
        sentence: What must hold.
        reason: What is said of a row that breaks it, with {value}.
    """

    code: str
    suite: str
    column: str
    critical: bool
    sentence: str
    reason: str

    @property
    def effect(self) -> str:
        """What follows if it is broken."""
        if self.suite == RECORDS:
            return "quarantined" if self.critical else "flagged"
        return "rejected" if self.critical else "reported"

    def tell(self, value: Any, limits: Validate) -> str:
        """The reason for one offending value."""
        return self.reason.format(value=value, **limits.model_dump())


@lru_cache(maxsize=8)
def load(name: str) -> Mapping[str, Any]:
    """One suite as it is written: a mapping with `name`, `table` and `expectations`."""
    content: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def rules(name: str, limits: Validate) -> list[Rule]:
    """The rules of one suite, in its order, with the limits of params.yaml in their sentences."""
    return [
        Rule(
            code=written["meta"]["code"],
            suite=name,
            column=written["kwargs"]["column"],
            critical=written["severity"] == "critical",
            sentence=written["description"].format(**limits.model_dump()),
            reason=written["meta"].get("reason", "{value}"),
        )
        for written in load(name)["expectations"]
    ]


def parameters(name: str, limits: Validate) -> dict[str, Any]:
    """The values of the {$PARAMETER: …} that one suite names."""
    named = {
        value["$PARAMETER"]
        for written in load(name)["expectations"]
        for value in written["kwargs"].values()
        if isinstance(value, dict)
    }
    return {key: getattr(limits, key) for key in sorted(named)}
