"""Whether a verdict belongs to these bytes: the same adapter, CNN, predictions, scorecard and policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.data.digest import file_sha256
from twelvelead.errors import RegistryError
from twelvelead.evaluation.evidence import collect, differences
from twelvelead.gate.policy import load
from twelvelead.gate.verdict import judge
from twelvelead.registry.lineage import read_json


def check(
    verdict: Mapping[str, Any], evaluation: Path, adapter: Path | None, baseline: Path | None, where: str
) -> None:
    """Refuse a verdict that was reached on anything else, or that contradicts itself.

    Args:
        verdict: The tree of verdict.json.
        evaluation: Folder with scorecard.json and the predictions.
        adapter: Folder of the adapter; None where it is not at hand.
        baseline: Folder of the CNN; None where it is not at hand.
        where: What the message calls the candidate.

    Raises:
        RegistryError: Names everything that does not fit.
        SetupError: The scorecard is missing.
    """
    scorecard = read_json(evaluation / "scorecard.json")
    faults = differences(scorecard.get("evidence", {}), collect(evaluation, adapter, baseline))
    if verdict.get("scorecard_sha256") != file_sha256(evaluation / "scorecard.json"):
        faults.append("scorecard.json: not the one that was judged")
    checks = verdict.get("checks") or []
    if verdict.get("passed") is not (bool(checks) and all(one.get("passed") is True for one in checks)):
        faults.append("verdict: its decision contradicts its own checks")
    if faults:
        raise RegistryError(
            "the verdict does not belong to these bytes\n  " + "\n  ".join(faults),
            where=where,
            fix="run evaluate and gate again on this adapter",
        )


def check_policy(verdict: Mapping[str, Any], evaluation: Path, policy_file: Path, where: str) -> None:
    """Judge once more by the policy now in force, which must be the one of the verdict and agree with it.

    Raises:
        RegistryError: The policy is another, or it comes to another verdict.
        SetupError, ParamsError: The policy or the scorecard cannot be read.
    """
    policy, digest = load(policy_file), file_sha256(policy_file)
    if verdict.get("policy_sha256") != digest:
        raise RegistryError(
            f"judged by another policy ({str(verdict.get('policy_sha256'))[:12]}) than the one in force "
            f"({digest[:12]})",
            where=where,
            expected=f"a verdict by {policy_file}",
            fix="run gate and register again, or name the policy with --policy",
        )
    again = judge(read_json(evaluation / "scorecard.json"), policy, digest)
    if not (again.passed and policy.promotes):
        said = "; ".join(finding.reason for finding in again.checks if not finding.passed)
        raise RegistryError(
            f"the policy in force says no: {said or 'it may not promote'}",
            where=where,
            expected="a scorecard that passes",
        )
