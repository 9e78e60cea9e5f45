"""The model card of the embedded reader, from models/reader/reader.json."""

from __future__ import annotations

import json
from typing import Any

from handbook import DOCS
from handbook.table import code, document, table

READER = DOCS.parent / "models" / "reader"


def page() -> str:
    """The model card."""
    tree: dict[str, Any] = json.loads((READER / "reader.json").read_text(encoding="utf-8"))
    silent = [one["code"] for one in tree["statements"] if one["threshold"] is None]
    called = len(tree["statements"]) - len(silent)
    facts = [
        ("base", f"{code(tree['base'])}, SHA-256 {code(tree['base_sha256'])}"),
        ("adapter", f"SHA-256 {code(tree['adapter_sha256'])}"),
        ("trained on", f"{tree['data_source']} records, {tree['page']['layout']} pages of "
         f"{tree['page']['width_px']} px, {tree['page']['degradation']} prints of one look"),
        ("statements", f"{len(tree['statements'])} asked; {called} can be called, {len(silent)} never are: "
         "fold 9 had no positive to choose a threshold by"),
        ("beside it", "the signal CNN of the same run, asked where a signal is given"),
    ]  # fmt: skip
    return document(
        "Card of the embedded reader",
        "`models/reader`: the adapter of a default run on [the embedded base](base.md), so that `twelvelead "
        "interpret` and `serve` work with no setting. **Research software, not a medical device.**",
        "## Its verdict",
        f"Policy *{tree['policy']['name']}* ({code(tree['policy']['sha256'][:16])}): **{tree['decision']}**.",
        "\n".join(f"* {reason}" for reason in tree["reasons"]),
        "So it is no champion, and never was: every answer, the review page and the command line say so. It "
        "is here to show what an answer looks like.",
        "## What it is",
        table(("fact", "value"), facts),
        "## What it can be used for, and not",
        "For trying the tools, and for tests of them. On pages of another layout, scans and above all "
        "photographs it is far worse than on its own (the README has the figures; real photographs: chance), "
        "and answers about such pictures carry a warning. Nothing it says may be used for care.",
        "## Make another",
        "`twelvelead reader RUN -o models/reader` packs the adapter of any finished run.",
        table(
            ("lineage", "value"), ((code(key), code(value)) for key, value in sorted(tree["lineage"].items()))
        ),
    )
