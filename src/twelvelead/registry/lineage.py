"""Where a candidate comes from: code, data, base, policy, seeds, images, as flat tags of a model version."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twelvelead.data.digest import LINEAGE_FILE, dvc_md5, model_sha256
from twelvelead.errors import SetupError
from twelvelead.gate.verdict import PASSED, REJECTED, SMOKE

UNKNOWN = "unknown"
CNN_SHA256 = "cnn_sha256"  # a version that has this tag carries the CNN it was judged against


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the register stage reads, parsed once.

    Attributes:
        adapter: Folder of the PEFT adapter.
        baseline: Folder of the signal CNN.
        evaluation: Folder of scorecard, predictions and plots.
        verdict_file: The verdict as a file.
        verdict: The verdict.
        scorecard: The scorecard the verdict judged.
        stages: Cumulative lineage, `{stage: {"params": …, "inputs": {artifact: DVC md5}}}`.
        base: Folder or prefix of the base model, as the adapter's training recorded it, or "unknown".
        base_sha256: Its digest, likewise.
    """

    adapter: Path
    baseline: Path
    evaluation: Path
    verdict_file: Path
    verdict: Mapping[str, Any]
    scorecard: Mapping[str, Any]
    stages: Mapping[str, Any]
    base: str
    base_sha256: str

    @property
    def decision(self) -> str:
        """ "passed", "smoke" or "rejected"; only a verdict that says `true` outright, twice, passes."""
        if self.verdict.get("passed") is not True:
            return REJECTED
        return PASSED if self.verdict.get("promotes") is True else SMOKE

    @property
    def passed(self) -> bool:
        """Whether it may be promoted."""
        return self.decision == PASSED


def read_candidate(verdict_file: Path, adapter: Path, baseline: Path, evaluation: Path) -> Candidate:
    """Read the inputs of the register stage.

    Raises:
        SetupError: A file is missing or is no JSON object.
    """
    stages: dict[str, Any] = {}
    for folder in (baseline, adapter, evaluation):
        stages |= read_json(folder / LINEAGE_FILE) if (folder / LINEAGE_FILE).is_file() else {}
    base = read_json(adapter / "base.json") if (adapter / "base.json").is_file() else {}
    return Candidate(
        adapter=adapter,
        baseline=baseline,
        evaluation=evaluation,
        verdict_file=verdict_file,
        verdict=read_json(verdict_file),
        scorecard=read_json(evaluation / "scorecard.json"),
        stages=stages,
        base=str(base.get("base") or UNKNOWN),
        base_sha256=str(base.get("sha256") or UNKNOWN),
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        SetupError: The file is missing or holds no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SetupError(
            "file is missing", where=str(path), fix="run the stage that makes it again"
        ) from None
    except ValueError as fault:
        raise SetupError(f"not readable as JSON: {fault}", where=str(path)) from None
    if not isinstance(value, dict):
        raise SetupError(f"holds a {type(value).__name__}", where=str(path), expected="a JSON object")
    return value


def fingerprint(candidate: Candidate) -> str:
    """The identity of a judged candidate: the same adapter with the same verdict is the same version."""
    return fingerprint_of(model_sha256(candidate.adapter), candidate.verdict)


def fingerprint_of(adapter_sha256: str, verdict: Mapping[str, Any]) -> str:
    """The same, of an adapter's digest and the tree of a verdict."""
    return hashlib.sha256(f"{adapter_sha256}\n{_sha256(verdict)}".encode()).hexdigest()


def data_md5(candidate: Candidate) -> dict[str, str]:
    """DVC md5 of every artifact upstream of the verdict, and of the verdict itself, by artifact name."""
    found: dict[str, str] = {}
    for entry in candidate.stages.values():
        found |= entry.get("inputs", {})
    found["adapter"] = dvc_md5(candidate.adapter)
    found["baseline"] = dvc_md5(candidate.baseline)
    found["evaluation"] = dvc_md5(candidate.evaluation)
    found["verdict.json"] = dvc_md5(candidate.verdict_file)
    return dict(sorted(found.items()))


def version_tags(candidate: Candidate) -> dict[str, str]:
    """Every tag a registered version carries, the same for a passed and a refused one."""
    params = {stage: entry.get("params", {}) for stage, entry in candidate.stages.items()}
    revision, dirty = git_revision()
    verdict = candidate.verdict
    return {
        "gate": candidate.decision,
        "gate_reasons": "\n".join(map(str, verdict.get("reasons", []))),
        "policy_name": str(verdict.get("policy_name", "")),
        "policy_sha256": str(verdict.get("policy_sha256", UNKNOWN)),
        "fingerprint": fingerprint(candidate),
        "adapter_sha256": model_sha256(candidate.adapter),
        CNN_SHA256: model_sha256(candidate.baseline),
        "base": candidate.base,
        "base_sha256": candidate.base_sha256,
        "data_source": str(candidate.scorecard.get("data", {}).get("source", UNKNOWN)),
        "git_revision": revision,
        "git_dirty": str(dirty).lower(),
        "kfp_run_id": os.environ.get("KFP_RUN_ID", ""),
        "image_digest": os.environ.get("TWELVELEAD_IMAGE_DIGEST", ""),
        "dvc_remote": os.environ.get("TWELVELEAD_DVC_REMOTE", ""),
        **{
            f"raw.{key}": str(value)
            for key, value in candidate.stages.get("ingest", {}).get("origin", {}).items()
        },
        "params_sha256": _sha256(params),
        "seeds": json.dumps({stage: values["seed"] for stage, values in params.items() if "seed" in values}),
        **{f"dvc_md5.{artifact}": md5 for artifact, md5 in data_md5(candidate).items()},
    }


def git_revision() -> tuple[str, bool]:
    """The commit the code is at, and whether tracked files differ from it.

    `TWELVELEAD_GIT_REVISION` wins: images and installed wheels hold no repository. A "+dirty" suffix counts.
    """
    named = os.environ.get("TWELVELEAD_GIT_REVISION", "")
    if named:
        return named.removesuffix("+dirty"), named.endswith("+dirty")
    revision = _git("rev-parse", "HEAD")
    if not revision:
        return UNKNOWN, False
    return revision, bool(_git("status", "--porcelain", "--untracked-files=no"))


def home() -> Path:
    """The checkout that holds `mlflow/model.py`: `TWELVELEAD_HOME`, or a folder above cwd or this file.

    Raises:
        SetupError: There is none, as with an installed wheel and no TWELVELEAD_HOME.
    """
    named = os.environ.get("TWELVELEAD_HOME", "")
    here = Path(__file__).resolve()
    for folder in [Path(named)] if named else [Path.cwd(), *Path.cwd().parents, *here.parents]:
        if (folder / "mlflow" / "model.py").is_file():
            return folder
    raise SetupError(
        "mlflow/model.py not found",
        where=named or str(Path.cwd()),
        expected="the repository root, whose mlflow/ folder holds model.py and card.md.j2",
        fix="set TWELVELEAD_HOME to the repository root",
    )


def _git(*arguments: str) -> str:
    try:
        command = ["git", "-C", str(home()), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError, SetupError):
        return ""
    return done.stdout.strip()


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
