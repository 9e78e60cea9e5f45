"""The VLM's probability of each statement, read from the answer slot's logits and never from text.

All statements of a page are asked in one packed forward pass; the probability is
sigmoid(logit "Yes" − logit "No") at each question's slot (Lin et al. 2024, arXiv 2404.01291).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from twelvelead.data.shard import read_pages
from twelvelead.errors import DataError
from twelvelead.evaluation.restage import FOLD, Change, Subject, pictures
from twelvelead.instruct.sample import messages
from twelvelead.instruct.statements import question
from twelvelead.models.mllama import Base, load_base
from twelvelead.models.packed import Packed, bare, encode_images, pack, slot_logits
from twelvelead.progress import track

Control = Literal["blank", "shuffled"]
BATCH = 16
Probabilities = npt.NDArray[np.float32]


class Scorer:
    """Asks one model the same statement questions of any number of pages."""

    def __init__(self, base: Base, codes: Sequence[str]) -> None:
        self.base, self.codes = base, list(codes)
        asked = [base.question(messages(question(code), "")) for code in codes]
        self.prefix, self.questions = asked[0][0], [prompt for _, prompt in asked]
        self._batches: dict[int, Packed] = {}
        self.asked = self.unanswered = 0

    @torch.no_grad()
    def score(self, pictures: Sequence[bytes]) -> Probabilities:
        """Probabilities (pages, statements) of encoded pictures."""
        return self.score_states(encode_images(bare(self.base.model), self.base.pixels(pictures)))

    @torch.no_grad()
    def score_states(self, states: torch.Tensor) -> Probabilities:
        """Probabilities (pages, statements) from cross-attention states (B, V, H).

        `unanswered` counts the questions whose likeliest next token is neither "Yes" nor "No": asked to
        write, the model would have given no answer there.
        """
        model = bare(self.base.model)
        if (size := len(states)) not in self._batches:
            pad = self.base.tokenizer.pad_token_id
            self._batches[size] = pack(self.prefix, [self.questions] * size, pad=pad).to(self.base.device)
        logits = slot_logits(model, self._batches[size], states)
        yes, no = self.base.verbalisers
        said = logits.argmax(dim=-1)
        self.asked += said.numel()
        self.unanswered += int(((said != yes) & (said != no)).sum())
        found: Probabilities = (
            torch.sigmoid(logits[..., yes] - logits[..., no]).cpu().numpy().astype(np.float32)
        )
        return found


def score_images(
    base: str, adapter: Path | None, images: Sequence[bytes], codes: Sequence[str], threads: int = 0
) -> Probabilities:
    """Probabilities (pictures, codes) of loose pictures; see `score_pages`."""
    _set_threads(threads)
    scorer = load_scorer(base, adapter, codes)
    parts = [scorer.score(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    return np.concatenate(parts) if parts else np.zeros((0, len(codes)), np.float32)


def score_pages(
    base: str | Path,
    adapter: Path | None,
    pages: Path,
    folds: Collection[int],
    codes: Sequence[str],
    *,
    control: Control | None = None,
    seed: int = 0,
    threads: int = 0,
    scorer: Scorer | None = None,
) -> pd.DataFrame:
    """Score every page of some folds.

    Args:
        base: Folder or s3:// prefix of the base model.
        adapter: Folder of a LoRA adapter; None scores the base alone.
        pages: The pages artifact.
        folds: Which folds.
        codes: Statements to ask.
        control: "blank" shows empty paper instead, "shuffled" another patient's page: a model that really
            reads the page falls to chance.
        seed: Seed of the shuffle.
        threads: Torch threads; 0 for all cores.
        scorer: The same model, if it is loaded already.

    Returns:
        Long form: record_id, patient_id, fold, code, probability.

    Raises:
        DataError: There are no pages in these folds.
    """
    _set_threads(threads)
    scorer = scorer or load_scorer(base, adapter, codes)
    columns = ["record_id", "patient_id", "fold"]
    index = list(read_pages(pages, folds=folds, columns=columns))
    if not index:
        raise DataError(f"there are no pages in folds {sorted(folds)}", where=str(pages))
    title = f"score {'adapter' if adapter else 'base'}" + (f" ({control})" if control else "")
    found = np.concatenate(list(_batches(scorer, pages, folds, len(index), control, title)))
    if control == "shuffled":
        found = found[other_patients([row["patient_id"] for row in index], seed)]
    return _long(index, codes, found)


def score_changed(
    scorer: Scorer, subjects: Sequence[Subject], change: Change, title: str, threads: int = 0
) -> pd.DataFrame | None:
    """Score the pages of some records of fold 10, made again with one thing changed.

    Args:
        scorer: The loaded model.
        subjects: The records.
        change: What is changed.
        title: For the progress line.
        threads: Torch threads; 0 for all cores.

    Returns:
        As `score_pages`; None where the page cannot be made so.
    """
    _set_threads(threads)
    found, batch = [], []
    made = track(pictures(subjects, change), total=len(subjects), title=f"score {title}", unit="pages")
    for number, page in enumerate(made, start=1):
        if page is None:
            return None
        batch.append(page)
        if len(batch) == BATCH or number == len(subjects):
            found.append(scorer.score(batch))
            batch = []
    rows = [{"record_id": one.record_id, "patient_id": one.patient_id, "fold": FOLD} for one in subjects]
    return _long(rows, scorer.codes, np.concatenate(found))


def ms_per_page(scorer: Scorer, page: bytes, threads: int = 0, rounds: int = 5) -> float:
    """Milliseconds from an encoded page to all probabilities, one page at a time; median of the rounds."""
    import time

    _set_threads(threads)
    scorer.score([page])
    spent = []
    for _ in range(rounds):
        begun = time.perf_counter()
        scorer.score([page])
        spent.append(time.perf_counter() - begun)
    return 1000 * float(np.median(spent))


def load_scorer(base: str | Path, adapter: Path | None, codes: Sequence[str]) -> Scorer:
    """A model, with an adapter or alone, ready to be asked about some statements."""
    return Scorer(_load(str(base), adapter), codes)


def _set_threads(threads: int) -> None:
    import os

    torch.set_num_threads(threads or os.cpu_count() or 1)


def _long(rows: Sequence[Mapping[str, Any]], codes: Sequence[str], found: Probabilities) -> pd.DataFrame:
    frame = pd.DataFrame(rows).loc[np.repeat(np.arange(len(rows)), len(codes))].reset_index(drop=True)
    return frame.assign(code=list(codes) * len(rows), probability=found.ravel())


def other_patients(patients: Sequence[str], seed: int) -> npt.NDArray[np.int64]:
    """For each page the number of another patient's page.

    Pages are sorted by patient in a random order of patients and turned by the largest patient's page
    count, so nobody meets their own page (unless one patient owns half of all pages).
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(7, 1)))
    unique, inverse, counts = np.unique(np.asarray(patients), return_inverse=True, return_counts=True)
    order = np.argsort(rng.permutation(len(unique))[inverse], kind="stable")
    turned = np.roll(order, int(counts.max()))
    source = np.empty(len(order), dtype=np.int64)
    source[order] = turned
    return source


def _load(base: str, adapter: Path | None) -> Base:
    loaded = load_base(base)
    if adapter is None:
        return loaded
    from twelvelead.models import lora

    adapted = lora.load(loaded.model, adapter, base_sha256=loaded.sha256)
    return Base(adapted, loaded.tokenizer, loaded.image_processor, loaded.path, loaded.sha256)


def _batches(
    scorer: Scorer, pages: Path, folds: Collection[int], total: int, control: Control | None, title: str
) -> Iterator[Probabilities]:
    if control == "blank":
        yield _blank_scores(scorer, pages, folds)
        return
    pictures: list[bytes] = []
    rows: Iterator[dict[str, Any]] = read_pages(pages, folds=folds, columns=["page_id", "image"])
    for number, row in enumerate(track(rows, total=total, title=title, unit="pages"), start=1):
        pictures.append(row["image"]["bytes"])
        if len(pictures) == BATCH or number == total:
            yield scorer.score(pictures)
            pictures = []


def _blank_scores(scorer: Scorer, pages: Path, folds: Collection[int]) -> Probabilities:
    """Empty paper of each page's own look; each look is scored once, so that equal pages tie exactly."""
    from twelvelead.paper.look import empty_picture, look_of

    manifest = pd.read_parquet(pages / "manifest.parquet", columns=["fold", "look"])
    states = manifest.loc[manifest["fold"].isin(list(folds)), "look"]
    # A clean page is empty in the same way whoever's it is: what tells records apart is left out.
    keys = [state if (look := look_of(state)).degradation else repr(look.style) for state in states]
    scores = {
        key: scorer.score([empty_picture(state)])[0]
        for key, state in track(
            dict(zip(keys, states, strict=True)).items(), total=len(set(keys)), title="blank", unit="looks"
        )
    }
    return np.stack([scores[key] for key in keys])
