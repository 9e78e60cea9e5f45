"""The verdict: a scorecard held against a policy. Pure; a refusal is a value, never an exception."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from twelvelead.gate.policy import Check, Policy, number

PASSED, REJECTED, SMOKE = "passed", "rejected", "smoke"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what came of it; `value` is None where the scorecard has no number."""

    name: str
    metric: str
    value: float | None
    bound: str
    passed: bool
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings in the order of the policy, the failed ones included."""

    candidate: str
    baseline: str
    policy_name: str
    policy_sha256: str
    promotes: bool
    champion_margin: float
    checks: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed, and there was one."""
        return bool(self.checks) and all(finding.passed for finding in self.checks)

    @property
    def decision(self) -> str:
        """ "passed", "rejected", or "smoke" for a pass by a policy that may not promote."""
        return (PASSED if self.promotes else SMOKE) if self.passed else REJECTED

    def to_dict(self) -> dict[str, Any]:
        """The tree of verdict.json."""
        return {
            "passed": self.passed,
            "decision": self.decision,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "policy_name": self.policy_name,
            "policy_sha256": self.policy_sha256,
            "promotes": self.promotes,
            "champion_margin": self.champion_margin,
            "checks": [asdict(finding) for finding in self.checks],
            "reasons": [finding.reason for finding in self.checks if not finding.passed],
        }


def judge(scorecard: Mapping[str, Any], policy: Policy, policy_sha256: str = "") -> Verdict:
    """Hold every check of the policy against the scorecard.

    A figure that is missing or not a number fails its check. A scorecard that compares other models than the
    policy names fails too, whatever its figures.

    Args:
        scorecard: The tree of scorecard.json.
        policy: What is asked.
        policy_sha256: Hash of the policy file, to be recorded.
    """
    findings = [_hold(check, scorecard) for check in policy.checks]
    pair = tuple(_find(scorecard, f"comparison.{role}") for role in ("candidate", "baseline"))
    if pair != (policy.candidate, policy.baseline):
        sentence = (
            f"the scorecard does not compare {policy.candidate} with {policy.baseline}, as the policy asks"
        )
        wanted = f"{policy.candidate} against {policy.baseline}"
        findings.insert(
            0,
            Finding("compared models", "comparison", None, wanted, False, sentence, "the policy names them"),
        )
    return Verdict(
        policy.candidate,
        policy.baseline,
        policy.name,
        policy_sha256,
        policy.promotes,
        policy.champion_margin,
        tuple(findings),
    )


def _hold(check: Check, scorecard: Mapping[str, Any]) -> Finding:
    raw = _find(scorecard, check.metric)
    value, passed = None, False
    if raw is _ABSENT:
        reason = f"{check.name}: {check.metric} is missing from the scorecard"
    elif isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        reason = f"{check.name}: {check.metric} is not a number"
    else:
        value, passed = float(raw), check.admits(raw)
        reason = _sentence(check, value, scorecard)
    return Finding(check.name, check.metric, value, check.bound(), passed, reason, check.why)


def _sentence(check: Check, value: float, scorecard: Mapping[str, Any]) -> str:
    """What was found; a difference of two models as such: "lora's macro AUC is 0.031 below cnn's (…)"."""
    parent, _, leaf = check.metric.rpartition(".")
    figure = _find(scorecard, parent)
    delta = figure.get("value") if isinstance(figure, Mapping) and "over" in figure else None
    if not isinstance(figure, Mapping) or not isinstance(delta, int | float):
        if isinstance(figure, Mapping) and isinstance(codes := figure.get("codes"), list):
            return f"{check.name}: {', '.join(map(str, codes)) or 'none'}"  # a count says less than names
        return f"{check.name}: {check.metric} is {check.compare(value)}"
    side = "above" if delta >= 0 else "below"
    what = f"AUC for {figure['code']}" if "code" in figure else "macro AUC"
    bound = "" if leaf == "value" else f"{leaf.replace('_', ' ')} bound "
    subject = f"{figure['of']}'s {what} is {number(abs(delta))} {side} {figure['over']}'s"
    return f"{subject} ({bound}{check.compare(value)})"


def _find(scorecard: Any, path: str) -> Any:
    node = scorecard
    for part in path.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return _ABSENT
        node = node[part]
    return node
