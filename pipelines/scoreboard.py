"""The last screen of a run: who scored what, what the gate decided and why, where to look next."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.folder import shown

Json = Mapping[str, Any]
COLUMNS = (
    ("macro_auc", "AUC"),
    ("macro_auc_compared", "AUC compared"),
    ("macro_ap", "AP"),
    ("macro_f1", "F1"),
)
LOOK = {
    "report.html": "the run on one page",
    "scorecard.json": "every figure, per statement",
    "predictions.parquet": "every probability on fold 10",
    "artifacts/": "records, pages, instructions, adapter and the rest",
    "log.txt": "everything the steps said",
}
SOURCES = {"simulated": "simulated records", "ptb-xl": "PTB-XL"}


def scoreboard(run: Path) -> str:
    """The text of it.

    Args:
        run: A finished run's folder; what there is of scorecard.json, verdict.json, registration.json,
            publication.json and promotion.json is told.
    """
    told: dict[str, Json] = {
        name: json.loads((run / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("scorecard", "verdict", "registration", "publication", "promotion")
        if (run / f"{name}.json").is_file()
    }
    lines: list[str] = []
    if "verdict" in told:
        lines += [
            *_models(told["scorecard"]),
            "",
            *_verdict(told["verdict"]),
            *_registration(told["registration"]),
        ]
    if told.get("publication", {}).get("remote") or "verdict" not in told:
        lines += _data(told.get("publication"))
    if "promotion" in told:
        moved = told["promotion"]
        lines.append(f"{moved['model']} version {moved['version']} holds the alias {moved['alias']}")
    return "\n".join([*lines, "", *_next(run)])


def _data(publication: Json | None) -> Iterator[str]:
    if publication:
        yield f"Data: {'published at ' + publication['remote'] if publication['remote'] else 'not published'}"
        for name, md5 in publication["artifacts"].items():
            yield f"  {name:<14} {md5}"


def _models(scorecard: Json) -> Iterator[str]:
    data = scorecard["data"]
    yield (
        f"Fold 10 of {SOURCES.get(data['source'], data['source'])}: {data['fold10']} records of "
        f"{data['patients_fold10']} patients, {len(data['statements'])} statements scored, "
        f"{len(data['compared'])} compared (macro means over statements)"
    )
    yield ""
    yield f"  {'model':<8}" + "".join(f"{title:>14}" for _, title in COLUMNS)
    for name, scores in scorecard["models"].items():
        yield f"  {name:<8}" + "".join(f"{_number(scores.get(key)):>14}" for key, _ in COLUMNS)
    yield ""
    comparison = scorecard["comparison"]
    candidate = comparison["candidate"]
    for key, other in (("delta_macro_auc", comparison["baseline"]), ("delta_vs_base", "base")):
        delta = comparison.get(key)
        if delta:
            interval = f"[{_number(delta['lower'], sign=True)}, {_number(delta['upper'], sign=True)}]"
            yield f"  Δ AUC compared, {candidate} − {other}: {_number(delta['value'], sign=True)}  {interval}"
    yield (
        f"  intervals: {comparison['replicates']} bootstrap replicates by patient, each bound "
        f"{comparison['confidence']:.0%} one-sided"
    )
    controls = scorecard.get("controls", {})
    if controls:
        said = ", ".join(f"{name} pages {_number(scores['macro_auc'])}" for name, scores in controls.items())
        yield f"  controls, AUC of {candidate}: {said}"


def _verdict(verdict: Json) -> Iterator[str]:
    still = ", which may not promote" if verdict["decision"] == "smoke" else ""
    yield f"Verdict: {verdict['decision'].upper()} by policy {verdict['policy_name']!r}{still}"
    for check in verdict["checks"]:
        mark = "pass" if check["passed"] else "FAIL"
        yield f"  {mark}  {check['name']}: {check['reason'].removeprefix(check['name'] + ': ')}"


def _registration(registration: Json) -> Iterator[str]:
    name, version = registration.get("model"), registration.get("version")
    if name:
        yield ""
        alias = registration.get("alias")
        yield f"Registered: {name} version {version}" + (f", alias {alias}" if alias else ", no alias moved")
        if alias:
            yield f"  {registration['seat']}"


def _next(run: Path) -> Iterator[str]:
    yield "Look next:"
    for name, about in LOOK.items():
        yield f"  {shown(run) / name}  {about}"


def _number(value: float | None, *, sign: bool = False) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:+.3f}" if sign else f"{value:.3f}"
