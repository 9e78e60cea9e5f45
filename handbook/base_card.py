"""The model card of the embedded base, from the files in models/tiny."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handbook import DOCS
from handbook.table import code, document, table

BASE = DOCS.parent / "models" / "tiny"
_SEEN = {
    "closed_auc": ("closed questions of perception", "AUC"),
    "rate_bpm": ("ventricular rate", "share of variance"),
    "pr_ms": ("PR", "share of variance"),
    "qrs_ms": ("QRS", "share of variance"),
    "qtc_ms": ("QTc", "share of variance"),
    "axis_deg": ("frontal axis in degrees", "share of variance"),
    "axis_cos": ("its part along lead I", "share of variance"),
    "axis_sin": ("its part along aVF", "share of variance"),
    "rr_sd_ms": ("spread of RR", "share of variance"),
    "irregular": ("whether the rhythm is irregular", "share of variance"),
    "p_present": ("whether there are P waves", "share of variance"),
    "ectopic_beats": ("how many ectopic beats", "share of variance"),
}


def page() -> str:
    """The model card."""
    seen, lineage, config = (_read(name) for name in ("pretraining.json", "lineage.json", "config.json"))
    held_out = seen["held_out"]
    if set(held_out) != set(_SEEN):
        raise ValueError(f"pretraining.json and base_card.py differ in {sorted(set(held_out) ^ set(_SEEN))}")
    weights = BASE / "model.safetensors"
    rows = [(_SEEN[name][0], _SEEN[name][1], f"{held_out[name]:.3f}".lstrip("0")) for name in _SEEN]
    params = lineage["pretrain"]["params"]
    return document(
        "Card of the embedded base",
        "`models/tiny`: a Llama 3.2 Vision in miniature, made by this repository from simulated ECGs, so "
        "that the whole road can be walked without a download. **Research software, not a medical device.**",
        "## What it is",
        table(("fact", "value"), _facts(weights, config)),
        "## What it was taught",
        f"{params['records']:,} simulated 12×1 pages of {config['vision_config']['image_size']} px, all 71 "
        f"statements among them, {params['pages_per_step']} a step for {seen['steps']:,} steps: perception "
        "and measurement (rate, regularity, intervals, axis, deflections, which lead is where), never a "
        "statement. Dense targets beside the answers were thrown away ([decision "
        "004](../decisions/004-pretraining-with-throw-away-readers.md), "
        "[009](../decisions/009-embedded-base.md)).",
        table(("param", "value"), [(code(f"pretrain.{key}"), value) for key, value in params.items()]),
        "## What it sees",
        "512 held-out simulated pages; AUC of the answers, and the share of variance that a linear reader "
        "of the vision states explains.",
        table(("of what", "figure", "value"), rows),
        "## What it is for, and not",
        "For trying the road, for tests, and for comparing changes to it on one machine. It has seen one "
        "layout, one grid, one size and no real ECG. Nothing it says bears on what a real Llama 3.2 Vision "
        "would reach; nothing it says may be used for care. An adapter on it is judged by the same gate as "
        "any ([README](../index.md) has figures).",
        "## Make it again",
        "`twelvelead pretrain` (40 minutes on one core, 65 with other work beside it); the weights follow "
        "from the params and the code, up to the order of sums of another processor.",
    )


def _facts(weights: Path, config: Mapping[str, Any]) -> list[tuple[str, str]]:
    text, vision = config["text_config"], config["vision_config"]
    return [
        ("class", code(config["architectures"][0])),
        ("weights", f"{_count(weights):,} in {config['dtype']}, {weights.stat().st_size / 1e6:.1f} MB"),
        ("SHA-256 of the weights", code(hashlib.sha256(weights.read_bytes()).hexdigest())),
        (
            "language",
            f"{text['num_hidden_layers']} layers of {text['hidden_size']}, cross attention in "
            f"{' and '.join(map(str, text['cross_attention_layers']))}, {text['vocab_size']} tokens",
        ),
        (
            "vision",
            f"{vision['num_hidden_layers']} + {vision['num_global_layers']} layers of "
            f"{vision['hidden_size']}, one tile of {vision['image_size']} px, patches of "
            f"{vision['patch_size']} px",
        ),
        ("licence", "that of this repository, Apache-2.0; no weight of Meta's is in it"),
    ]


def _count(weights: Path) -> int:
    """Numbers in a safetensors file, by its header."""
    with weights.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    sizes = [tensor["shape"] for name, tensor in header.items() if name != "__metadata__"]
    total = 0
    for shape in sizes:
        numbers = 1
        for length in shape:
            numbers *= length
        total += numbers
    return total


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BASE / name).read_text(encoding="utf-8"))
    return found
