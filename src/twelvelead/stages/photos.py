"""Real photographs of printed ECGs, read by an adapter and reported apart from every other figure.

A folder has a labels.csv with the columns image, patient_id and scp_codes (PTB-XL's own form, a dictionary of
code to likelihood); a record id is taken from `ecg_id`, or the file's name. Dozens of photographs are too few
for a gate: no policy sees these figures.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twelvelead.errors import DataError, SetupError
from twelvelead.progress import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABELS = "labels.csv"
COLUMNS = ("image", "patient_id", "scp_codes")


def photos(
    folder: Path,
    adapter: Path,
    scorecard: Path | None = None,
    *,
    mask_top: float = 0.0,
    min_positives: int = 3,
    threads: int = 0,
) -> dict[str, Any]:
    """Score every photograph of a folder.

    Args:
        folder: Holds labels.csv and the pictures it names.
        adapter: Folder of the adapter; its base.json names the base.
        scorecard: scorecard.json of its run: which statements to ask, and their calibration. None asks the
            labelled statements and gives raw probabilities.
        mask_top: Share of each picture's height that is painted over before it is read: on many machines
            the header with identity, measurements and the machine's own interpretation.
        min_positives: Fewest positives, and negatives, of a statement with an AUC.
        threads: Torch threads; 0 for all cores.

    Returns:
        Number of pictures and patients, macro AUC and how many statements it is over, and for every
        statement its positives and AUC (None with too few).

    Raises:
        DataError: labels.csv, a column, a picture or every statement is missing.
        SetupError: The adapter does not name its base.
    """
    import numpy as np

    from twelvelead.evaluation.calibration import Calibration
    from twelvelead.evaluation.metrics import auc, macro
    from twelvelead.evaluation.score import score_images

    rows = _rows(folder)
    note = adapter / "base.json"
    if not note.is_file():
        raise SetupError("the adapter does not name its base", where=str(note), fix="run train-lora again")
    base = json.loads(note.read_text(encoding="utf-8"))["base"]
    card = json.loads(scorecard.read_text(encoding="utf-8")) if scorecard else None
    codes = card["data"]["statements"] if card else sorted({code for _, _, own in rows for code in own})
    if not codes:
        raise DataError("no picture has a statement", where=str(folder / LABELS))
    images = [_picture(path, mask_top) for path, _, _ in rows]
    say(f"photos: {len(images)} pictures, {len(codes)} statements")
    found = score_images(base, adapter, images, codes, threads)
    if card:
        fitted = [card["models"]["lora"]["statements"][code] for code in codes]
        slope, intercept = (np.array([one[key] for one in fitted]) for key in ("slope", "intercept"))
        found = Calibration(slope, intercept).of(found)
    truth = np.array([[code in own for code in codes] for _, _, own in rows], np.uint8)
    table = _table(truth, found, codes, min_positives, auc)
    known = np.array([row["auc"] for row in table.values() if row["auc"] is not None])
    return {
        "pictures": len(rows),
        "patients": len({patient for _, patient, _ in rows}),
        "masked_top": mask_top,
        "statements_scored": len(known),
        "macro_auc": macro(known) if len(known) else None,
        "statements": table,
    }


def _rows(folder: Path) -> list[tuple[Path, str, set[str]]]:
    import pandas as pd

    if not (folder / LABELS).is_file():
        raise DataError(f"has no {LABELS}", where=str(folder), expected=f"columns {', '.join(COLUMNS)}")
    table = pd.read_csv(folder / LABELS)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise DataError(
            f"has no column {missing[0]!r}", where=str(folder / LABELS), expected=", ".join(COLUMNS)
        )
    found = []
    for row in table.to_dict("records"):
        try:
            own = ast.literal_eval(row["scp_codes"])
        except (ValueError, SyntaxError):
            own = None
        if not isinstance(own, dict):
            raise DataError(
                f"scp_codes is {row['scp_codes']!r}",
                where=f"{folder / LABELS}, {row['image']}",
                expected="a dictionary such as {'NORM': 100.0}",
            )
        path = folder / str(row["image"])
        if not path.is_file():
            raise DataError("the picture is missing", where=str(path))
        found.append((path, str(row["patient_id"]), set(own)))
    return found


def _picture(path: Path, mask_top: float) -> bytes:
    import io

    from PIL import Image

    try:
        with Image.open(path) as image:
            page = image.convert("RGB")
    except OSError as fault:
        raise DataError(f"is no picture: {fault}", where=str(path)) from None
    if not mask_top:
        return path.read_bytes()
    height = round(page.height * mask_top)
    edge = page.crop((0, height, page.width, min(height + 8, page.height))).resize((1, 1))
    colour = edge.getpixel((0, 0))
    page.paste(colour if isinstance(colour, tuple) else (255, 255, 255), (0, 0, page.width, height))
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


def _table(
    truth: NDArray[np.uint8], found: NDArray[np.float32], codes: Sequence[str], least: int, auc: Any
) -> dict[str, dict[str, Any]]:
    table = {}
    for column, code in enumerate(codes):
        positives = int(truth[:, column].sum())
        enough = min(positives, len(truth) - positives) >= least
        table[code] = {
            "positives": positives,
            "auc": float(auc(truth[:, column], found[:, column])) if enough else None,
        }
    return table
