"""What is answered about one sheet: the tree that the page, the CLI and every client gets."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import Any

from twelvelead.ecg.statement import statement
from twelvelead.gate.verdict import PASSED
from twelvelead.serving.familiar import ALONE, unfamiliar
from twelvelead.serving.findings import report
from twelvelead.serving.identity import UNJUDGED, Asked, Identity
from twelvelead.serving.reader import Probabilities, positive
from twelvelead.serving.recording import for_eyes
from twelvelead.serving.sheet import Geometry, Sheet, geometry_tree

NOTICE = "Research software. Not a medical device; nothing here may be used for care."
ARTICLES = ("a ", "an ")


def interpretation(
    identity: Identity,
    sheet: Sheet,
    found: Probabilities,
    cnn: Probabilities | None,
    *,
    picture: bool = False,
) -> dict[str, Any]:
    """The answer about one sheet.

    Args:
        identity: Whose probabilities these are.
        sheet: What was read.
        found: (statements,) of the adapter.
        cnn: (statements,) of the CNN, or None.
        picture: Whether the picture is sent back.
    """
    rows = statements(identity.statements, found)
    rows.sort(key=_margin, reverse=True)
    own = (
        None
        if cnn is None or identity.cnn is None
        else {"statements": statements(identity.cnn, cnn, brief=True)}
    )
    alone = (ALONE,) if sheet.signal_mv is not None and identity.cnn is None else ()
    return {
        "id": str(uuid.uuid4()),
        "model": model_tree(identity),
        "notice": notice(identity),
        "input": {
            "kind": sheet.kind, "width_px": sheet.width_px, "height_px": sheet.height_px, "page": sheet.page,
            "bytes": sheet.size_bytes, "sha256": sheet.sha256,
        },
        "warnings": [*sheet.warnings, *unfamiliar(identity.page, sheet.kind), *alone],
        "statements": rows,
        "cnn": own,
        "measurements": None if sheet.measurements is None else dict(sheet.measurements),
        "report": report(rows, sheet.measurements),
        "picture": picture_tree(sheet) if picture else None,
    }  # fmt: skip


def statements(asked: Sequence[Asked], found: Probabilities, *, brief: bool = False) -> list[dict[str, Any]]:
    """One row a statement, in the order asked; `brief` leaves out what a row beside it says already."""
    rows = []
    for one, value in zip(asked, found, strict=True):
        probability = round(float(value), 6)
        row = {
            "code": one.code, **({} if brief else {"name": name_of(one.code), "group": group_of(one.code)}),
            "probability": probability, "threshold": one.threshold,
            "positive": positive(float(value), one.threshold),
        }  # fmt: skip
        rows.append(row)
    return rows


def model_tree(identity: Identity, *, asked: bool = False) -> dict[str, Any]:
    """Who answers; with `asked`, which statements it is asked."""
    tree: dict[str, Any] = {
        "name": identity.name, "version": identity.version, "alias": identity.alias,
        "source": identity.source, "decision": identity.decision, "reasons": list(identity.reasons),
        "policy": {"name": identity.policy_name, "sha256": identity.policy_sha256},
        "adapter_sha256": identity.adapter_sha256, "base": identity.base, "base_sha256": identity.base_sha256,
        "data_source": identity.data_source, "lineage": dict(identity.lineage), "notice": notice(identity),
    }  # fmt: skip
    if asked:
        tree["statements"] = [
            {
                "code": one.code,
                "name": name_of(one.code),
                "group": group_of(one.code),
                "threshold": one.threshold,
            }
            for one in identity.statements
        ]
    return tree


def notice(identity: Identity) -> str:
    """What must stand beside every answer, the gate's refusal included."""
    said = [NOTICE]
    if identity.decision == UNJUDGED:
        said.append("No gate has judged this model.")
    elif identity.decision != PASSED:
        why = {"rejected": "This model was REJECTED by its gate.",
               "smoke": "This model passed only a policy that may promote nothing."}  # fmt: skip
        said.append(why.get(identity.decision, f"Its gate says {identity.decision}."))
    if identity.data_source == "simulated":
        said.append("It was trained and judged on simulated records.")
    return " ".join(said)


def picture_tree(sheet: Sheet) -> dict[str, Any]:
    """What people look at, and its scale: the picture that was sent, or a record on a sheet for eyes."""
    if sheet.signal_mv is not None:
        shown = for_eyes(sheet.signal_mv, sheet.fs_hz)
        data, width_px, height_px, geometry = shown.data, shown.width_px, shown.height_px, shown.geometry
    else:
        data, width_px, height_px = as_png(sheet.picture), sheet.width_px, sheet.height_px
        geometry = sheet.geometry or Geometry()
    return {
        "png_base64": base64.b64encode(data).decode("ascii"),
        "width_px": width_px, "height_px": height_px, **geometry_tree(geometry),
    }  # fmt: skip


def as_png(picture: bytes) -> bytes:
    """The same pixels as PNG."""
    import io

    from PIL import Image

    if picture.startswith(b"\x89PNG"):
        return picture
    stream = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def name_of(code: str) -> str:
    """A statement's words, as they stand in a list."""
    phrase = statement(code).phrase
    for article in ARTICLES:
        phrase = phrase.removeprefix(article)
    return phrase


def group_of(code: str) -> str:
    """ "NORM", "MI", "STTC", "CD" or "HYP" of a diagnosis, else "rhythm" or "form"."""
    row = statement(code)
    return row.superclass or ("rhythm" if row.rhythm else "form")


def _margin(row: dict[str, Any]) -> float:
    threshold = row["threshold"]
    return -2.0 if threshold is None else float(row["probability"] - threshold)
