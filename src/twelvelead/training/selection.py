"""Fold 9 during a training: how well the statements are answered, and whether kept states change answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from twelvelead.evaluation.metrics import aucs, macro
from twelvelead.models.mllama import Base
from twelvelead.models.packed import Question, bare, pack, slot_logits
from twelvelead.training.ranks import Ranks
from twelvelead.training.states import VisionStates
from twelvelead.training.step import precision

SCORE_BATCH = 16
GATE_PAGES = 64
MOST_CHANGE = 0.05  # of a statement's score over pages, root mean square, in its own spread
MOST_AUC_CHANGE = 0.002  # as specs/training.md §6.4
Array = np.ndarray[Any, Any]


def fold_auc(
    base: Base, prefix: Sequence[int], states: VisionStates, labels: Array, ranks: Ranks | None = None
) -> float:
    """Macro AUC of the statement questions over pages, by the same packed forward that trains.

    Args:
        base: With its adapter.
        prefix: Token ids up to the image token.
        states: Of the pages of fold 9.
        labels: (pages, statements) 0/1.
        ranks: This process among its peers; each scores its share.
    """
    ranks = ranks or Ranks()
    rows = list(range(len(states.pages)))
    mine = ranks.mine(rows)
    share = -(-len(rows) // ranks.world)
    # every process computes equally often: on a sharded base each computation is one of all
    filled = mine + [rows[0]] * (share - len(mine))
    found = scores(base, prefix, states, filled)[: len(mine)]
    return macro(aucs(labels, np.stack(ranks.gather(list(found)))))


@torch.no_grad()
def scores(base: Base, prefix: Sequence[int], states: VisionStates, rows: Sequence[int]) -> Array:
    """(rows, statements) logit of Yes less logit of No."""
    yes, no = base.verbalisers
    found = []
    for start in range(0, len(rows), SCORE_BATCH):
        some = rows[start : start + SCORE_BATCH]
        asked = [[Question(q.prompt) for q in states.pages[row].statements] for row in some]
        batch = pack(prefix, asked, pad=base.tokenizer.pad_token_id).to(base.device)
        with precision(base):
            logits = slot_logits(bare(base.model), batch, states.of(some))
        found.append((logits[..., yes] - logits[..., no]).float().cpu().numpy())
    return np.concatenate(found)


def same_answers(exact: Array, other: Array, labels: Array) -> tuple[bool, str]:
    """Whether scores from shortened states say the same as scores from exact ones.

    Args:
        exact, other: (pages, statements) scores.
        labels: (pages, statements) 0/1.

    Returns:
        Whether they do, and the figures in words.
    """
    change = float(np.sqrt(np.mean((exact - other) ** 2)) / max(float(exact.std(axis=0).mean()), 1e-12))
    before, after = aucs(labels, exact), aucs(labels, other)
    auc_change = abs(macro(after) - macro(before)) if np.isfinite(before).any() else 0.0
    words = f"scores change by {change:.1%} of their spread, macro AUC by {auc_change:.4f}"
    return change <= MOST_CHANGE and auc_change <= MOST_AUC_CHANGE, words
