"""The one packed forward: all questions of a page behind one picture, shared by training and scoring.

A page's sequence is `prefix | question 1 | question 2 | …`. The prefix ends with the image token. Every
question sees the prefix and itself, never another question, and its positions start right after the prefix,
so packed and separate runs give the same numbers. The picture is encoded once and its cross-attention
states serve all questions.

Two meanings are fixed here and not left to the installed transformers version:

* Vision features follow Meta's reference: the final state joined with the *inputs* of the listed blocks
  (llama-models, multimodal/model.py). transformers 4.56–5.23 joins their outputs instead.
* Tokens before the image token do not see the picture (Meta zeroes those rows; transformers lets them
  attend everywhere, issue 39379).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

SEMANTICS = "meta-block-inputs/header-blind/1"
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Question:
    """One question behind a page: token ids of the prompt after the image token, and of the answer."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of pages, each one sequence.

    Attributes:
        tokens: (B, L) token ids, right-padded.
        positions: (B, L) rotary positions, restarting after the prefix.
        allowed: (B, 1, L, L) True where a token may attend.
        sees_image: (B, L, 1) 1.0 for tokens after the image token.
        labels: (B, L) the next token of answer rows, IGNORED elsewhere.
        slots: (B, Q) row whose logits choose the first answer token of each question; -1 where there is none.
    """

    tokens: Tensor
    positions: Tensor
    allowed: Tensor
    sees_image: Tensor
    labels: Tensor
    slots: Tensor

    def to(self, device: torch.device) -> Packed:
        """The same batch on another device."""
        return Packed(*(getattr(self, name).to(device) for name in self.__slots__))


def pack(prefix: Sequence[int], pages: Sequence[Sequence[Question]], *, pad: int) -> Packed:
    """Lay the questions of each page behind the prefix.

    Args:
        prefix: Token ids up to and including the image token; the image token is its last.
        pages: The questions of each page.
        pad: Token id used to fill shorter sequences.
    """
    lengths = [len(prefix) + sum(len(q.prompt) + len(q.answer) for q in questions) for questions in pages]
    longest, most = max(lengths), max(len(questions) for questions in pages)
    shape = (len(pages), longest)
    tokens = torch.full(shape, pad, dtype=torch.long)
    positions = torch.zeros(shape, dtype=torch.long)
    segment = torch.full(shape, -1, dtype=torch.long)  # 0 prefix, 1.. questions, -1 padding
    labels = torch.full(shape, IGNORED, dtype=torch.long)
    slots = torch.full((len(pages), most), -1, dtype=torch.long)
    head = len(prefix)
    for row, questions in enumerate(pages):
        tokens[row, :head] = torch.tensor(prefix)
        positions[row, :head] = torch.arange(head)
        segment[row, :head] = 0
        at = head
        for number, question in enumerate(questions):
            ids = torch.tensor(question.prompt + question.answer)
            span = slice(at, at + len(ids))
            tokens[row, span] = ids
            positions[row, span] = torch.arange(head, head + len(ids))
            segment[row, span] = number + 1
            slots[row, number] = at + len(question.prompt) - 1
            answer_at = at + len(question.prompt)
            labels[row, answer_at - 1 : at + len(ids) - 1] = tokens[row, answer_at : at + len(ids)]
            at += len(ids)
    causal = torch.ones(longest, longest, dtype=torch.bool).tril()
    same = segment[:, :, None] == segment[:, None, :]
    to_prefix = segment[:, None, :] == 0
    allowed = (same | to_prefix) & causal
    sees_image = torch.ones(*shape, 1)
    sees_image[:, : head - 1] = 0.0
    return Packed(tokens, positions, allowed[:, None], sees_image, labels, slots)


def encode_images(model: Any, images: dict[str, Tensor]) -> Tensor:
    """Cross-attention states of pages.

    Args:
        model: A MllamaForConditionalGeneration (bare, not PEFT-wrapped: give `bare(model)`).
        images: `pixel_values` (B, 1, T, 3, S, S), `aspect_ratio_ids` (B, 1), `aspect_ratio_mask` (B, 1, T).

    Returns:
        (B, V, H): the projected states of the valid tiles, V = tiles of the widest page × patches of a tile.
        All pages of a batch must have the same number of valid tiles.
    """
    vision = model.model.vision_model
    captured: list[Tensor] = []

    def keep_input(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # called hidden_state up to transformers 5.19, hidden_states since
        named = [value for name, value in kwargs.items() if name.startswith("hidden_state")]
        captured.append((*args, *named)[0])

    blocks = vision.transformer.layers
    indices = model.config.vision_config.intermediate_layers_indices
    hooks = [blocks[i].register_forward_pre_hook(keep_input, with_kwargs=True) for i in indices]
    try:
        seen = vision(**images).last_hidden_state  # (B, 1, T, P, D·(1+k))
    finally:
        for hook in hooks:
            hook.remove()
    batch, _, tiles, patches, _ = seen.shape
    width = model.config.vision_config.hidden_size
    inputs = torch.stack(captured, dim=-1).reshape(batch, tiles, -1, width * len(indices))[:, :, :patches]
    states = torch.cat([seen[:, 0, ..., :width], inputs], dim=-1)
    valid = images["aspect_ratio_mask"][:, 0].sum(dim=1).unique()
    if len(valid) != 1:
        raise ValueError(f"pages of one batch must have the same number of tiles, got {valid.tolist()}")
    states = states[:, : int(valid)]
    projected: Tensor = model.model.multi_modal_projector(states)
    return projected.flatten(1, 2)


def packed_forward(model: Any, batch: Packed, states: Tensor) -> Tensor:
    """Hidden states (B, L, H) of a packed batch over precomputed cross-attention states (B, V, H)."""
    language = model.model.language_model
    hidden = language.embed_tokens(batch.tokens)
    rotary = language.rotary_emb(hidden, batch.positions)
    sees_image = batch.sees_image.to(hidden.dtype)
    for number, layer in enumerate(language.layers):
        if number in language.cross_attention_layers:
            hidden = _cross_layer(layer, hidden, states, sees_image)
        else:
            hidden = layer(
                hidden_states=hidden,
                attention_mask=batch.allowed,
                position_ids=batch.positions,
                position_embeddings=rotary,
            )
    normed: Tensor = language.norm(hidden)
    return normed


def answer_logits(model: Any, hidden: Tensor, rows: Tensor) -> Tensor:
    """Logits (N, vocabulary) of the rows that matter only; `rows` is a boolean (B, L) mask."""
    logits: Tensor = model.lm_head(hidden[rows])
    return logits.float()


def answer_losses(model: Any, batch: Packed, states: Tensor) -> tuple[Tensor, int]:
    """Sum of cross-entropies over answers, and how many answers: each counts once, however long it is.

    Parts of a step, whether one after the other or on several processes, are summed and divided by the
    answers of the whole step; a mean of means would weigh answers by the company they keep.
    """
    rows = batch.labels != IGNORED
    logits = answer_logits(model, packed_forward(model, batch, states), rows)
    losses = nn.functional.cross_entropy(logits, batch.labels[rows], reduction="none")
    starts = rows & ~nn.functional.pad(rows[:, :-1], (1, 0))
    answer = starts[rows].long().cumsum(0) - 1
    count = int(answer[-1]) + 1
    sums = torch.zeros(count, device=losses.device).index_add(0, answer, losses)
    lengths = torch.zeros(count, device=losses.device).index_add(0, answer, torch.ones_like(losses))
    return (sums / lengths).sum(), count


def answer_loss(model: Any, batch: Packed, states: Tensor) -> Tensor:
    """Mean cross-entropy over answers."""
    total, count = answer_losses(model, batch, states)
    return total / count


def slot_logits(model: Any, batch: Packed, states: Tensor) -> Tensor:
    """Logits (B, Q, vocabulary) at the answer slots; every page must have the same number of questions."""
    if (batch.slots < 0).any():
        raise ValueError("every page of a scored batch needs the same number of questions")
    hidden = packed_forward(model, batch, states)
    at = batch.slots[..., None].expand(-1, -1, hidden.shape[-1])
    logits: Tensor = model.lm_head(hidden.gather(1, at))
    return logits.float()


def _cross_layer(layer: Any, hidden: Tensor, states: Tensor, sees_image: Tensor) -> Tensor:
    """One cross-attention layer with Meta's row mask, written out because transformers leaves it out.

    is_causal must be said: without a mask, sdpa would take the text as aligned with the picture and crop it.
    """
    attended, _ = layer.cross_attn(
        hidden_states=layer.input_layernorm(hidden),
        cross_attention_states=states,
        attention_mask=None,
        is_causal=False,
    )
    hidden = hidden + layer.cross_attn_attn_gate.tanh() * sees_image * attended
    fed = layer.mlp(layer.post_attention_layernorm(hidden))
    mixed: Tensor = hidden + layer.cross_attn_mlp_gate.tanh() * sees_image * fed
    return mixed


def bare(model: Any) -> Any:
    """The MllamaForConditionalGeneration inside a PEFT wrapper, its LoRA layers in place."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
