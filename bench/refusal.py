"""How many pictures that are no 12-lead ECG are refused, and how many pages are by mistake.

Negatives are made by code (negatives.py). Positives are our nine layouts under every preset, drawn from real
PTB-XL records, and the real photographs, scans and foreign renders of TWELVELEAD_SHARED. Every kind is cut in
halves, real pictures by record, so that no print is in both; weights are fitted on one half with --fit, and
every figure is of the other.

    python bench/refusal.py --fit --json bench/results/refusal.json
"""

from __future__ import annotations

import os

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

import argparse
import hashlib
import io
import json
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe as hardware
from negatives import KINDS

from twelvelead.data.wfdb import read_record
from twelvelead.errors import RecordError
from twelvelead.paper.compose import compose
from twelvelead.paper.jpeg import jpeg_bytes
from twelvelead.paper.page import render
from twelvelead.paper.photo import photograph
from twelvelead.paper.presets import draw_degradation
from twelvelead.paper.style import FORMS, PageStyle
from twelvelead.serving import refuse
from twelvelead.serving.describe import describe

PRESETS = ("clean", "scan", "photo", "harsh")
GRIDS = ("red", "pink", "grey", "blue", "beige", "none")
HIDDEN = 12
FOLDERS = ("photos-ptbxl/photos", "photos-ptbxl/photos_full_resolution", "photos-misc", "rendered-ptbxl")
Task = tuple[str, str, int, str]  # group, what, seed, path


def tasks(shared: Path, negatives: int, pages: int) -> list[Task]:
    """Every picture, unmade."""
    made = [("negative", kind, seed, "") for kind in KINDS for seed in range(negatives)]
    made += [("page", f"{layout} {preset}", seed, "") for layout in FORMS for preset in PRESETS
             for seed in range(pages)]  # fmt: skip
    made += [("page", "336 px 12x1", seed, "") for seed in range(2 * pages)]
    for folder in FOLDERS:
        files = sorted(
            path for path in (shared / "data/images" / folder).glob("*") if path.suffix in (".jpg", ".png")
        )
        made += [("real", folder, number, str(path)) for number, path in enumerate(files)]
    return made


def picture(task: Task, records: list[str]) -> Any:
    """(height, width, 3) of one task."""
    from PIL import Image, ImageOps

    group, what, seed, path = task
    key = [int.from_bytes(hashlib.sha256(f"{group} {what}".encode()).digest()[:4], "big"), seed]
    rng = np.random.default_rng(key)
    if group == "negative":
        return KINDS[what](rng)
    if group == "real":
        return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    record = read_record(Path(records[int(rng.integers(len(records)))]))
    layout, _, preset = what.partition(" ")
    if what == "336 px 12x1":
        return render(record.signal_mv, record.fs_hz, PageStyle()).rgb()
    style = PageStyle.paper(
        "a4", float(rng.choice([101.6, 152.4, 203.2])), layout=layout, grid=str(rng.choice(GRIDS))
    )
    if preset == "clean":
        return render(record.signal_mv, record.fs_hz, style).rgb()
    scene = compose(record.signal_mv, record.fs_hz, style)
    data = jpeg_bytes(photograph(scene, draw_degradation(preset, rng), (1, *key), words=False))
    return np.asarray(Image.open(io.BytesIO(data)))


def half(task: Task) -> int:
    """0 is fitted on, 1 reported; of real pictures the record decides, however often it was photographed."""
    if task[0] != "real":
        return task[2] % 2
    name = re.match(r"[a-z]*\d+", Path(task[3]).name)
    return hashlib.sha256((name[0] if name else task[3]).encode()).digest()[0] % 2


def told(job: tuple[Task, list[str]]) -> list[float] | None:
    """What `describe` says of a picture; None where it is refused before."""
    rgb = picture(*job)
    try:
        return describe(rgb).tolist() if min(rgb.shape[:2]) >= refuse.LEAST_SHORT_PX else None
    except RecordError:
        return None


def fit(values: Any, truth: Any, weight: Any) -> dict[str, Any]:
    """The network's tree."""
    from scipy.optimize import minimize

    mean, deviation = values.mean(axis=0), values.std(axis=0) + 1e-6
    x, size = (values - mean) / deviation, values.shape[1]
    start = np.random.default_rng(0).normal(0, 0.2, size * HIDDEN + 2 * HIDDEN + 1)

    def loss(flat: Any) -> tuple[float, Any]:
        inner, b, outer, c = parts(flat)
        hidden = np.tanh(x @ inner + b)
        margin = (hidden @ outer + c) * (2 * truth - 1)
        slope = -weight * (2 * truth - 1) / (1 + np.exp(margin))
        back = np.outer(slope, outer) * (1 - hidden**2)
        gradient = np.concatenate([(x.T @ back).ravel(), back.sum(0), hidden.T @ slope, [slope.sum()]])
        decay = 2e-3 * np.r_[np.ones(size * HIDDEN), np.zeros(HIDDEN), np.ones(HIDDEN), 0]
        return float(
            weight @ np.logaddexp(0, -margin) + 0.5 * (decay * flat**2).sum()
        ), gradient + decay * flat

    def parts(flat: Any) -> tuple[Any, Any, Any, float]:
        cut = size * HIDDEN
        return flat[:cut].reshape(size, HIDDEN), flat[cut : cut + HIDDEN], flat[cut + HIDDEN : -1], flat[-1]

    inner, b, outer, c = parts(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 400}).x)
    return {
        "mean": mean.round(6).tolist(), "deviation": deviation.round(6).tolist(),
        "inner": inner.round(4).tolist(), "inner_bias": b.round(4).tolist(), "outer": outer.round(4).tolist(),
        "outer_bias": [round(float(c), 4)], "cuts": [0.5, 0.9],
    }  # fmt: skip


def main() -> None:
    """Make every picture, describe it, fit if asked, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--negatives", type=int, default=40, help="of each kind")
    parser.add_argument("--pages", type=int, default=6, help="of each layout and preset")
    parser.add_argument("--fit", action="store_true", help="fit the weights anew")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--cache", type=Path, help="keep what was described; a stopped run goes on from there"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    shared = Path(os.environ["TWELVELEAD_SHARED"])
    records = sorted(str(path.with_suffix("")) for path in (shared / "data/ptb-xl/records500").rglob("*.hea"))
    every = tasks(shared, options.negatives, options.pages)
    kept = json.loads(options.cache.read_text()) if options.cache and options.cache.is_file() else {}
    todo = [task for task in every if json.dumps(task) not in kept]
    with ProcessPoolExecutor(options.processes) as pool:
        for number, (task, row) in enumerate(
            zip(todo, pool.map(told, [(task, records) for task in todo]), strict=True), start=1
        ):
            kept[json.dumps(task)] = row
            if options.cache and (number % 20 == 0 or number == len(todo)):
                options.cache.write_text(json.dumps(kept))
    found = [kept[json.dumps(task)] for task in every]
    halves = np.array([half(task) for task in every])
    if options.fit:
        use = [n for n, row in enumerate(found) if row is not None and halves[n] == 0]
        truth = np.array([every[n][0] != "negative" for n in use], float)
        weight = np.array([{"negative": 1.0, "page": 1.0, "real": 6.0}[every[n][0]] for n in use])
        tree = fit(np.array([found[n] for n in use]), truth, weight / weight.sum())
        refuse.WEIGHTS.write_text(json.dumps(tree) + "\n", encoding="utf-8")
        refuse._network.cache_clear()
    cut = refuse._network().refuse_below
    refused = np.array([row is None or refuse.probability(np.array(row)) < cut for row in found])
    result = {
        **hardware("numpy", "pillow", "scipy"),
        "pictures": len(every),
        "refuse_below": cut,
    }
    for name, side in (("fitted", 0), ("held_out", 1)):
        result[name] = {}
        for group in ("negative", "page", "real"):
            kinds = list(dict.fromkeys(task[1] for task in every if task[0] == group))
            rows = {}
            for kind in kinds:
                own = [n for n, task in enumerate(every) if task[:2] == (group, kind) and halves[n] == side]
                rows[kind] = {"refused": int(refused[own].sum()), "of": len(own)}
            total, of = sum(r["refused"] for r in rows.values()), sum(r["of"] for r in rows.values())
            result[name][group] = {
                "refused": total,
                "of": of,
                "share": round(total / max(of, 1), 4),
                "kinds": rows,
            }
            print(name, group, total, of, {k: f"{r['refused']}/{r['of']}" for k, r in rows.items()})
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
