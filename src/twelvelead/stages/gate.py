"""Stage gate: the scorecard against the policy. Its output is a verdict either way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twelvelead.params import Gate


def gate(inputs: Mapping[str, Path], output: Path, params: Gate, work: Path) -> dict[str, Any]:
    """Write verdict.json.

    Args:
        inputs: "evaluation", the folder that holds scorecard.json.
        output: The file to write.
        params: The section; `policy` is the policy file.
        work: Not used.

    Returns:
        The decision and the reasons for a refusal.

    Raises:
        SetupError: The policy or the scorecard is missing.
        ParamsError: The policy is malformed.
        DataError: The scorecard is no JSON object.
    """
    from twelvelead.data.digest import file_sha256
    from twelvelead.errors import DataError, SetupError
    from twelvelead.gate.policy import load
    from twelvelead.gate.verdict import judge

    policy_file, scorecard_file = Path(params.policy), inputs["evaluation"] / "scorecard.json"
    policy = load(policy_file)
    if not scorecard_file.is_file():
        raise SetupError("there is no scorecard", where=str(scorecard_file), fix="run evaluate first")
    try:
        scorecard = json.loads(scorecard_file.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise DataError(
            f"the scorecard is not readable as JSON: {fault}", where=str(scorecard_file)
        ) from None
    if not isinstance(scorecard, dict):
        raise DataError("the scorecard is not a JSON object", where=str(scorecard_file))
    verdict = judge(scorecard, policy, file_sha256(policy_file)).to_dict()
    verdict["scorecard_sha256"] = file_sha256(scorecard_file)
    output.write_text(
        json.dumps(verdict, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    return {key: verdict[key] for key in ("passed", "decision", "reasons")}
