"""Packed scoring against one forward pass a statement: the same probabilities, how much faster?

    python bench/packing.py [--base models/tiny] [--pages 16] [--json FILE]

The peer is transformers' own forward, once per page and statement, with the picture run each time (what a
plain evaluation loop does), and once with the vision states kept.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe


def main() -> None:
    """Measure, print a table, and write every figure where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default="models/tiny")
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.base, arguments.pages, arguments.rounds, arguments.threads)
    print(
        f"{arguments.pages} pages × {found['statements']} statements, "
        f"CPU ms a page, median of {arguments.rounds}"
    )
    for name in ("packed", "separate, vision kept", "separate, vision each time"):
        ratio = found["ms_a_page"][name] / found["ms_a_page"]["packed"]
        print(f"  {name:<28}{found['ms_a_page'][name]:>10.1f}   {ratio:>6.1f}×")
    print(f"  largest difference of a logit difference: {found['largest_difference']:.1e}")
    if arguments.json:
        whole = {**describe("torch", "transformers"), **found}
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def measure(base_path: str, pages: int, rounds: int, threads: int) -> dict[str, Any]:
    """CPU time of the three ways over the same pages and all 71 statements."""
    import torch
    from PIL import Image

    from twelvelead.ecg.statement import STATEMENTS
    from twelvelead.instruct.sample import messages
    from twelvelead.instruct.statements import question
    from twelvelead.models.mllama import load_base
    from twelvelead.models.packed import encode_images, pack, slot_logits

    torch.set_num_threads(threads)
    base = load_base(base_path)
    rng = np.random.default_rng(0)
    size = base.model.config.vision_config.image_size
    pictures = []
    for _ in range(pages):
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (size, size, 3), dtype=np.uint8)).save(stream, "PNG")
        pictures.append(stream.getvalue())
    images = base.pixels(pictures)
    asked = [base.question(messages(question(code), "")) for code in STATEMENTS]
    prefix, questions = asked[0][0], [q for _, q in asked]
    pad = base.tokenizer.pad_token_id
    yes, no = base.verbalisers

    def packed() -> Any:
        states = encode_images(base.model, images)
        logits = slot_logits(base.model, pack(prefix, [questions] * pages, pad=pad), states)
        return logits[..., yes] - logits[..., no]

    def separate(vision_each_time: bool) -> Any:
        states = encode_images(base.model, images)
        columns = []
        for one in questions:
            if vision_each_time:
                states = encode_images(base.model, images)
            logits = slot_logits(base.model, pack(prefix, [[one]] * pages, pad=pad), states)
            columns.append(logits[..., yes] - logits[..., no])
        return torch.cat(columns, dim=1)

    ways: dict[str, Callable[[], Any]] = {
        "packed": packed,
        "separate, vision kept": lambda: separate(False),
        "separate, vision each time": lambda: separate(True),
    }
    with torch.no_grad():
        difference = float((packed() - separate(False)).abs().max())
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                begun = time.process_time()
                way()
                spent[name].append((time.process_time() - begun) / pages * 1000)
    return {
        "statements": len(questions),
        "pages": pages,
        "threads": threads,
        "ms_a_page": {name: float(np.median(values)) for name, values in spent.items()},
        "spread_ms": {name: [min(values), max(values)] for name, values in spent.items()},
        "largest_difference": difference,
    }


if __name__ == "__main__":
    main()
