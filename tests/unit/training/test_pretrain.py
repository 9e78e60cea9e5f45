"""Pretraining at the smallest scale: its truth is the page's, and the base it leaves can be loaded."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twelvelead.params import Pretrain
from twelvelead.simulate.population import draw_varied
from twelvelead.simulate.record import rhythm_of
from twelvelead.training import eyesight
from twelvelead.training import pretrain as loop

SMALL = Pretrain(records=64, steps=4, pages_per_step=4, questions_per_page=4, seed=5, threads=1)


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch):
    monkeypatch.setattr(loop, "HELD_OUT", 32)
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")


def test_slots_mark_each_beat_where_its_trace_stands(tmp_path):
    """The darkest slot of a column of leads is where the QRS is: marks and pixels must agree."""
    examples = eyesight.make_examples(12, 3, tmp_path)
    plans = draw_varied(12, 3)
    for number, plan in enumerate(plans):
        rhythm = rhythm_of(plan)
        inside = ((rhythm.onset_s > -0.05) & (rhythm.onset_s < 9.95)).sum()
        marked = examples.bins[number, 0].sum()
        assert abs(int(marked) - int(inside)) <= 1
        ink = (examples.pixels[number] & 15).astype(float)
        steep = (ink > 6).sum(axis=0).reshape(-1, 4).max(axis=1)
        near = np.convolve(examples.bins[number, 0], np.ones(3), mode="same") > 0
        assert steep[near].mean() > steep[~near].mean()


def test_a_chunk_made_before_is_not_made_again(tmp_path):
    eyesight.make_examples(6, 3, tmp_path)
    chunk = tmp_path / "chunk-000000.npz"
    before = chunk.stat().st_mtime_ns
    eyesight.make_examples(6, 3, tmp_path)
    assert chunk.stat().st_mtime_ns == before


@pytest.mark.slow
def test_the_base_it_leaves_is_whole_and_small_and_scores_a_page(tmp_path):
    from twelvelead.models.mllama import load_base
    from twelvelead.stages.pretrain import pretrain

    output = tmp_path / "tiny"
    output.mkdir()
    pretrain({}, output, SMALL, tmp_path / "work")
    figures = json.loads((output / "pretraining.json").read_text())
    assert figures["steps"] == 4
    assert 0.0 <= figures["held_out"]["closed_auc"] <= 1.0
    assert sum(item.stat().st_size for item in output.iterdir()) < 25e6
    base = load_base(str(output))
    assert base.model.config.text_config.vocab_size == base.tokenizer.convert_tokens_to_ids("<|image|>")
    assert base.model.config.vision_config.max_num_tiles == 1


@pytest.mark.slow
def test_a_stopped_pretraining_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_STEPS", 2)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for folder in (whole, halves):
        folder.mkdir()
    loop.pretrain(SMALL, whole, tmp_path / "a")

    save = loop.checkpoint.save

    def save_and_stop(path, state):
        save(path, state)
        if state["step"] == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.checkpoint, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        loop.pretrain(SMALL, halves, tmp_path / "b")
    monkeypatch.setattr(loop.checkpoint, "save", save)
    loop.pretrain(SMALL, halves, tmp_path / "b")
    assert (whole / "model.safetensors").read_bytes() == (halves / "model.safetensors").read_bytes()
