"""The policy: what a candidate must show before it may be used, as read from mlflow/gate.yaml."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from twelvelead.errors import ParamsError, SetupError

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Check(_Strict):
    """One bound on one figure of the scorecard. A figure on the bound passes."""

    name: str = Field(min_length=1, description="what is checked, in a few words")
    metric: str = Field(
        pattern=r"^[A-Za-z0-9_()]+(\.[A-Za-z0-9_()]+)+$", description="dotted path into scorecard.json"
    )
    at_least: Number | None = None
    at_most: Number | None = None
    between: tuple[Number, Number] | None = None
    why: str = Field(min_length=1, description="the reason for the bound")

    @model_validator(mode="after")
    def _one_bound(self) -> Check:
        given = [form for form in ("at_least", "at_most", "between") if getattr(self, form) is not None]
        if len(given) != 1:
            raise ValueError(
                f"needs exactly one of at_least, at_most, between, has {' and '.join(given) or 'none'}"
            )
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"between must name the lower bound first, got {list(self.between)}")
        return self

    def admits(self, value: float) -> bool:
        """Whether the figure keeps the bound; never true of NaN."""
        low, high = self._limits()
        return low <= value <= high

    def bound(self) -> str:
        """The bound for people, e.g. "≥ −0.010"."""
        low, high = self._limits()
        if self.between is not None:
            return f"{number(low)} … {number(high)}"
        return f"≥ {number(low)}" if self.at_least is not None else f"≤ {number(high)}"

    def compare(self, value: float) -> str:
        """How a figure lies to the bound, e.g. "−0.045 < −0.010" or "0.500 within 0.450 … 0.550"."""
        low, high = self._limits()
        kept = self.admits(value)
        if self.between is not None:
            return f"{number(value)} {'within' if kept else 'outside'} {self.bound()}"
        limit, signs = (low, "<≥") if self.at_least is not None else (high, ">≤")
        digits = 3
        while number(value, digits) == number(limit, digits) and value != limit and digits < 12:
            digits += 1
        return f"{number(value, digits)} {signs[kept]} {number(limit, digits)}"

    def _limits(self) -> tuple[float, float]:
        if self.between is not None:
            return self.between
        low = -float("inf") if self.at_least is None else self.at_least
        return low, float("inf") if self.at_most is None else self.at_most


class Policy(_Strict):
    """Who is judged against whom, by which checks; all must pass.

    A policy that does not say `promotes: true` can pass a candidate and still gives it no alias.
    """

    name: str = Field(min_length=1)
    promotes: bool = Field(False, description="whether passing may give a version the champion's seat")
    champion_margin: Number = Field(
        0.01, ge=0, description="how much below the present champion the macro AUC's lower bound may lie"
    )
    candidate: str = Field(min_length=1)
    baseline: str = Field(min_length=1)
    checks: tuple[Check, ...]

    @model_validator(mode="after")
    def _something_to_judge(self) -> Policy:
        if not self.checks:
            raise ValueError("a policy without checks would let everything through")
        twice = [name for name, times in Counter(check.name for check in self.checks).items() if times > 1]
        if twice:
            raise ValueError(f"two checks are named {twice[0]!r}")
        if self.candidate == self.baseline:
            raise ValueError(f"candidate and baseline are both {self.candidate!r}")
        return self


def load(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        SetupError: There is no such file.
        ParamsError: It is no policy; lists every fault with its dotted key.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SetupError("there is no policy file", where=str(path), fix="set gate.policy") from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise ParamsError(f"not readable as YAML: {fault}", where=str(path)) from None
    try:
        return Policy.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as faults:
        lines = [_sentence(fault) for fault in faults.errors()]
        raise ParamsError(f"{len(lines)} fault(s)\n  " + "\n  ".join(lines), where=str(path)) from None


def number(value: float, digits: int = 3) -> str:
    """A number for people: a true minus sign, whole numbers from 2 on without decimals."""
    whole = float(value).is_integer() and abs(value) >= 2
    return f"{value:.{0 if whole else digits}f}".replace("-", "−")


def _sentence(fault: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "policy"
    if fault["type"] == "extra_forbidden":
        model = Check if "checks" in fault["loc"] else Policy
        return f"{key}: unknown key; known keys: {', '.join(model.model_fields)}"
    if fault["type"] == "value_error":
        return f"{key}: {fault['msg'].removeprefix('Value error, ')}"
    return f"{key}: {fault['msg']}" + ("" if fault["type"] == "missing" else f", but got {fault['input']!r}")
