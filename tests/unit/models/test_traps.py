"""Traps of transformers and peft that the engine avoids by how it is built (specs/training.md §4.1).

Those with a behaviour of their own are tested beside it: features (P1), frozen tower (P2), header (P3), image
token in labels (P5), gates (P6), keys on disk (P10), begin-of-text (P11), targets (P12), tile size (P15).
"""

import ast

import pytest

torch = pytest.importorskip("torch")

from twelvelead.models import lora
from twelvelead.models.packed import Question, encode_images, pack, packed_forward
from twelvelead.params import TrainLora


def test_no_states_or_caches_go_through_transformers_own_forward(root):
    """P4, P7: `generate(cross_attention_states=…)` crashes, a cached prefix needs masks of other lengths."""
    forbidden = {"past_key_values", "cross_attention_mask", "prepare_inputs_for_generation"}
    for file in sorted((root / "src").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                names = {keyword.arg for keyword in node.keywords}
                called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                assert not names & forbidden, f"{file.name}:{node.lineno}"
                assert called != "generate" or "cross_attention_states" not in names


def test_an_answer_read_token_by_token_is_the_answer_read_at_once(base, pictures):
    """P4, P7: what a cache would have to get right, the packed forward gets right without one."""
    prefix, whole = base.question(
        [
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is the rate?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "70 bpm"}]},
        ]
    )
    pad = base.tokenizer.pad_token_id
    with torch.no_grad():
        states = encode_images(base.model, base.pixels(pictures[:1]))
        at_once = packed_forward(base.model, pack(prefix, [[whole]], pad=pad), states)[0]
        for length in range(1, len(whole.answer) + 1):
            part = Question(whole.prompt, whole.answer[:length])
            last = packed_forward(base.model, pack(prefix, [[part]], pad=pad), states)[0, -1]
            row = len(prefix) + len(whole.prompt) + length - 1
            torch.testing.assert_close(last, at_once[row], atol=1e-5, rtol=1e-4)


def test_attention_is_the_same_kernel_on_every_version(base):
    """P8, P14: flash is offered by some versions and refused by others; flex has no backward on a CPU."""
    assert base.model.config._attn_implementation == "sdpa"
    assert base.model.model.vision_model.config._attn_implementation == "sdpa"
    assert base.model.model.language_model.config._attn_implementation == "sdpa"


def test_no_hook_asks_for_gradients_of_what_is_frozen(base, pictures):
    """P2, P13: `enable_input_require_grads` hooks the patch embedding, which also breaks torch.compile."""
    wrapped = lora.attach(base.model, TrainLora(rank=4, alpha=8))
    inner = wrapped.get_base_model().model
    for module in (inner.vision_model.patch_embedding, inner.language_model.embed_tokens):
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert not encode_images(wrapped.get_base_model(), base.pixels(pictures[:1])).requires_grad
    # hooks that read block inputs are gone once the features are there
    assert not any(block._forward_pre_hooks for block in inner.vision_model.transformer.layers)


def test_the_engine_needs_no_training_framework(root):
    """P16: trl and liger wheels drag triton onto CPU machines; they are for the bench alone."""
    for file in sorted((root / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"trl", "liger_kernel", "triton", "unsloth"}
