"""What every model says of folds 9 and 10, scored once and kept, so that a killed run goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from twelvelead.errors import SetupError
from twelvelead.params import Evaluate
from twelvelead.progress import say


class Scores:
    """Tables of probabilities, made when first asked for; the language model is loaded once.

    Args:
        inputs: As `evaluate`'s.
        frame: Usable rows of the index.
        codes: Statements that are scored.
        params: The section.
        work: Where tables are kept.

    Raises:
        SetupError: The adapter does not name its base.
    """

    def __init__(
        self, inputs: Mapping[str, Path], frame: Any, codes: list[str], params: Evaluate, work: Path
    ) -> None:
        self.inputs, self.frame, self.codes, self.params, self.work = inputs, frame, codes, params, work
        note = inputs["adapter"] / "base.json"
        if not note.is_file():
            raise SetupError(
                "the adapter does not name its base", where=str(note), fix="run train-lora again"
            )
        self.base = json.loads(note.read_text(encoding="utf-8"))["base"]
        self._scorer: Any = None

    @property
    def scorer(self) -> Any:
        """The base with its adapter."""
        from twelvelead.evaluation.score import load_scorer

        self._scorer = self._scorer or load_scorer(self.base, self.inputs["adapter"], self.codes)
        return self._scorer

    def tables(self) -> dict[str, Any]:
        """Tables of record_id, fold, code, probability on folds 9 and 10, by model."""
        from twelvelead.training.page_baseline import score_pages as score_page_cnn

        threads, usable = self.params.threads, self.frame["record_id"]

        def page_cnn() -> Any:
            scores = score_page_cnn(self.inputs["page_baseline"], self.inputs["pages"], (9, 10), threads)
            return scores[scores["code"].isin(self.codes) & scores["record_id"].isin(usable)]

        # The base is let go before the adapter is loaded, which then stays: two of 11B need twice the GPU.
        models = {
            "cnn": lambda: self.signals(None, (9, 10)),
            "page_cnn": page_cnn,
            "base": lambda: self.pages("base", (9, 10)),
            "lora": lambda: self.pages("lora", (9, 10)),
        }
        return {name: kept(self.work / f"{name}.parquet", score) for name, score in models.items()}

    def controls(self) -> dict[str, Any]:
        """The candidate's tables on fold 10, by what was done to its pages."""
        from twelvelead.evaluation.restage import CONTROLS

        made: dict[str, Callable[[], Any]] = {
            "blank": lambda: self.pages("lora", (10,), "blank"),
            "shuffled": lambda: self.pages("lora", (10,), "shuffled"),
        }
        everyone = self.subjects()
        for name, change in CONTROLS.items():
            made[name] = lambda name=name, change=change: self.changed(everyone, change, name)  # type: ignore[misc]
        return {name: kept(self.work / f"{name}.parquet", score) for name, score in made.items()}

    def robustness(self) -> dict[str, Any]:
        """The candidate's tables on some pages of fold 10 in other looks; None where a look has no page."""
        import numpy as np

        from twelvelead.evaluation.restage import ROBUSTNESS

        everyone = self.subjects()
        drawn = np.random.default_rng(self.params.seed).permutation(len(everyone))
        some = [everyone[i] for i in sorted(drawn[: self.params.robustness_pages])]
        if not some:
            return {}
        found = {}
        for name, change in ROBUSTNESS.items():
            file = self.work / f"look-{name.replace('/', ' per ')}.parquet"
            found[name] = kept(file, lambda change=change, name=name: self.changed(some, change, name))  # type: ignore[misc]
        return found

    def subjects(self) -> list[Any]:
        """Records of fold 10 with the looks of their pages."""
        import pandas as pd

        from twelvelead.evaluation.restage import Subject

        manifest = pd.read_parquet(self.inputs["pages"] / "manifest.parquet", columns=["record_id", "look"])
        looks = dict(zip(manifest["record_id"], manifest["look"], strict=True))
        rows = self.frame[self.frame["fold"] == 10]
        return [
            Subject(row.record_id, row.patient_id, self.inputs["records"] / row.path, looks[row.record_id])
            for row in rows.itertuples()
        ]

    def signals(self, seed: int | None, folds: tuple[int, ...]) -> Any:
        """The signal CNN of one seed, or the standing one."""
        from twelvelead.training.baseline import score_records

        rows = self.frame[self.frame["fold"].isin(folds)]
        scores = score_records(
            self.inputs["baseline"], self.inputs["records"], rows, self.params.threads, seed=seed
        )
        return scores[scores["code"].isin(self.codes)]

    def pages(
        self, model: str, folds: tuple[int, ...], control: Literal["blank", "shuffled"] | None = None
    ) -> Any:
        """The language model on the stored pages, with its share of unanswered questions as an attribute."""
        from twelvelead.evaluation.score import load_scorer, score_pages

        adapter = self.inputs["adapter"] if model == "lora" else None
        scorer = self.scorer if adapter else load_scorer(self.base, None, self.codes)
        asked, unanswered = scorer.asked, scorer.unanswered
        table = score_pages(
            base=self.base, adapter=adapter, pages=self.inputs["pages"], folds=folds, codes=self.codes,
            control=control, seed=self.params.seed, threads=self.params.threads, scorer=scorer,
        )  # fmt: skip
        asked, unanswered = scorer.asked - asked, scorer.unanswered - unanswered
        return table.assign(unanswered=unanswered / max(asked, 1))

    def changed(self, subjects: list[Any], change: Any, title: str) -> Any:
        """The candidate on pages that are made again."""
        from twelvelead.evaluation.score import score_changed

        return score_changed(self.scorer, subjects, change, title, self.params.threads)

    def cost(self) -> dict[str, Any]:
        """How long the candidate takes for a page, alone; the first page of fold 10 is as good as any."""
        from twelvelead.data.shard import read_pages
        from twelvelead.evaluation.score import ms_per_page

        page = next(iter(read_pages(self.inputs["pages"], folds=(10,), columns=["image"])))
        found = ms_per_page(self.scorer, page["image"]["bytes"], self.params.threads)
        return {"ms_per_page": found, "device": str(self.scorer.base.device)}


def kept(path: Path, score: Callable[[], Any]) -> Any:
    """The scores a killed run left behind, else new ones, left behind in turn."""
    import pandas as pd
    import pyarrow as pa

    from twelvelead.data.shard import write_parquet

    if path.is_file():
        say(f"evaluate: {path.stem} was scored before")
        return pd.read_parquet(path)
    say(f"evaluate: scoring {path.stem}")
    table = score()
    if table is None:
        return None
    names = ("record_id", "fold", "code", "probability", "unanswered")
    columns = {name: table[name] for name in names if name in table}
    write_parquet(pa.table({name: pa.array(column.to_numpy()) for name, column in columns.items()}), path)
    return table
