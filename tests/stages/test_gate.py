import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from twelvelead.errors import DataError, ParamsError, SetupError
from twelvelead.params import Gate
from twelvelead.stages.gate import gate

POLICY = """
name: small
candidate: lora
baseline: cnn
checks:
  - {name: enough records, metric: data.fold10, at_least: 10, why: fewer say little}
"""


def run(folder: Path, scorecard: Any, policy: str = POLICY) -> dict[str, Any]:
    (folder / "gate.yaml").write_text(policy, encoding="utf-8")
    (folder / "evaluation").mkdir()
    if scorecard is not None:
        text = scorecard if isinstance(scorecard, str) else json.dumps(scorecard)
        (folder / "evaluation" / "scorecard.json").write_text(text, encoding="utf-8")
    params = Gate(policy=str(folder / "gate.yaml"))
    summary = gate({"evaluation": folder / "evaluation"}, folder / "verdict.json", params, folder)
    verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    assert {key: verdict[key] for key in summary} == summary
    return verdict


def scorecard(records: Any) -> dict[str, Any]:
    return {"data": {"fold10": records}, "comparison": {"candidate": "lora", "baseline": "cnn"}}


def test_a_good_scorecard_passes_with_the_hash_of_the_policy(tmp_path: Path) -> None:
    verdict = run(tmp_path, scorecard(10))
    assert verdict["passed"] is True
    assert verdict["policy_sha256"] == hashlib.sha256(POLICY.encode()).hexdigest()
    assert verdict["policy_name"] == "small"


def test_a_refusal_is_written_like_a_pass_and_raises_nothing(tmp_path: Path) -> None:
    verdict = run(tmp_path, scorecard(9))
    assert verdict["passed"] is False
    assert verdict["reasons"] == ["enough records: data.fold10 is 9 < 10"]


def test_a_nan_on_disk_refuses(tmp_path: Path) -> None:
    assert run(tmp_path, scorecard(float("nan")))["decision"] == "rejected"


def test_a_missing_scorecard_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no scorecard"):
        run(tmp_path, None)


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_scorecard_that_is_no_object_is_rejected(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="scorecard"):
        run(tmp_path, text)


def test_a_malformed_policy_writes_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="fault"):
        run(tmp_path, scorecard(10), policy="name: x")
    assert not (tmp_path / "verdict.json").exists()
