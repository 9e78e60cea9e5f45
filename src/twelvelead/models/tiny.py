"""The embedded base: a Mllama small enough for git, in the same layout as the 11B model.

One tile of 336 px, patches of 28 px so that a patch row is one lead of the 12×1 page
(specs/eyesight.md: one patch row a lead won among standard layouts), about 2 M parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TILE_PX = 336
PATCH_PX = 28
SPECIAL = (
    "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
    "<|eot_id|>", "<|finetune_right_pad_id|>",
)  # fmt: skip
CHAT_TEMPLATE = (
    "{{ '<|begin_of_text|>' }}"
    "{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<|image|>' }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{{ '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
# Llama 3's pre-tokeniser: words with their leading blank, numbers of up to three digits, line ends apart.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def build_tokenizer(corpus: Iterable[str], *, vocabulary: int = 768) -> Any:
    """A byte-level BPE tokenizer learnt from the corpus; `<|image|>` has the last id, as in Llama 3.2."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sorted_lines(corpus), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
        pad_token="<|finetune_right_pad_id|>",
        chat_template=CHAT_TEMPLATE,
        model_max_length=4096,
        clean_up_tokenization_spaces=False,
    )
    fast.add_special_tokens({"additional_special_tokens": ["<|image|>"]})
    return fast


def _sorted_lines(corpus: Iterable[str]) -> Iterator[str]:
    yield from sorted(corpus)  # the trainer breaks ties by what it met first


def build_model(tokenizer: Any, *, vision_width: int = 96, text_width: int = 128, seed: int = 0) -> Any:
    """A Mllama with random weights and open cross-attention gates (closed ones never see the picture)."""
    import torch
    from transformers import MllamaConfig, MllamaForConditionalGeneration

    image_id = tokenizer.convert_tokens_to_ids("<|image|>")
    intermediate = [1, 3]
    config = MllamaConfig(
        vision_config={
            "hidden_size": vision_width,
            "intermediate_size": 4 * vision_width,
            "num_hidden_layers": 4,
            "num_global_layers": 1,
            "attention_heads": 4,
            "image_size": TILE_PX,
            "patch_size": PATCH_PX,
            "max_num_tiles": 1,
            "supported_aspect_ratios": [[1, 1]],
            "intermediate_layers_indices": intermediate,
            "vision_output_dim": vision_width * (1 + len(intermediate)),
        },
        text_config={
            "vocab_size": image_id,
            "hidden_size": text_width,
            "intermediate_size": int(text_width * 2.75),
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "cross_attention_layers": [1, 3],
            "max_position_embeddings": 4096,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "pad_token_id": tokenizer.pad_token_id,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        },
        image_token_index=image_id,
    )
    torch.manual_seed(seed)
    model = MllamaForConditionalGeneration(config)
    with torch.no_grad():
        for layer in model.model.language_model.layers:
            if hasattr(layer, "cross_attn_attn_gate"):
                layer.cross_attn_attn_gate.fill_(1.0)
                layer.cross_attn_mlp_gate.fill_(1.0)
        for block in model.model.vision_model.global_transformer.layers:
            block.gate_attn.fill_(1.0)
            block.gate_ffn.fill_(1.0)
    return model


def build_image_processor() -> Any:
    """The picture side of the processor: one tile, mean and spread of a pale page."""
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    return MllamaImageProcessorPil(
        size={"height": TILE_PX, "width": TILE_PX},
        max_image_tiles=1,
        image_mean=[0.9, 0.9, 0.9],
        image_std=[0.25, 0.25, 0.25],
    )


def save_base(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a base in the files of Llama 3.2 Vision, its weights in bfloat16."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    build_image_processor().save_pretrained(folder)
