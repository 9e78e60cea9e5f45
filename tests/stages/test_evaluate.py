import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twelvelead.data.index import INDEX
from twelvelead.errors import DataError, SetupError
from twelvelead.evaluation.metrics import auc
from twelvelead.evaluation.restage import CONTROLS, ROBUSTNESS
from twelvelead.params import Evaluate
from twelvelead.stages.evaluate import evaluate

CODES = ["NORM", "AFIB"]
PARAMS = Evaluate(bootstrap=40, min_positives=5, seed=3, threads=1, robustness_pages=30)
SKILL = {
    "cnn": 1.0, "cnn seed 2": 0.9, "page_cnn": 0.5, "lora": 0.8, "base": 0.0, "blank": 0.0, "shuffled": 0.0,
    **dict.fromkeys(CONTROLS, 0.2), **dict.fromkeys(ROBUSTNESS, 0.4),
}  # fmt: skip
MODELS = ("cnn", "page_cnn", "lora", "base")
CONTROL_NAMES = ("blank", "shuffled", *CONTROLS)
Spoil = Callable[[str, pd.DataFrame], pd.DataFrame]


def rows(folds: list[int]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    found = []
    for number, fold in enumerate(folds):
        code = "NORM" if rng.random() < 0.5 else "AFIB"
        found.append(
            {
                "record_id": f"{number:05d}", "source": "simulate", "patient_id": f"p{number // 2}",
                "age": 50.0, "sex": "", "fold": fold, "path": "",
                "fs_hz": 500.0, "n_samples": 5000, "report": "", "sha256": "",
                "statements": [{"code": code, "likelihood": 100.0}],
            }
        )  # fmt: skip
    return found


def artifacts(root: Path, folds: list[int]) -> dict[str, Path]:
    inputs = {
        name: root / name
        for name in ("validation", "records", "pages", "baseline", "page_baseline", "adapter")
    }
    for path in inputs.values():
        path.mkdir()
    table = pa.Table.from_pylist(rows(folds), schema=INDEX)
    status = ["quarantined" if number == 0 else "ok" for number in range(len(folds))]
    pq.write_table(table.append_column("status", pa.array(status)), inputs["validation"] / "index.parquet")
    (inputs["validation"] / "statements.json").write_text(json.dumps({"scored": CODES}))
    (inputs["adapter"] / "base.json").write_text(json.dumps({"base": "some/base", "sha256": "0"}))
    (inputs["baseline"] / "config.json").write_text(
        json.dumps({"architecture": "xresnet1d18", "seed": 1, "seeds": [1, 2]})
    )
    (inputs["baseline"] / "model.safetensors").write_bytes(b"weights")
    looks = {"record_id": [f"{number:05d}" for number in range(len(folds))], "look": "{}"}
    pq.write_table(pa.Table.from_pandas(pd.DataFrame(looks)), inputs["pages"] / "manifest.parquet")
    return inputs


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand-ins for both scorers that know the truth to a degree; what they were asked is kept."""
    state: dict[str, Any] = {"calls": {}, "spoil": lambda name, table: table}

    def scores(name: str, frame: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
        rng = np.random.default_rng(len(name))
        table = []
        for row in frame.itertuples():
            for code in codes:
                hint = SKILL[name] * (row.statements[0]["code"] == code)
                table.append((row.record_id, row.patient_id, row.fold, code, (rng.random() + hint) / 2))
        return state["spoil"](
            name, pd.DataFrame(table, columns=["record_id", "patient_id", "fold", "code", "probability"])
        )

    def usable(folds: tuple[int, ...]) -> pd.DataFrame:
        frame = pd.DataFrame(rows(state["folds"]))[1:]
        return frame[frame["fold"].isin(folds)]

    def score_pages(base, adapter, pages, folds, codes, *, control, seed, threads, scorer):  # type: ignore[no-untyped-def]
        name = control or ("lora" if adapter else "base")
        state["calls"][name] = {"base": base, "folds": tuple(folds), "seed": seed, "threads": threads}
        scorer.asked += 8
        scorer.unanswered += 2 if name == "base" else 0
        return scores(name, usable(folds), codes)

    def score_changed(scorer, subjects, change, title, threads):  # type: ignore[no-untyped-def]
        state["calls"][title] = {"folds": (10,), "subjects": len(subjects), "change": change}
        frame = usable((10,))
        if title == "3x4+1r":
            return None
        return scores(
            title, frame[frame["record_id"].isin([one.record_id for one in subjects])], scorer.codes
        )

    def score_page_cnn(baseline, pages, folds, threads):  # type: ignore[no-untyped-def]
        state["calls"]["page_cnn"] = {"folds": tuple(folds)}
        frame = pd.DataFrame(rows(state["folds"]))
        return scores("page_cnn", frame[frame["fold"].isin(folds)], [*CODES, "WPW"])

    def score_records(baseline, records, frame, threads, *, seed):  # type: ignore[no-untyped-def]
        name = "cnn seed 2" if seed == 2 else "cnn"
        state["calls"].setdefault(name, {"folds": tuple(sorted(set(frame["fold"])))})
        return scores(name, frame, [*CODES, "WPW"])

    class Scorer:
        asked = unanswered = 0
        codes = CODES
        base = SimpleNamespace(device="cpu")

    fakes: dict[str, dict[str, Any]] = {
        "twelvelead.evaluation.score": {
            "score_pages": score_pages, "score_changed": score_changed,
            "load_scorer": lambda base, adapter, codes: Scorer(), "ms_per_page": lambda *_: 12.5,
        },
        "twelvelead.training.baseline": {"score_records": score_records},
        "twelvelead.training.page_baseline": {"score_pages": score_page_cnn},
    }  # fmt: skip
    for module, functions in fakes.items():
        fake = ModuleType(module)
        vars(fake).update(functions)
        monkeypatch.setitem(sys.modules, module, fake)
    one_page = [{"image": {"bytes": b"a page"}}]
    monkeypatch.setattr("twelvelead.data.shard.read_pages", lambda *_, **__: iter(one_page))
    return state


def run(root: Path, asked: dict[str, Any], folds: list[int], spoil: Spoil | None = None) -> Path:
    asked["folds"] = folds
    if spoil:
        asked["spoil"] = spoil
    output, work = root / "evaluation", root / "work"
    output.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    inputs = (
        artifacts(root, folds) if not (root / "records").exists() else {p.name: p for p in root.iterdir()}
    )
    evaluate(inputs, output, PARAMS, work)
    return output


FOLDS = [1] * 4 + [9] * 40 + [10] * 60


def test_it_leaves_predictions_controls_scorecard_and_plots(tmp_path: Path, asked: dict[str, Any]) -> None:
    output = run(tmp_path, asked, FOLDS)
    predictions = pq.read_table(output / "predictions.parquet").to_pandas()
    assert len(predictions) == 60 * 2 * len(MODELS)
    assert len(pq.read_table(output / "predictions_fold9.parquet")) == 40 * 2 * len(MODELS)
    controls = pq.read_table(output / "controls.parquet").to_pandas()
    assert set(controls["control"]) == set(CONTROL_NAMES)
    card = json.loads((output / "scorecard.json").read_text())
    assert card["data"]["source"] == "simulated"
    assert (card["data"]["fold9"], card["data"]["fold10"]) == (40, 60)
    assert {path.name for path in (output / "plots").iterdir()} == {
        "auc.png", "roc.png", "pr.png", "calibration.png",
    }  # fmt: skip
    lora = predictions[(predictions["model"] == "lora") & (predictions["code"] == "AFIB")]
    recomputed = auc(lora["label"].to_numpy(), lora["probability"].to_numpy())
    assert card["models"]["lora"]["statements"]["AFIB"]["auc"] == pytest.approx(recomputed, abs=1e-12)


def test_every_scorer_is_asked_for_folds_9_and_10_only_and_controls_for_10(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    run(tmp_path, asked, FOLDS)
    assert {name: call["folds"] for name, call in asked["calls"].items()} == {
        **dict.fromkeys(MODELS, (9, 10)), "cnn seed 2": (10,),
        **dict.fromkeys([*CONTROL_NAMES, *ROBUSTNESS], (10,)),
    }  # fmt: skip
    assert asked["calls"]["lora"] == {"base": "some/base", "folds": (9, 10), "seed": 3, "threads": 1}


def test_the_scorecard_tells_of_every_seed_control_look_and_cost(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    output = run(tmp_path, asked, FOLDS)
    card = json.loads((output / "scorecard.json").read_text())
    lora = card["models"]["lora"]

    assert set(card["models"]["cnn"]["seeds"]) == {"1", "2"}
    assert card["models"]["cnn"]["seeds"]["1"] == pytest.approx(card["models"]["cnn"]["macro_auc_compared"])
    assert (lora["unanswered"], card["models"]["base"]["unanswered"]) == (0.0, 0.25)
    for name in CONTROL_NAMES:
        control = card["controls"][name]
        assert control["drop"] == pytest.approx(lora["macro_auc_compared"] - control["macro_auc"])
    assert set(card["robustness"]) == set(ROBUSTNESS)
    assert card["robustness"]["3x4+1r"] == {"macro_auc": None, "pages": 0}
    assert card["robustness"]["scan"]["pages"] == 30
    assert asked["calls"]["scan"]["subjects"] == 30
    assert asked["calls"]["mirrored"]["subjects"] == 60
    assert card["cost"] == {"ms_per_page": 12.5, "device": "cpu"}
    assert set(card["evidence"]) >= {"adapter", "baseline", "predictions.parquet", "controls.parquet"}


def test_quarantined_records_are_not_judged(tmp_path: Path, asked: dict[str, Any]) -> None:
    output = run(tmp_path, asked, [10, *FOLDS])
    assert "00000" not in set(pq.read_table(output / "predictions.parquet")["record_id"].to_pylist())


def test_the_answers_to_fold_10_do_not_move_a_threshold(tmp_path: Path, asked: dict[str, Any]) -> None:
    def thresholds(output: Path) -> list[float]:
        models = json.loads((output / "scorecard.json").read_text())["models"]
        return [models[m]["statements"][code]["threshold"] for m in MODELS for code in CODES]

    def spoil(name: str, table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(
            probability=table["probability"].where(table["fold"] == 9, 1 - table["probability"])
        )

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    before = thresholds(run(tmp_path / "a", asked, FOLDS))
    assert thresholds(run(tmp_path / "b", asked, FOLDS, spoil)) == before


def test_a_killed_evaluation_does_not_score_twice_and_ends_the_same(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    def killed(name: str, table: pd.DataFrame) -> pd.DataFrame:
        if name == "base":
            raise KeyboardInterrupt
        return table

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, asked, FOLDS, killed)
    asked["calls"].clear()
    output = run(tmp_path, asked, FOLDS, lambda name, table: table)
    assert set(asked["calls"]) == {"base", "lora", "cnn", "cnn seed 2", *CONTROL_NAMES, *ROBUSTNESS}
    (tmp_path / "whole").mkdir()
    whole = run(tmp_path / "whole", asked, FOLDS)
    for name in ("predictions.parquet", "scorecard.json", "controls.parquet"):
        assert (output / name).read_bytes() == (whole / name).read_bytes()


def test_a_probability_that_is_no_number_names_model_record_and_statement(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    def spoil(name: str, table: pd.DataFrame) -> pd.DataFrame:
        hit = (name == "lora") & (table["record_id"] == "00050") & (table["code"] == "AFIB")
        return table.assign(probability=table["probability"].mask(hit))

    with pytest.raises(DataError, match=r"model lora: .*AFIB of record 00050"):
        run(tmp_path, asked, FOLDS, spoil)


@pytest.mark.parametrize("model", [*MODELS, *CONTROL_NAMES])
def test_a_model_that_left_out_a_record_is_named(tmp_path: Path, asked: dict[str, Any], model: str) -> None:
    def spoil(name: str, table: pd.DataFrame) -> pd.DataFrame:
        return table[table["record_id"] != "00060"] if name == model else table

    with pytest.raises(DataError, match=rf"model {model}: .*record 00060 is not scored"):
        run(tmp_path, asked, FOLDS, spoil)


@pytest.mark.parametrize(("folds", "empty"), [([1, 1, 10, 10], 9), ([1, 1, 9, 9], 10)])
def test_an_empty_fold_is_rejected(
    tmp_path: Path, asked: dict[str, Any], folds: list[int], empty: int
) -> None:
    with pytest.raises(DataError, match=f"fold {empty} has no usable record"):
        run(tmp_path, asked, folds)


def test_an_adapter_without_its_base_is_named(tmp_path: Path, asked: dict[str, Any]) -> None:
    inputs = artifacts(tmp_path, FOLDS)
    (inputs["adapter"] / "base.json").unlink()
    with pytest.raises(SetupError, match=r"base\.json"):
        evaluate(inputs, tmp_path, PARAMS, tmp_path)
