"""Metrics of anybody's predictions, against libraries and by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, hamming_loss, roc_auc_score

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.errors import DataError, LeakageError
from twelvelead.evaluation.foreign import COLUMNS, read_predictions
from twelvelead.evaluation.groups import GROUPS, SIZES, group
from twelvelead.evaluation.summary import summarise

CODES = tuple(STATEMENTS)


def table(records=60, codes=CODES, models=("cnn", "llm"), seed=0, first=0):
    rng = np.random.default_rng(seed)
    label = rng.random((records, len(codes))) < 0.2
    label[:, 3] = False  # an absent class
    rows = []
    for model in models:
        scores = np.round(np.clip(0.3 * label + rng.random(label.shape) * 0.7, 0, 1), 1)  # many ties
        for i in range(records):
            for j, code in enumerate(codes):
                record = first + i
                rows.append((f"{record:05d}", f"p{record // 2}", model, code, int(label[i, j]), scores[i, j]))
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "predictions.parquet"
    table().to_parquet(path)
    return path


def test_the_six_groups_have_the_sizes_of_the_benchmark():
    labels = np.eye(len(CODES), dtype=np.uint8)
    found = {name: group(name, CODES, labels) for name in GROUPS}
    assert {name: len(view.names) for name, view in found.items()} == SIZES


def test_macro_figures_equal_those_of_scikit_learn_over_labels_that_have_both_classes(written):
    found = read_predictions(written)
    tree = summarise(found, replicates=0)
    truth, scores = found.labels, found.probabilities["llm"]
    both = [j for j in range(71) if 0 < truth[:, j].sum() < len(truth)]
    own = tree["models"]["llm"]["all"]
    assert (own["scored"], own["labels"]) == (len(both), 71)
    assert own["macro_auc"] == pytest.approx(
        np.mean([roc_auc_score(truth[:, j], scores[:, j]) for j in both]), abs=1e-12
    )
    assert own["macro_ap"] == pytest.approx(
        np.mean([average_precision_score(truth[:, j], scores[:, j]) for j in both]), abs=1e-12
    )
    called = scores >= 0.5
    expected = np.mean([f1_score(truth[:, j], called[:, j], zero_division=0) for j in both])
    assert own["macro_f1"] == pytest.approx(expected, abs=1e-12)
    assert own["hamming_loss"] == pytest.approx(hamming_loss(truth, called), abs=1e-12)
    assert own["per_label"][CODES[3]]["auc"] is None


def test_a_class_is_as_probable_as_its_likeliest_statement_and_records_without_a_class_are_left_out():
    codes = ("NORM", "IMI", "ASMI", "SR")
    labels = np.array([[1, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 1]], np.uint8)
    scores = np.array([[0.9, 0.1, 0.3, 1], [0.2, 0.4, 0.1, 0], [0.5, 0.5, 0.5, 1]])
    view = group("superdiagnostic", codes, labels)
    assert view.names == ("NORM", "MI")
    assert view.rows.tolist() == [True, True, False]
    assert view.of(scores).tolist() == [[0.9, 0.3], [0.2, 0.4]]
    assert group("form", codes, labels) is None


def test_rows_may_come_in_any_order_and_as_csv(written, tmp_path):
    mixed = table().sample(frac=1.0, random_state=3)
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    first = summarise(read_predictions(written), replicates=0)["models"]["cnn"]["rhythm"]["macro_auc"]
    second = summarise(read_predictions(tmp_path / "mixed.csv"), replicates=0)
    assert second["models"]["cnn"]["rhythm"]["macro_auc"] == pytest.approx(first, abs=1e-12)


def test_fmax_of_two_records_by_hand():
    from twelvelead.evaluation.metrics import fmax

    labels = np.array([[1, 1, 0], [1, 0, 0]])
    scores = np.array([[0.9, 0.3, 0.6], [0.8, 0.1, 0.7]])
    # at .71: precision (1 + 1) / 2, recall (1/2 + 1) / 2; nothing does better
    assert fmax(labels, scores) == (pytest.approx(2 * 0.75 / 1.75), 0.71)


def test_ece_of_a_constant_is_its_distance_from_the_share_of_positives():
    from twelvelead.evaluation.metrics import eces

    assert eces(np.array([[1], [0], [0], [0]]), np.full((4, 1), 0.6)) == pytest.approx([0.35])


def test_thresholds_come_from_other_patients_and_are_applied_as_they_are(written, tmp_path):
    table(seed=5, first=1000).to_parquet(tmp_path / "fold9.parquet")
    judged, chosen_on = read_predictions(written), read_predictions(tmp_path / "fold9.parquet")
    tree = summarise(judged, chosen_on, replicates=0)
    cut = tree["models"]["cnn"]["all"]["per_label"]["IMI"]["threshold"]
    place = CODES.index("IMI")
    earlier = chosen_on.labels[:, place].sum()
    assert abs((chosen_on.probabilities["cnn"][:, place] >= cut).sum() - earlier) <= 6  # ties of .1
    with pytest.raises(LeakageError, match="patients are in both"):
        summarise(judged, judged, replicates=0)


def test_subgroups_are_judged_apart_and_tiny_ones_not_at_all(written):
    found = read_predictions(written)
    records = pd.DataFrame({"record_id": found.record_ids, "sex": [0, 1] * 30, "age": [30] * 55 + [85] * 5})
    tree = summarise(found, replicates=0, records=records)["subgroups"]
    assert set(tree["sex"]) == {"0", "1"}
    assert set(tree["age"]) == {"under 40"}  # five people over 80 are too few
    half = np.arange(60) % 2 == 0
    truth, scores = found.labels[half], found.probabilities["cnn"][half]
    both = [j for j in range(71) if 0 < truth[:, j].sum() < len(truth)]
    expected = np.mean([roc_auc_score(truth[:, j], scores[:, j]) for j in both])
    assert tree["sex"]["0"]["cnn"]["macro_auc"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t.drop(columns="label"), "no column 'label'"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: pd.concat([t, t.iloc[[7]]]), "is there twice"),
        (lambda t: t.drop(index=t.index[5]), "1 predictions are missing"),
        (lambda t: t.assign(probability=t["probability"].where(t.index != 3)), "between 0 and 1"),
        (lambda t: t.assign(probability=t["probability"] * 3), "between 0 and 1"),
        (lambda t: t.assign(label=t["label"].where(t.index != 2, 2)), "neither 0 nor 1"),
        (lambda t: t.assign(label=t["label"].where(t.index != 2, 1 - t["label"])), "differs between models"),
        (lambda t: t.assign(patient_id=t["patient_id"].where(t.index != 2, "x")), "two patients"),
    ],
)
def test_what_is_no_prediction_table_is_refused_with_its_place(tmp_path, spoil, says):
    spoil(table(records=6, codes=CODES[:4])).to_parquet(tmp_path / "p.parquet")
    with pytest.raises(DataError, match=says):
        read_predictions(tmp_path / "p.parquet")


def test_bytes_that_are_no_table_are_refused(tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_predictions(tmp_path / "p.parquet")


def test_the_command_writes_json_with_a_macro_auc_for_every_model_and_group(written, tmp_path, capsys):
    from twelvelead import cli

    out = tmp_path / "out.json"
    cli.app(["metrics", str(written), "--json", str(out), "--bootstrap", "50"], standalone_mode=False)
    tree = json.loads(out.read_text())
    for model in ("cnn", "llm"):
        assert list(tree["models"][model]) == list(GROUPS)
        for figures in tree["models"][model].values():
            assert figures["macro_auc_lower"] <= figures["macro_auc"] <= figures["macro_auc_upper"]
    shown = capsys.readouterr().out
    assert "superdiagnostic" in shown
    assert f"{tree['models']['cnn']['all']['macro_auc']:.4f}" in shown
