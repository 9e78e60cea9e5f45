"""The records of a run on which label and reader disagree most: what a person should look at first."""

from __future__ import annotations

import base64
import uuid
from functools import cached_property
from pathlib import Path
from typing import Any

from twelvelead.errors import SetupError
from twelvelead.serving.interpretation import group_of, name_of
from twelvelead.serving.reader import positive
from twelvelead.serving.refusal import Refusal

LENGTH = 200
CANDIDATE, BASELINE = "lora", "cnn"


class Worst:
    """The queue of one run.

    Args:
        run: Its folder, or its artifacts'; None for no queue.
        thresholds: By code, as the reader calls statements.

    Raises:
        SetupError: The run has no predictions.
    """

    def __init__(self, run: Path | None, thresholds: dict[str, float | None] | None = None) -> None:
        self.run, self.thresholds = run, thresholds or {}
        if run is not None and self._predictions is None:
            raise SetupError(
                "has no predictions",
                where=str(run),
                expected="predictions.parquet of a run",
                fix="name a run",
            )

    def items(self) -> list[dict[str, Any]]:
        """The worst first: the statement of each record where |label − probability| is largest."""
        if self.run is None:
            return []
        table = self._table
        worst = table.loc[table.groupby("record_id")["disagreement"].idxmax()]
        worst = worst.sort_values(["disagreement", "record_id"], ascending=[False, True]).head(LENGTH)
        return [
            {
                "record_id": row.record_id, "code": row.code, "name": name_of(row.code),
                "label": int(row.label), "probability": round(float(row.probability), 6),
                "threshold": self.thresholds.get(row.code),
                "cnn_probability": _number(row.cnn_probability),
                "disagreement": round(float(row.disagreement), 6),
            }
            for row in worst.itertuples()
        ]  # fmt: skip

    def record(self, record_id: str) -> dict[str, Any]:
        """All statements of one record, and its page if the run's pages are here.

        Raises:
            Refusal: The run has no such record.
        """
        if self.run is None or (self._table["record_id"] != record_id).all():
            raise Refusal("not_found", "there is no such record in this run")
        rows = self._table[self._table["record_id"] == record_id]
        told = [
            {
                "code": row.code, "name": name_of(row.code), "group": group_of(row.code),
                "label": int(row.label), "probability": round(float(row.probability), 6),
                "threshold": self.thresholds.get(row.code),
                "positive": positive(float(row.probability), self.thresholds.get(row.code)),
                "cnn_probability": _number(row.cnn_probability),
            }
            for row in rows.itertuples()
        ]  # fmt: skip
        picture, sha256 = self._picture(record_id)
        # Feedback on a record of a run is kept like that on an upload: by an id and the picture's hash.
        own = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.run.name}/{record_id}"))
        tree = {"record_id": record_id, "id": own, "statements": told, "picture": picture}
        return tree | ({"input": {"sha256": sha256}} if sha256 else {})

    @cached_property
    def _predictions(self) -> Path | None:
        assert self.run is not None
        names = (
            "predictions.parquet",
            "evaluation/predictions.parquet",
            "artifacts/evaluation/predictions.parquet",
        )
        return next((path for name in names if (path := self.run / name).is_file()), None)

    @cached_property
    def _table(self) -> Any:
        import pandas as pd

        assert self._predictions is not None
        every = pd.read_parquet(self._predictions)
        keys = ["record_id", "code"]
        own = every[every["model"] == CANDIDATE].set_index(keys)
        cnn = every[every["model"] == BASELINE].set_index(keys)["probability"]
        own = own.assign(cnn_probability=cnn, disagreement=(own["label"] - own["probability"]).abs())
        return own.reset_index()

    def _picture(self, record_id: str) -> tuple[dict[str, Any] | None, str]:
        import pandas as pd
        import pyarrow.parquet as pq

        from twelvelead.serving.interpretation import as_png

        assert self.run is not None
        folders = (self.run / "pages", self.run / "artifacts" / "pages")
        pages = next((folder for folder in folders if (folder / "manifest.parquet").is_file()), None)
        if pages is None:
            return None, ""
        columns = ["record_id", "shard", "row", "width_px", "height_px", "px_mm", "speed_mm_s", "gain_mm_mv",
                   "sha256"]  # fmt: skip
        manifest = pd.read_parquet(pages / "manifest.parquet", columns=columns)
        found = manifest[manifest["record_id"] == record_id]
        if found.empty:
            return None, ""
        row = found.iloc[0]
        table = (
            pq.read_table(pages / row["shard"], columns=["image", "boxes"])
            .slice(int(row["row"]), 1)
            .to_pylist()[0]
        )
        boxes = [
            {"lead": box["name"], "x": box["x0"], "y": box["y0"], "width": box["x1"] - box["x0"],
             "height": box["y1"] - box["y0"]}
            for box in table["boxes"]
        ]  # fmt: skip
        return {
            "png_base64": base64.b64encode(as_png(table["image"]["bytes"])).decode("ascii"),
            "width_px": int(row["width_px"]), "height_px": int(row["height_px"]),
            "px_per_mm_x": float(row["px_mm"]), "px_per_mm_y": float(row["px_mm"]),
            "speed_mm_s": float(row["speed_mm_s"]), "gain_mm_mv": float(row["gain_mm_mv"]),
            "lead_boxes": boxes,
        }, str(row["sha256"])  # fmt: skip


def _number(value: Any) -> float | None:
    return None if value is None or value != value else round(float(value), 6)
