"""Who a reader is before its weights are loaded: adapter, base, statements, calibration, thresholds, verdict.

A reader can be had from four kinds of folder, and all tell the same:

    reader   reader.json, adapter/, cnn/ where the signal CNN came along; `twelvelead reader` makes it
    run      artifacts/, scorecard.json and verdict.json, as `make run` leaves them
    road     adapter/, evaluation/, verdict.json, baseline/: what the stages write, side by side
    adapter  an adapter's folder within one of these

reader.json
    format                   1
    name version alias       of the registered model, or of the run; empty where there is none
    decision reasons         "passed", "smoke", "rejected" or "unjudged", and why it was refused
    policy                   name and sha256 of the policy that decided
    base base_sha256         where the base lay in training (a path from the repository's root), and its hash
    adapter_sha256           of adapter/; another one is refused
    data_source              "simulated", "ptb-xl" …
    statements cnn           a list of {code, slope, intercept, threshold} each; `cnn` is null without one
    page                     the params of synthesize: how a record is drawn for this reader
    lineage                  flat: DVC hashes, seeds, git revision
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from twelvelead.data.digest import LINEAGE_FILE, model_sha256
from twelvelead.errors import SetupError
from twelvelead.gate.verdict import PASSED, REJECTED, SMOKE

READER, FORMAT = "reader.json", 1
ADAPTER, CNN = "adapter", "cnn"
WEIGHTS = "adapter_model.safetensors"
UNJUDGED = "unjudged"
SOURCES = ("registry", "folder", "embedded")
Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One statement that a model is asked: probability = σ(slope · logit(raw) + intercept).

    Attributes:
        code: SCP code.
        slope, intercept: Its calibration, fitted on fold 9.
        threshold: From which probability on it is called; None, where fold 9 had no positive, calls it never.
    """

    code: str
    slope: float
    intercept: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Identity:
    """All that tells one reader from another; see the module's text for the fields of reader.json.

    Attributes:
        source: One of SOURCES.
        adapter: Folder of the adapter.
        cnn_folder: Folder of the signal CNN, or None.
    """

    name: str
    version: str
    alias: str
    source: str
    decision: str
    reasons: tuple[str, ...]
    policy_name: str
    policy_sha256: str
    base: str
    base_sha256: str
    adapter_sha256: str
    data_source: str
    statements: tuple[Asked, ...]
    cnn: tuple[Asked, ...] | None
    page: Tree
    lineage: Mapping[str, str]
    adapter: Path
    cnn_folder: Path | None

    @property
    def codes(self) -> list[str]:
        """The statements that are asked, in the order of the scores."""
        return [one.code for one in self.statements]

    @property
    def base_path(self) -> str:
        """Where the base lies here: TWELVELEAD_BASE, else the recorded path from here or above the reader.

        Raises:
            SetupError: It is nowhere.
        """
        named = os.environ.get("TWELVELEAD_BASE") or self.base
        if named.startswith("s3://"):
            return named
        above = [Path(), *self.adapter.resolve().parents, *Path(__file__).resolve().parents]
        for folder in above:
            if (folder / named).is_dir():
                return str(folder / named)
        raise SetupError(
            "the base model of this reader is not here", where=named,
            expected=f"the base with sha256 {self.base_sha256[:12]}…",
            fix="run from the repository's root, or set TWELVELEAD_BASE to its folder",
        )  # fmt: skip

    def registered(self, name: str, version: str, alias: str, tags: Mapping[str, str]) -> Identity:
        """The same reader as a version of the registry."""
        lineage = {**self.lineage, **{key: tags[key] for key in sorted(tags) if key in _LINEAGE_TAGS}}
        return replace(self, name=name, version=version, alias=alias, source="registry", lineage=lineage)


_LINEAGE_TAGS = frozenset(
    {"git_revision", "git_dirty", "kfp_run_id", "image_digest", "params_sha256", "fingerprint"}
)


def read_identity(folder: Path, source: str = "folder") -> Identity:
    """The reader that a folder holds.

    Raises:
        SetupError: It holds none, or its files do not belong together.
    """
    if (folder / READER).is_file():
        found = _from_reader(folder, source)
    else:
        found = _from_road(folder, source)
    actual = model_sha256(found.adapter)
    if actual != found.adapter_sha256:
        raise SetupError(
            f"the adapter's hash is {actual[:12]}…, and {found.adapter_sha256[:12]}… was judged",
            where=str(found.adapter), expected="the very files that the scorecard is about",
            fix="run evaluate and gate on this adapter, or pack the reader again",
        )  # fmt: skip
    return found


def to_tree(identity: Identity) -> dict[str, Any]:
    """The tree of reader.json."""
    return {
        "format": FORMAT, "name": identity.name, "version": identity.version, "alias": identity.alias,
        "decision": identity.decision, "reasons": list(identity.reasons),
        "policy": {"name": identity.policy_name, "sha256": identity.policy_sha256},
        "base": identity.base, "base_sha256": identity.base_sha256,
        "adapter_sha256": identity.adapter_sha256, "data_source": identity.data_source,
        "statements": [asdict(one) for one in identity.statements],
        "cnn": None if identity.cnn is None else [asdict(one) for one in identity.cnn],
        "page": dict(identity.page), "lineage": dict(identity.lineage),
    }  # fmt: skip


def _from_reader(folder: Path, source: str) -> Identity:
    tree = _read(folder / READER)
    if tree.get("format") != FORMAT:
        raise SetupError(
            f"is of format {tree.get('format')!r}", where=str(folder / READER), expected=str(FORMAT),
            fix="pack the reader again with `twelvelead reader`",
        )  # fmt: skip
    try:
        has_cnn = tree["cnn"] is not None
        return Identity(
            name=tree["name"], version=tree["version"], alias=tree["alias"], source=source,
            decision=tree["decision"], reasons=tuple(tree["reasons"]), policy_name=tree["policy"]["name"],
            policy_sha256=tree["policy"]["sha256"], base=tree["base"], base_sha256=tree["base_sha256"],
            adapter_sha256=tree["adapter_sha256"], data_source=tree["data_source"],
            statements=tuple(Asked(**one) for one in tree["statements"]),
            cnn=tuple(Asked(**one) for one in tree["cnn"]) if has_cnn else None,
            page=tree["page"], lineage=tree["lineage"],
            adapter=folder / ADAPTER, cnn_folder=folder / CNN if has_cnn else None,
        )  # fmt: skip
    except (KeyError, TypeError) as fault:
        raise SetupError(
            f"lacks {fault}", where=str(folder / READER), fix="pack the reader again with `twelvelead reader`"
        ) from None


def _from_road(folder: Path, source: str) -> Identity:
    """Of what the stages wrote: a run, its artifacts, or the adapter among them."""
    adapter = _first(folder, "artifacts/adapter", "adapter", ".", holding=WEIGHTS)
    scorecard_file = _beside(adapter, folder, "evaluation/scorecard.json", "scorecard.json")
    verdict_file = _beside(adapter, folder, "verdict.json")
    if scorecard_file is None:
        raise SetupError(
            "no scorecard tells which statements this adapter is asked, nor their calibration",
            where=str(folder), expected="evaluation/scorecard.json or scorecard.json beside it",
            fix="name the run's folder, or run `twelvelead evaluate`",
        )  # fmt: skip
    card, note = _read(scorecard_file), _read(adapter / "base.json")
    verdict = _read(verdict_file) if verdict_file else {}
    candidate = str(verdict.get("candidate") or card.get("comparison", {}).get("candidate", "lora"))
    baseline = str(card.get("comparison", {}).get("baseline", "cnn"))
    codes = [str(code) for code in card["data"]["statements"]]
    weights = _beside(adapter, folder, "baseline/model.safetensors")
    cnn_folder = weights.parent if weights else None
    stages = _stages(adapter, scorecard_file.parent)
    judged, judged_against = (card.get("evidence", {}).get(name, "") for name in ("adapter", "baseline"))
    if cnn_folder and judged_against and model_sha256(cnn_folder) != judged_against:
        raise SetupError(
            f"the CNN beside it is not the one it was judged against, {judged_against[:12]}…",
            where=str(cnn_folder), fix="run evaluate and gate on this CNN, or fetch the version again",
        )  # fmt: skip
    lineage = _flat(stages) | ({"cnn_sha256": judged_against} if cnn_folder and judged_against else {})
    return Identity(
        name=folder.resolve().name if adapter != folder else folder.resolve().parent.name,
        version="", alias="", source=source, decision=_decision(verdict),
        reasons=tuple(map(str, verdict.get("reasons", []))),
        policy_name=str(verdict.get("policy_name", "")), policy_sha256=str(verdict.get("policy_sha256", "")),
        base=str(note.get("base", "")), base_sha256=str(note.get("sha256", "")),
        adapter_sha256=str(judged) or model_sha256(adapter),
        data_source=str(card["data"].get("source", "unknown")),
        statements=_asked(card, candidate, codes, scorecard_file),
        cnn=_asked(card, baseline, codes, scorecard_file) if cnn_folder else None,
        page=stages.get("synthesize", {}).get("params", {}), lineage=lineage, adapter=adapter,
        cnn_folder=cnn_folder,
    )  # fmt: skip


def _asked(card: Tree, model: str, codes: Sequence[str], where: Path) -> tuple[Asked, ...]:
    table = card.get("models", {}).get(model, {}).get("statements", {})
    missing = [code for code in codes if not {"slope", "intercept"} <= set(table.get(code, {}))]
    if missing:
        raise SetupError(
            f"no calibration of {model} for {', '.join(missing[:5])}", where=str(where), fix="evaluate again"
        )
    rows = [(code, table[code]) for code in codes]
    return tuple(Asked(code, row["slope"], row["intercept"], row.get("threshold")) for code, row in rows)


def _decision(verdict: Tree) -> str:
    """As the registry tags it: only a verdict that says `true` outright, twice, is a pass."""
    if not verdict:
        return UNJUDGED
    if verdict.get("passed") is not True:
        return REJECTED
    return PASSED if verdict.get("promotes") is True else SMOKE


def _stages(*folders: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for folder in folders:
        if (folder / LINEAGE_FILE).is_file():
            found |= _read(folder / LINEAGE_FILE)
    return found


def _flat(stages: Tree) -> dict[str, str]:
    flat: dict[str, str] = {}
    for stage, entry in sorted(stages.items()):
        for artifact, md5 in entry.get("inputs", {}).items():
            flat[f"dvc_md5.{artifact}"] = str(md5)
        if "seed" in entry.get("params", {}):
            flat[f"seed.{stage}"] = str(entry["params"]["seed"])
    return flat


def _first(folder: Path, *names: str, holding: str) -> Path:
    for name in names:
        if (folder / name / holding).is_file():
            return folder / name if name != "." else folder
    raise SetupError(
        "holds no reader", where=str(folder),
        expected=f"{READER}, or a run's folder, or an adapter's with {WEIGHTS}",
        fix="train one with `make run`, or pack one with `twelvelead reader RUN -o FOLDER`",
    )  # fmt: skip


def _beside(adapter: Path, folder: Path, *names: str) -> Path | None:
    """A file beside the adapter, or at the top of the run; links of a run are not followed upwards."""
    above = Path(os.path.abspath(adapter)).parent  # noqa: PTH100 resolve() would leave a run by its links
    places = [above / name for name in names] + [folder / name for name in names]
    return next((place for place in places if place.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise SetupError(f"cannot be read: {fault.strerror}", where=str(path)) from None
    except ValueError as fault:
        raise SetupError(f"is no JSON: {fault}", where=str(path)) from None
    if not isinstance(value, dict):
        raise SetupError(f"holds a {type(value).__name__}", where=str(path), expected="a JSON object")
    return value
