"""The LoRA loop on a tiny random base: it learns, it resumes to the same bytes, it keeps the best epoch."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twelvelead.errors import DataError
from twelvelead.instruct.sample import messages
from twelvelead.models import lora
from twelvelead.models.packed import Question
from twelvelead.params import TrainLora
from twelvelead.training.lora import schedule, train
from twelvelead.training.pages import Page
from twelvelead.training.sampler import choose, rows_of
from twelvelead.training.states import VisionStates
from twelvelead.training.tracker import NullTracker

QUICK = TrainLora(
    rank=4,
    alpha=8,
    epochs=2,
    pages_per_step=4,
    questions_per_page=3,
    checkpoint_every_steps=1,
    threads=1,
    dropout=0.1,
)


def left_or_right(base, count):
    """Pages that are dark on the left or on the right, and one statement that is true of the former."""
    import io

    from PIL import Image, ImageDraw

    pages, labels = [], []
    for number in range(count):
        dark = number % 2 == 0
        stream = io.BytesIO()
        picture = Image.new("RGB", (336, 336), (255, 255, 255))
        left = 0 if dark else 168
        ImageDraw.Draw(picture).rectangle((left, 0, left + 167, 335), fill=(0, 0, 0))
        picture.save(stream, "PNG")
        prefix, asked = base.question(messages("Does this ECG show darkness?", "Yes" if dark else "No"))
        _, other = base.question(messages("What is the heart rate?", "70 bpm"))
        pages.append(Page(f"{number}-0", str(number), stream.getvalue(), [asked], [other]))
        labels.append([dark])
    return prefix, pages, np.array(labels)


def test_the_loop_learns_what_a_page_shows_and_leaves_the_base_alone(base, tmp_path):
    prefix, pages, labels = left_or_right(base, 16)
    before = lora.frozen_sha256(base.model)
    trained = train(
        base,
        prefix,
        pages,
        pages[:8],
        labels[:8],
        QUICK.model_copy(update={"epochs": 10, "lr": 1e-2, "vision": True, "dropout": 0.0}),
        tmp_path,
        NullTracker(),
    )
    assert [entry["fold9_macro_auc"] for entry in trained.metrics["history"][-3:]] == [1.0, 1.0, 1.0]
    assert lora.frozen_sha256(trained.model) == before
    assert [entry["epoch"] for entry in trained.metrics["history"]] == list(range(1, 11))


RUN = textwrap.dedent("""
    import sys, hashlib
    sys.path.insert(0, sys.argv[4])
    from pathlib import Path
    import torch
    from test_lora_training import QUICK, left_or_right
    from twelvelead.models import checkpoint
    from twelvelead.models.mllama import load_base
    from twelvelead.training.lora import train
    from twelvelead.training.ranks import Ranks
    from twelvelead.training.tracker import NullTracker

    base_folder, work, stop = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if stop:
        save = checkpoint.save
        def save_and_die(path, state):
            save(path, state)
            if state["step"] >= stop:
                import os, signal
                os.kill(os.getpid(), signal.SIGKILL)
        checkpoint.save = save_and_die
    base = load_base(base_folder)
    prefix, pages, labels = left_or_right(base, 12)
    trained = train(base, prefix, pages, pages[:4], labels[:4], QUICK, work, NullTracker())
    whole = hashlib.sha256()
    for name, weight in sorted(trained.model.named_parameters()):
        if weight.requires_grad:
            whole.update(weight.detach().numpy().tobytes())
    print(whole.hexdigest())
""")


def run(base_folder, work, stop=0):
    from pathlib import Path

    command = [
        sys.executable,
        "-W",
        "ignore",
        "-c",
        RUN,
        str(base_folder),
        str(work),
        str(stop),
        str(Path(__file__).parent),
    ]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
    )


@pytest.mark.slow
def test_a_training_killed_with_sigkill_resumes_to_identical_weights(base_folder, tmp_path):
    unbroken = run(base_folder, tmp_path / "a")
    assert unbroken.returncode == 0, unbroken.stderr
    killed = run(base_folder, tmp_path / "b", stop=2)
    assert killed.returncode == -signal.SIGKILL
    resumed = run(base_folder, tmp_path / "b")
    assert resumed.returncode == 0, resumed.stderr
    assert "from step 2" in resumed.stderr
    assert resumed.stdout == unbroken.stdout


def test_nothing_to_train_on_is_refused(base, tmp_path):
    with pytest.raises(DataError, match="nothing to train on"):
        train(base, (1,), [], [], np.zeros((0, 1)), QUICK, tmp_path, NullTracker())


def test_every_page_is_seen_once_an_epoch_and_the_order_depends_on_seed_and_epoch_alone():
    def epoch(number, seed):
        return [rows_of(3 * number + step, 10, 4, seed) for step in range(3)]

    first = epoch(0, 1)
    assert sorted(row for rows in first for row in rows) == list(range(10))
    assert [len(rows) for rows in first] == [4, 4, 2]
    assert first == epoch(0, 1)
    assert first != epoch(1, 1)
    assert first != epoch(0, 2)


def test_all_statements_of_a_page_are_asked_when_there_is_room(base):
    _, (page,), _ = left_or_right(base, 1)
    page.statements, page.others = page.statements * 5, page.others * 3
    chosen = choose(page, 6, np.random.default_rng(0))
    assert len(chosen) == 6
    assert sum(question in page.statements for question in chosen) == 5


def test_statements_that_a_page_has_are_asked_every_time_up_to_half_of_the_room(base):
    _, (page,), _ = left_or_right(base, 1)
    page.statements = [Question((number,), (0,)) for number in range(40)]
    page.present = frozenset({3, 17})
    drawn = [choose(page, 9, np.random.default_rng(seed)) for seed in range(30)]
    asked = [[question.prompt[0] for question in one if question in page.statements] for one in drawn]
    assert all({3, 17} <= set(numbers) and len(set(numbers)) == 8 for numbers in asked)
    assert len({number for numbers in asked for number in numbers}) > 35  # the others change places
    page.present = frozenset(range(20))
    few = [question.prompt[0] for question in choose(page, 9, np.random.default_rng(0))[:8]]
    assert sum(number < 20 for number in few) >= 4
    assert sum(number >= 20 for number in few) >= 1


@pytest.mark.parametrize("frozen", [True, False])
def test_states_of_kept_pages_equal_states_computed_again(base, frozen):
    _, pages, _ = left_or_right(base, 3)
    kept = VisionStates(base, pages, frozen=frozen)
    assert len(kept.states if frozen else kept.decoded) == 3
    fresh = VisionStates(base, pages, frozen=frozen, keep="nowhere")
    torch.testing.assert_close(kept.of([2, 0]), fresh.of([2, 0]))


def test_states_carry_gradients_only_when_the_tower_is_adapted(base):
    _, pages, _ = left_or_right(base, 2)
    model = lora.attach(base.model, QUICK.model_copy(update={"vision": True}))
    assert VisionStates(base, pages, frozen=False).of([0]).requires_grad
    assert not VisionStates(base, pages, frozen=True).of([0]).requires_grad
    assert model is not None


def test_the_learning_rate_warms_up_and_comes_down():
    values = [schedule(step, 100, 0.1) for step in range(100)]
    assert values[0] < values[5] < values[10]
    assert values[10] == pytest.approx(1.0)
    assert values[-1] < 0.06


def test_asked_to_stop_it_keeps_its_step_and_goes_on_to_the_same_weights(base, base_folder, tmp_path):
    from twelvelead.errors import Interrupted
    from twelvelead.models.mllama import load_base

    class Asker(NullTracker):
        """Sends SIGTERM when the first epoch is told."""

        def log(self, metrics, step):
            os.kill(os.getpid(), signal.SIGTERM)

    prefix, pages, labels = left_or_right(base, 8)
    params = QUICK.model_copy(update={"checkpoint_every_steps": 1000})

    def weights(of):
        return {n: w.detach().clone() for n, w in of.model.named_parameters() if w.requires_grad}

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="after step 2 of 4") as stopped:
        train(base, prefix, pages, pages[:4], labels[:4], params, tmp_path / "a", Asker())
    assert stopped.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    done = [
        train(load_base(str(base_folder)), prefix, pages, pages[:4], labels[:4], params, work, NullTracker())
        for work in (tmp_path / "a", tmp_path / "b")
    ]
    assert [len(one.metrics["history"]) for one in done] == [2, 2]
    first, second = map(weights, done)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_it_stops_early_when_fold_9_gets_no_better(base, tmp_path, monkeypatch):
    prefix, pages, labels = left_or_right(base, 8)
    scores = iter([0.6, 0.8, 0.7, 0.7, 0.9])
    monkeypatch.setattr("twelvelead.training.lora.fold_auc", lambda *_: next(scores))
    params = QUICK.model_copy(update={"epochs": 5, "patience": 2})
    trained = train(base, prefix, pages, pages[:4], labels[:4], params, tmp_path, NullTracker())
    assert [entry["epoch"] for entry in trained.metrics["history"]] == [1, 2, 3, 4]
    assert trained.metrics["fold9_macro_auc"] == 0.8
    assert trained.metrics["steps"] == 8


def test_curves_tell_loss_speed_and_use_of_the_device(base, tmp_path):
    import json

    from twelvelead.training.tracker import FileTracker

    prefix, pages, labels = left_or_right(base, 8)
    params = QUICK.model_copy(update={"pages_per_step": 1})
    train(
        base, prefix, pages, pages[:4], labels[:4], params, tmp_path, FileTracker(tmp_path / "curves.jsonl")
    )
    lines = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    points = [line for line in lines if "mfu" in line]
    assert [line["step"] for line in points] == [10]
    assert points[0].keys() >= {"loss", "lr", "tokens_per_s", "data_wait", "memory_gib", "gradient_norm"}
    assert 0 < points[0]["mfu"] < 1
    assert [line["step"] for line in lines if "fold9_macro_auc" in line] == [8, 16]
