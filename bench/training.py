"""LoRA training on pages: questions a second and peak memory, ours against TRL's SFTTrainer by default.

    python bench/training.py [--json FILE]                   the tiny base on a CPU
    python bench/training.py --size tiles [--json FILE]      random weights, four tiles of 560 px, on a CPU
    python bench/training.py --size 11b [--json FILE]        random weights of Llama-3.2-11B-Vision on a GPU

Every way sees the same weights, pages and questions, each in a process of its own. A question and its answer
have the named number of text tokens. TRL's way is `SFTTrainer` with its defaults (gradient checkpointing,
one question a sample) and the same adapters; without TRL, transformers and peft set up as TRL sets them up.
Ours runs the steps of `twelvelead train-lora`, the vision states computed in each step or kept.
Scoring compares all 71 statements in one pass with one `generate` a statement.

A machine without pydantic, isal and TRL gets them in a folder:
    pip download -d build/gpu --no-deps --python-version 3.12 --only-binary=:all: pydantic pydantic_core \
        annotated_types typing_inspection isal trl==1.16.0 datasets dill multiprocess
    for wheel in build/gpu/*.whl; do python -m zipfile -e $wheel build/gpu; done
    PYTHONPATH=src:build/gpu python3 bench/training.py --size 11b --json $OUT/training.json
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hardware import describe

QUESTIONS = 8  # a page
ANSWER_WORDS = 6
WARM_UP = 2
GENERATED = 12  # statements that `generate` is timed on; each costs the same
PEER = "TRL SFTTrainer"
STAND_IN = "transformers + peft as TRL sets them up"
SIZES: dict[str, dict[str, Any]] = {
    # pages of the pool, tokens of a question, samples of a peer's step, steps timed, px of a page
    "tiny": {"pages": 16, "tokens": (64, 128), "batch": 8, "steps": 6, "page_px": (336, 336)},
    "tiles": {"pages": 4, "tokens": (128,), "batch": 2, "steps": 2, "page_px": (560, 1120)},
    "11b": {"pages": 24, "tokens": (128, 256, 512), "batch": 4, "steps": 4, "page_px": (560, 1120)},
}
Told = dict[str, Any]


def main() -> None:
    """Run every way in a process of its own, print a table, and write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        import torch

        torch.set_num_threads(arguments.threads)
        print(json.dumps(WAYS[arguments.way](arguments.size)))
        return
    found = {way: _apart(way, arguments.size, arguments.threads) for way in WAYS}
    _table(found)
    if arguments.json:
        packages = ("torch", "transformers", "peft")
        whole = {**describe(*packages), "size": arguments.size, "device": _device(), "ways": found}
        arguments.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def peer(size: str) -> Told:
    """TRL with its defaults."""
    try:
        import trl  # noqa: F401
    except ImportError:
        return {"name": STAND_IN, "rows": _each(size, _stand_in_rate)}
    return {"name": PEER, "rows": _each(size, _trl_rate)}


def ours(size: str, *, kept: bool, packed: int) -> Told:
    """Our steps, with so many questions behind a page at once."""
    return {"rows": _each(size, lambda *case: _our_rate(*case, kept=kept, packed=packed))}


def scoring(size: str) -> Told:
    """Seconds a page for all 71 statements."""
    import torch

    from twelvelead.ecg.statement import STATEMENTS
    from twelvelead.instruct.sample import messages
    from twelvelead.instruct.statements import question
    from twelvelead.models.packed import Question, encode_images, pack, slot_logits
    from twelvelead.training.step import precision

    base, pictures = _base(size), _pictures(size)[:3]
    told = [messages(question(code), "") for code in STATEMENTS]
    asked = [base.question(one) for one in told]
    prefix, questions = asked[0][0], [Question(q.prompt) for _, q in asked]
    pad = base.tokenizer.pad_token_id

    def one_pass(picture: bytes) -> None:
        states = encode_images(base.model, base.pixels([picture]))
        slot_logits(base.model, pack(prefix, [questions], pad=pad).to(base.device), states)

    def generate(picture: bytes) -> None:
        images = base.pixels([picture])
        tiles = images["aspect_ratio_mask"].shape[-1]
        for _, one in asked[:GENERATED]:
            ids = torch.tensor([prefix + one.prompt], device=base.device)
            mask = torch.zeros(1, ids.shape[1], 1, tiles, dtype=torch.long, device=base.device)
            mask[:, len(prefix) - 1 :] = images["aspect_ratio_mask"]
            base.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                cross_attention_mask=mask,
                max_new_tokens=2,
                min_new_tokens=2,
                do_sample=False,
                **images,
            )

    with torch.no_grad(), precision(base):
        fast = _median_seconds(one_pass, pictures)
        slow = _median_seconds(generate, pictures[:2]) * len(questions) / GENERATED
    rows = {"one pass": fast, "one generate a statement": slow}
    return {"seconds_a_page": rows, "statements": len(questions), "generated_for": GENERATED}


WAYS: dict[str, Callable[[str], Told]] = {
    "peer": peer,
    "ours, one question at once": lambda size: ours(size, kept=False, packed=1),
    "ours, one question, states kept": lambda size: ours(size, kept=True, packed=1),
    "ours, 8 questions packed": lambda size: ours(size, kept=False, packed=QUESTIONS),
    "ours, 8 packed, states kept": lambda size: ours(size, kept=True, packed=QUESTIONS),
    "scoring": scoring,
}


def _each(size: str, rate: Callable[[Any, str, int], Told]) -> dict[str, Told]:
    """The rates of a way at every length, over one model: to build a large one takes longest."""
    base = _base(size)
    return {str(tokens): rate(base, size, tokens) for tokens in SIZES[size]["tokens"]}


def _our_rate(plain: Any, size: str, tokens: int, *, kept: bool, packed: int) -> Told:
    from twelvelead.models import lora
    from twelvelead.models.mllama import Base
    from twelvelead.training.forecast import peak_flops
    from twelvelead.training.meter import Meter
    from twelvelead.training.pages import Page
    from twelvelead.training.ranks import Ranks
    from twelvelead.training.states import VisionStates
    from twelvelead.training.step import Step

    setting = SIZES[size]
    told = _conversations(plain, setting["pages"], tokens)
    pages, prefix = [], ()
    for number, (picture, turns) in enumerate(zip(_pictures(size), told, strict=True)):
        asked = [plain.question(one) for one in turns]
        prefix = asked[0][0]
        pages.append(Page(f"{number}-0", str(number), picture, [q for _, q in asked]))
    params = _params(pages_per_step=setting["batch"] * (1 if packed == 1 else 2), questions_per_page=packed)
    base = Base(
        lora.attach(plain.model, params), plain.tokenizer, plain.image_processor, plain.path, plain.sha256
    )
    base.model.train()
    states = VisionStates(base, pages, frozen=True, keep="memory" if kept else "nowhere")
    step = Step(base, prefix, states, params, Ranks())
    need, _ = step.forecast()
    _reset_peak()
    meter = Meter(WARM_UP + setting["steps"], 0, need.flops_a_token, peak_flops(), None)
    with step.feed(0, WARM_UP + setting["steps"]) as feed:
        for number in range(WARM_UP):
            step.take(number, 1e-4, feed, meter)
        before, begun = (meter.questions, meter.tokens), _now()
        for number in range(WARM_UP, WARM_UP + setting["steps"]):
            step.take(number, 1e-4, feed, meter)
        seconds = _now() - begun
    base.model.unload()
    rate = (meter.tokens - before[1]) / seconds
    return {
        "questions_per_s": (meter.questions - before[0]) / seconds,
        "tokens_per_s": rate,
        "mfu": rate * need.flops_a_token / peak_flops(),
        "peak_gib": _peak_gib(),
    }


def _trl_rate(base: Any, size: str, tokens: int) -> Told:
    import tempfile

    from datasets import Dataset, Image
    from transformers import MllamaProcessor, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    setting = SIZES[size]
    told = _conversations(base, setting["pages"], tokens)
    rows = [
        {"messages": turns, "images": [{"bytes": picture, "path": None}]}
        for picture, asked in zip(_pictures(size), told, strict=True)
        for turns in asked
    ]
    pages = Dataset.from_list(rows).cast_column("images", [Image()])
    clock: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            clock.append(_now())

    processor = MllamaProcessor(base.image_processor, base.tokenizer, base.tokenizer.chat_template)
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder,
            per_device_train_batch_size=setting["batch"],
            max_steps=WARM_UP + setting["steps"],
            max_length=None,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=not _cuda(),
            bf16=_cuda(),
        )
        trainer = SFTTrainer(
            base.model,
            config,
            train_dataset=pages,
            processing_class=processor,
            peft_config=_peer_lora(base.model),
            callbacks=[Clock()],
        )
        _reset_peak()
        trainer.train()
        trainer.model.unload()
    return _peer_told(clock, setting["batch"])


def _stand_in_rate(base: Any, size: str, tokens: int) -> Told:
    """What TRL sets up, without TRL: processor in the loop, checkpointing, pictures of every sample."""
    import peft
    import torch
    from transformers import MllamaProcessor

    setting = SIZES[size]
    told = _conversations(base, setting["pages"], tokens)
    processor = MllamaProcessor(base.image_processor, base.tokenizer, base.tokenizer.chat_template)
    samples = [
        (picture, turns) for picture, asked in zip(_pictures(size), told, strict=True) for turns in asked
    ]
    model = peft.get_peft_model(base.model, _peer_lora(base.model)).train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.enable_input_require_grads()
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=1e-4)
    order = np.random.default_rng(0).permutation(len(samples))
    clock: list[float] = []
    _reset_peak()
    from PIL import Image

    for number in range(WARM_UP + setting["steps"]):
        chosen = [
            samples[order[(number * setting["batch"] + k) % len(order)]] for k in range(setting["batch"])
        ]
        batch = processor(
            images=[[Image.open(io.BytesIO(picture)).convert("RGB")] for picture, _ in chosen],
            text=[base.tokenizer.apply_chat_template(turns, tokenize=False) for _, turns in chosen],
            padding=True,
            add_special_tokens=False,
            return_tensors="pt",
        ).to(base.device)
        labels = batch["input_ids"].clone()
        labels[labels >= base.model.config.text_config.vocab_size] = -100
        labels[batch["attention_mask"] == 0] = -100
        with torch.autocast("cuda", torch.bfloat16, enabled=_cuda()):
            model(**batch, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        clock.append(_now())
    model.unload()
    return _peer_told(clock, setting["batch"])


def _peer_told(clock: list[float], batch: int) -> Told:
    seconds = clock[-1] - clock[WARM_UP - 1]
    return {"questions_per_s": (len(clock) - WARM_UP) * batch / seconds, "peak_gib": _peak_gib()}


def _peer_lora(model: Any) -> Any:
    import peft

    from twelvelead.models import lora

    return peft.LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules=lora.targets(model))


def _params(**more: Any) -> Any:
    from twelvelead.params import TrainLora

    return TrainLora(rank=16, alpha=32, **more)


def _base(size: str) -> Any:
    """The embedded base, or one of the real size with random weights; speed asks for no more."""
    import torch

    from twelvelead.models.mllama import Base, load_base

    tiny = load_base(str(Path(__file__).parents[1] / "models/tiny"))
    if size == "tiny":
        return tiny
    from transformers import MllamaConfig, MllamaForConditionalGeneration
    from transformers.models.mllama.image_processing_pil_mllama import MllamaImageProcessorPil

    shrunk: dict[str, Any] = {}
    if size == "tiles":
        vision = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 5, "num_global_layers": 1}
        vision |= {"attention_heads": 2, "vision_output_dim": 192, "intermediate_layers_indices": [1, 3]}
        text = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 4, "vocab_size": 2048}
        text |= {"num_attention_heads": 4, "num_key_value_heads": 2, "cross_attention_layers": [1, 3]}
        shrunk = {"vision_config": vision, "text_config": text}
    elif not _cuda():
        raise SystemExit("--size 11b needs a GPU of 80 GB")
    config = MllamaConfig(**shrunk)  # the defaults are those of Llama-3.2-11B-Vision
    config.image_token_index = tiny.model.config.image_token_index
    config.text_config.pad_token_id = tiny.tokenizer.pad_token_id
    torch.set_default_dtype(torch.bfloat16 if _cuda() else torch.float32)
    with torch.device("cuda" if _cuda() else "cpu"):
        model = MllamaForConditionalGeneration(config)
    torch.set_default_dtype(torch.float32)
    side = config.vision_config.image_size
    processor = MllamaImageProcessorPil(size={"height": side, "width": side}, max_image_tiles=4)
    model.eval().requires_grad_(False)
    return Base(model, tiny.tokenizer, processor, "random", "random")


def _pictures(size: str) -> list[bytes]:
    from PIL import Image

    rng = np.random.default_rng(0)
    found = []
    for _ in range(SIZES[size]["pages"]):
        height, width = SIZES[size]["page_px"]
        small = rng.integers(120, 255, (height // 8, width // 8, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(small).resize((width, height)).save(stream, "PNG")
        found.append(stream.getvalue())
    return found


def _conversations(base: Any, pages: int, tokens: int) -> list[list[Any]]:
    """QUESTIONS conversations a page, each of exactly so many tokens."""
    from twelvelead.instruct.sample import messages

    rng = np.random.default_rng(1)
    words = ["heart", "rate", "lead", "wave", "rhythm", "axis", "page", "normal"]

    def told(length: int) -> tuple[Any, int]:
        body = " ".join(["Which"] + [str(word) for word in rng.choice(words, length)])
        turns = messages(body + "?", " ".join(str(word) for word in rng.choice(words, ANSWER_WORDS)))
        prefix, question = base.question(turns)
        return turns, len(prefix) + len(question.prompt) + len(question.answer)

    def exact() -> Any:
        length = tokens // 2
        for _ in range(2000):
            turns, has = told(length)
            if has == tokens:
                return turns
            length = max(1, length + (1 if has < tokens else -1))
        raise SystemExit(f"no text of {tokens} tokens found")

    return [[exact() for _ in range(QUESTIONS)] for _ in range(pages)]


def _median_seconds(work: Callable[[bytes], None], pictures: list[bytes]) -> float:
    work(pictures[0])
    spent = []
    for picture in pictures:
        begun = _now()
        work(picture)
        spent.append(_now() - begun)
    return float(np.median(spent))


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _now() -> float:
    """Time after all work of the device is done."""
    if _cuda():
        import torch

        torch.cuda.synchronize()
    return time.perf_counter()


def _reset_peak() -> None:
    if _cuda():
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_gib() -> float:
    from twelvelead.training.forecast import GIB, used_bytes

    return used_bytes() / GIB


def _device() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def _apart(way: str, size: str, threads: int) -> Told:
    """One way in a process of its own: nothing of it is left in memory for the next."""
    command = [sys.executable, "-W", "ignore", __file__, "--size", size, "--way", way]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, "--threads", str(threads)], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:  # a way that fails is told, and does not take the others with it
        print(f"{way}: failed\n{done.stderr[-1500:]}", file=sys.stderr)
        return {"failed": done.stderr.strip().splitlines()[-1:]}
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def _table(found: dict[str, Told]) -> None:
    peer_rows = found["peer"].get("rows", {})
    for way, told in found.items():
        for tokens, row in told.get("rows", {}).items():
            base = peer_rows.get(tokens, {}).get("questions_per_s")
            ratio = f"{row['questions_per_s'] / base:6.1f}×" if base else ""
            use = f"MFU {row['mfu']:4.0%}" if "mfu" in row else ""
            name = told.get("name", way)
            print(
                f"{name:<36}{tokens:>5} tokens {row['questions_per_s']:8.1f} questions/s {ratio:>8} "
                f"{row['peak_gib']:6.1f} GiB  {use}"
            )
    for name, seconds in found["scoring"].get("seconds_a_page", {}).items():
        print(f"71 statements, {name:<26}{seconds * 1e3:10.1f} ms a page")


if __name__ == "__main__":
    main()
