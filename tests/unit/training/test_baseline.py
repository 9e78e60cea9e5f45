import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from twelvelead.data.wfdb import write_record
from twelvelead.errors import DataError, Error, RecordError, SetupError
from twelvelead.params import TrainBaseline
from twelvelead.training import course
from twelvelead.training.baseline import score_records, train
from twelvelead.training.course import one_cycle
from twelvelead.training.seeds import middle
from twelvelead.training.signals import load_signals

CODES = ["AFIB", "NORM"]
PARAMS = TrainBaseline(epochs=3, batch=8, seed=1, threads=1, seeds=1)


def toy(folder: Path, folds: list[int], fs_hz: int = 100) -> pd.DataFrame:
    """Records of 3 s: AFIB is a fast wave, everything else a slow one."""
    rng = np.random.default_rng(0)
    t = np.arange(3 * fs_hz) / fs_hz
    rows = []
    for number, fold in enumerate(folds):
        code = CODES[number % 2]
        wave = np.sin(2 * np.pi * (8 if code == "AFIB" else 1) * (t + rng.random()))
        signal = (500 * wave[:, None] + rng.normal(0, 50, (len(t), 12))).astype(np.int16)
        write_record(folder / f"{number:05d}", signal, fs_hz)
        rows.append(
            {
                "record_id": f"{number:05d}", "patient_id": f"p{number}", "fold": fold,
                "path": f"{number:05d}", "fs_hz": float(fs_hz),
                "statements": [{"code": code, "likelihood": 100.0}],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def folders(root: Path, *names: str) -> list[Path]:
    for name in names:
        (root / name).mkdir(parents=True)
    return [root / name for name in names]


def test_it_learns_what_tells_two_rhythms_apart_and_scores_records_with_it(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    frame = toy(records, [1, 2] * 16 + [9] * 8 + [10] * 8)
    metrics = train(records, frame, CODES, PARAMS.model_copy(update={"epochs": 6}), output, work)
    scores = score_records(output, records, frame[frame["fold"] == 10], threads=1)
    assert metrics["macro_auc"] == 1.0
    assert list(scores.columns) == ["record_id", "patient_id", "fold", "code", "probability"]
    assert len(scores) == 8 * 2
    afib = scores[scores["code"] == "AFIB"].set_index("record_id")["probability"]
    assert afib.iloc[::2].min() > afib.iloc[1::2].max()
    assert json.loads((output / "config.json").read_text())["codes"] == CODES
    assert len(json.loads((output / "metrics.json").read_text())["history"]) == 6


def test_records_of_fold_10_do_not_touch_the_model(tmp_path: Path) -> None:
    records, with_ten, without, work, work_too = folders(tmp_path, "records", "a", "b", "wa", "wb")
    frame = toy(records, [1] * 10 + [9] * 2 + [10] * 4)
    train(records, frame, CODES, PARAMS, with_ten, work)
    train(records, frame[frame["fold"] != 10], CODES, PARAMS, without, work_too)
    for name in ("model.safetensors", "config.json", "metrics.json"):
        assert (with_ten / name).read_bytes() == (without / name).read_bytes()


def test_another_seed_gives_another_model(tmp_path: Path) -> None:
    records, one, two, work, work_too = folders(tmp_path, "records", "a", "b", "wa", "wb")
    frame = toy(records, [1] * 10 + [9] * 2)
    train(records, frame, CODES, PARAMS, one, work)
    train(records, frame, CODES, PARAMS.model_copy(update={"seed": 2}), two, work_too)
    assert (one / "model.safetensors").read_bytes() != (two / "model.safetensors").read_bytes()


@pytest.mark.parametrize("epochs_before", [1, 2])
def test_a_killed_training_continues_to_the_very_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epochs_before: int
) -> None:
    records, whole, resumed, work, work_too = folders(tmp_path, "records", "a", "b", "wa", "wb")
    frame = toy(records, [1] * 20 + [9] * 2)
    train(records, frame, CODES, PARAMS, whole, work)

    lines: list[str] = []

    def killed(text: str) -> None:
        lines.append(text)
        if len(lines) == epochs_before:
            raise KeyboardInterrupt

    monkeypatch.setattr(course, "say", killed)
    with pytest.raises(KeyboardInterrupt):
        train(records, frame, CODES, PARAMS, resumed, work_too)
    monkeypatch.undo()
    assert not list(resumed.iterdir())
    torch.manual_seed(999)
    train(records, frame, CODES, PARAMS, resumed, work_too)
    for name in ("model.safetensors", "metrics.json"):
        assert (whole / name).read_bytes() == (resumed / name).read_bytes()


def test_the_callers_generator_and_threads_are_left_as_they_were(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    frame = toy(records, [1] * 4 + [9] * 2)
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    train(records, frame, CODES, PARAMS, output, work)
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("records_learned", [2, 9, 17])
def test_a_last_batch_of_one_record_does_not_break_batch_norm(tmp_path: Path, records_learned: int) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    frame = toy(records, [1] * records_learned + [9] * 2)
    metrics = train(records, frame, CODES, PARAMS.model_copy(update={"epochs": 1}), output, work)
    assert metrics["train_records"] == records_learned


def test_statements_without_both_classes_in_fold_9_leave_the_metric_open(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    train(records, toy(records, [1] * 4 + [9]), CODES, PARAMS, output, work)
    assert json.loads((output / "metrics.json").read_text())["macro_auc"] is None


@pytest.mark.parametrize("folds", [[9, 9, 9], [1, 9, 9], [1, 1, 1, 10]])
def test_empty_folds_are_rejected_with_their_counts(tmp_path: Path, folds: list[int]) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    with pytest.raises(DataError, match=r"usable records in folds 1-8, \d in fold 9"):
        train(records, toy(records, folds), CODES, PARAMS, output, work)


def test_no_statement_to_learn_is_rejected(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    with pytest.raises(DataError, match="0 statements"):
        train(records, toy(records, [1, 1, 9]), [], PARAMS, output, work)


def test_a_diverging_training_says_which_parameter_to_lower(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    frame = toy(records, [1] * 16 + [9] * 2)
    with pytest.raises(Error, match="lr_max"):
        train(records, frame, CODES, PARAMS.model_copy(update={"lr_max": 1e30, "epochs": 4}), output, work)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    records, empty = folders(tmp_path, "records", "empty")
    with pytest.raises(SetupError, match="holds no baseline of this version"):
        score_records(empty, records, toy(records, [10]))


def test_scoring_no_record_gives_an_empty_table(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    frame = toy(records, [1] * 4 + [9] * 2)
    train(records, frame, CODES, PARAMS, output, work)
    assert score_records(output, records, frame[frame["fold"] == 10]).empty


def test_signals_of_500_hz_come_down_to_100_hz_with_their_amplitude(tmp_path: Path) -> None:
    (fine,) = folders(tmp_path, "fine")
    t = np.arange(5000) / 500
    wave = 1000 * np.sin(2 * np.pi * 3 * t)
    write_record(fine / "r", np.repeat(wave[:, None], 12, axis=1).astype(np.int16), 500)
    (signal,) = load_signals(fine, pd.DataFrame({"path": ["r"]}))
    assert signal.shape == (12, 1000)
    assert np.allclose(signal[0, 50:-50], np.sin(2 * np.pi * 3 * np.arange(1000) / 100)[50:-50], atol=0.01)


def test_missing_samples_become_the_isoelectric_line(tmp_path: Path) -> None:
    signal = np.full((500, 12), 300, np.int16)
    signal[100:150, 3] = -32768
    write_record(tmp_path / "r", signal, 100)
    (found,) = load_signals(tmp_path, pd.DataFrame({"path": ["r"]}))
    assert (found[3, 100:150] == 0).all()
    assert np.isclose(found[3, :100], 0.3).all()


def test_a_record_that_vanished_after_validation_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="gone"):
        load_signals(tmp_path, pd.DataFrame({"path": ["gone"]}))


def test_the_cycle_climbs_to_the_peak_then_falls_to_almost_nothing() -> None:
    rates = [one_cycle(step, 100, 0.01) for step in range(101)]
    assert rates[0][0] == pytest.approx(0.0004)
    assert max(rates)[0] == rates[30][0] == pytest.approx(0.01)
    assert rates[30][1] == pytest.approx(0.85)
    assert rates[100] == pytest.approx((4e-8, 0.95))
    assert one_cycle(0, 1, 0.01)[0] > 0


def test_the_weights_on_disk_are_those_of_the_last_epoch(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    train(records, toy(records, [1] * 4 + [9] * 2), CODES, PARAMS, output, work)
    saved = load_file(output / "model.safetensors")
    last = torch.load(work / "checkpoint-1.pt", weights_only=True)["model"]
    assert saved.keys() == last.keys()
    assert all(torch.equal(saved[name], last[name]) for name in saved)


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [([0.9], 0), ([0.7, 0.9, 0.8], 2), ([0.7, 0.9], 1), ([0.8, 0.8, 0.8], 1), ([None, 0.9, 0.8], 2)],
)
def test_the_middle_seed_stands_and_of_two_the_better(scores: list[float | None], chosen: int) -> None:
    assert middle(scores) == chosen


def test_several_seeds_are_all_kept_and_the_median_one_answers(tmp_path: Path) -> None:
    records, several, work, alone, work_too = folders(tmp_path, "records", "a", "wa", "b", "wb")
    frame = toy(records, [1, 2] * 8 + [9] * 6 + [10] * 2)

    metrics = train(records, frame, CODES, PARAMS.model_copy(update={"seeds": 3}), several, work)
    chosen = metrics["seed"]
    train(records, frame, CODES, PARAMS.model_copy(update={"seed": chosen}), alone, work_too)

    assert (several / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes()
    assert set(metrics["seeds"]) == {"1", "2", "3"}
    assert {path.stem for path in (several / "seeds").iterdir()} == {"1", "2", "3"} - {str(chosen)}
    said = {
        seed: score_records(several, records, frame, threads=1, seed=seed)["probability"].to_list()
        for seed in (1, 2, 3)
    }
    assert score_records(several, records, frame, threads=1)["probability"].to_list() == said[chosen]
    assert said[1] != said[2] != said[3]
    with pytest.raises(SetupError, match="has no seed 7"):
        score_records(several, records, frame, seed=7)


@pytest.mark.parametrize("architecture", ["resnet1d_wang", "inception1d"])
def test_the_rivals_learn_too(tmp_path: Path, architecture: str) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    frame = toy(records, [1, 2] * 16 + [9] * 8)
    params = PARAMS.model_copy(update={"architecture": architecture, "epochs": 6})

    assert train(records, frame, CODES, params, output, work)["macro_auc"] > 0.95


def test_the_curves_go_to_the_tracker(tmp_path: Path) -> None:
    records, output, work = folders(tmp_path, "records", "output", "work")
    seen: list[tuple[int, list[str]]] = []

    class Listener:
        def log(self, metrics: dict[str, float], step: int) -> None:
            seen.append((step, sorted(metrics)))

    train(records, toy(records, [1, 2] * 4 + [9] * 4), CODES, PARAMS, output, work, Listener())

    assert seen == [(1, ["cnn.loss"]), (2, ["cnn.loss"]), (3, ["cnn.loss", "cnn.macro_auc"])]
