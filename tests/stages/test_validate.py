import json
import os
import shutil
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from archive import contents, write_archive

from twelvelead import cli
from twelvelead.data import index, ptbxl
from twelvelead.data.index import read_index, read_validated
from twelvelead.data.wfdb import write_record
from twelvelead.ecg.statement import STATEMENTS
from twelvelead.errors import DataError, LeakageError
from twelvelead.params import parse
from twelvelead.stages import validate as stage
from twelvelead.stages.run import run
from twelvelead.validation.facts import FACTS

FILES = {
    "index.parquet", "quarantine.parquet", "warnings.parquet",
    "statements.json", "validation.html", "validation.json",
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")


def prepare(at, source):
    tree = parse({"ingest": {"source": "ptb-xl", "path": str(source), "records": 1000}}, where="test")
    run("ingest", {}, at / "records", tree)


def validate(at, **section):
    section = {"min_train_positives": 2, "max_quarantined_share": 0.5, **section}
    tree = parse({"validate": section}, where="test")
    return run("validate", {"records": at / "records"}, at / "validation", tree)


def damage(source, ecg_id, samples=None, keep=None):
    """Truncate a 500 Hz record, or give it other samples."""
    path = source / f"records500/00000/{ecg_id:05d}_hr"
    if samples is not None:
        write_record(path, samples, 500)
    else:
        file = path.with_name(path.name + ".dat")
        file.write_bytes(file.read_bytes()[:keep])


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWELVELEAD_WORKERS", "1")
        prepare(folder, write_archive(folder / "source"))
        summary = validate(folder)
    return folder, summary


def test_a_clean_folder_gives_facts_coverage_and_a_report(clean):
    folder, summary = clean
    assert {path.name for path in (folder / "validation").iterdir()} == {*FILES, "lineage.json"}
    assert (summary["records"], summary["usable"], summary["quarantined"]) == (12, 12, 0)
    assert (summary["flagged"], summary["warnings"]) == ({}, [])
    assert summary["parts"] == {"folds 1-8": 8, "fold 9": 2, "fold 10": 2}
    assert summary["scored"] == ["NORM", "LVH", "SR", "AFIB"]
    frame, scored = read_validated(folder / "validation")
    assert scored == summary["scored"]
    assert set(FACTS) <= set(frame.columns)
    assert frame["rate_bpm"].between(74, 76).all()
    assert list(frame["record_id"]) == list(read_index(folder / "records")["record_id"])


def test_the_statement_file_counts_all_71(clean):
    content = json.loads((clean[0] / "validation" / index.STATEMENTS_FILE).read_text())
    assert list(content["counts"]) == list(STATEMENTS)
    assert content["counts"]["AFIB"] == {"train": 4, "fold9": 1, "fold10": 1}
    assert content["not_scored"]["WPW"] == "no record carries it"


def test_two_workers_write_the_bytes_of_one(clean, tmp_path, monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "2")
    monkeypatch.setattr(stage, "RECORDS_PER_CHUNK", 5)
    shutil.copytree(clean[0] / "records", tmp_path / "records")
    validate(tmp_path)
    assert contents(tmp_path / "validation") == contents(clean[0] / "validation")


def test_a_stopped_validation_does_not_measure_again(clean, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "RECORDS_PER_CHUNK", 5)
    monkeypatch.setenv("TWELVELEAD_WORK", str(tmp_path / "work"))
    shutil.copytree(clean[0] / "records", tmp_path / "records")
    real, seen = stage.facts_of, []

    def stops(folder, listed):
        if len(seen) == 7:
            raise KeyboardInterrupt
        seen.append(listed.record_id)
        return real(folder, listed)

    monkeypatch.setattr(stage, "facts_of", stops)
    with pytest.raises(KeyboardInterrupt):
        validate(tmp_path)
    assert not (tmp_path / "validation").exists()
    first = list(seen)
    seen.clear()
    again = lambda folder, listed: (seen.append(listed.record_id), real(folder, listed))[1]  # noqa: E731
    monkeypatch.setattr(stage, "facts_of", again)
    validate(tmp_path)
    assert seen[:2] == first[5:]  # the broken chunk again, the whole one not
    assert len(seen) == 7
    assert contents(tmp_path / "validation") == contents(clean[0] / "validation")


def test_bad_records_are_quarantined_with_their_reasons(tmp_path):
    source = write_archive(tmp_path / "source")
    damage(source, 1, keep=60_000)
    (source / "records500/00000/00002_hr.hea").write_text("garbage\n")
    flat = np.zeros((5000, 12), dtype=np.int16)
    damage(source, 3, samples=flat)
    damage(source, 4, samples=np.full((5000, 12), 30_000, dtype=np.int16))
    prepare(tmp_path, source)
    summary = validate(tmp_path)
    assert (summary["usable"], summary["quarantined"]) == (8, 4)
    held = {
        row["record_id"]: row["reasons"]
        for row in pq.read_table(tmp_path / "validation/quarantine.parquet").to_pylist()
    }
    assert held["00001"] == [
        "unreadable: 00001_hr.dat holds 60000 bytes of samples, its header promises 120000"
    ]
    assert held["00002"][0].startswith("unreadable: the header is malformed")
    assert held["00003"][0] == "12 leads without signal; at most 2 may be flat"
    assert held["00004"][0] == "30.0 mV; more than 20 mV is not believable"
    frame = read_index(tmp_path / "validation").set_index("record_id")
    assert list(frame.index[frame["status"] == "quarantined"]) == ["00001", "00002", "00003", "00004"]
    assert "00001_hr.dat holds 60000 bytes" in (tmp_path / "validation/validation.html").read_text()
    assert not {"00001", "00002", "00003", "00004"} & set(
        read_validated(tmp_path / "validation")[0]["record_id"]
    )


def test_a_refused_data_set_leaves_its_report_beside_and_the_last_good_one_in_place(tmp_path):
    prepare(tmp_path, write_archive(tmp_path / "source"))
    validate(tmp_path)
    good = contents(tmp_path / "validation")
    prepare(tmp_path, write_archive(tmp_path / "other", folds=(1, 2, 3, 10, 10)))
    with pytest.raises(
        DataError, match="fold 9 has no usable record: no epoch and no threshold can be chosen"
    ):
        validate(tmp_path)
    assert contents(tmp_path / "validation") == good
    rejected = tmp_path / "validation.rejected"
    assert {path.name for path in rejected.iterdir()} == FILES
    assert json.loads((rejected / "validation.json").read_text())["passed"] is False


def test_a_patient_across_folds_is_a_leak(tmp_path):
    patients = [7, 2, 3, 4, 5, 6, 8, 9, 10, 11, 7, 12]
    prepare(tmp_path, write_archive(tmp_path / "source", patients=patients))
    with pytest.raises(LeakageError, match=r"7 \(folds 1, 10\)"):
        validate(tmp_path)


def test_more_bad_records_than_allowed_reject_the_data_set(tmp_path):
    source = write_archive(tmp_path / "source")
    for ecg_id in (1, 2, 3):
        damage(source, ecg_id, keep=7)
    prepare(tmp_path, source)
    with pytest.raises(DataError, match=r"at most 20% of the records are quarantined; .*0\.25"):
        validate(tmp_path, max_quarantined_share=0.2)


def test_no_positives_of_any_statement_is_told_with_the_best_covered(clean, tmp_path):
    shutil.copytree(clean[0] / "records", tmp_path / "records")
    with pytest.raises(DataError, match=r"no statement can be scored: .* has 4 positives in folds 1-8"):
        validate(tmp_path, min_train_positives=5)
    content = json.loads((tmp_path / "validation.rejected" / index.STATEMENTS_FILE).read_text())
    assert content["not_scored"]["AFIB"] == "4 positives in folds 1-8, fewer than 5"


@pytest.mark.parametrize(
    ("archive", "code", "words"),
    [
        ({"folds": (1, 2, 10, 10)}, 3, "DataError: the data set was rejected\n  fold 9 has no usable record"),
        ({"patients": [1] * 12}, 3, "LeakageError: 1 patient(s) in more than one fold: 1 (folds 1, 2, 3,"),
        (None, 5, "SetupError: "),
    ],
)
def test_the_command_ends_with_the_exit_code_of_the_fault(
    tmp_path, monkeypatch, capsys, archive, code, words
):
    if archive is not None:
        prepare(tmp_path, write_archive(tmp_path / "source", **archive))
    (tmp_path / "params.yaml").write_text("validate: {min_train_positives: 1}\n")
    arguments = ["validate", "--at", str(tmp_path), "--params", str(tmp_path / "params.yaml")]
    monkeypatch.setattr(sys, "argv", ["twelvelead", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert f"twelvelead: {words}" in capsys.readouterr().err


@pytest.mark.shared
@pytest.mark.slow
def test_the_real_ptbxl_subset_goes_through_both_stages(shared, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TWELVELEAD_WORKERS", str(os.cpu_count()))
    source = shared / "data/ptb-xl"
    tree = parse({"ingest": {"source": "ptb-xl", "path": str(source), "records": 1000}}, where="test")
    taken = run("ingest", {}, tmp_path / "records", tree)
    assert (taken["records"], taken["absent"], taken["without_100_hz"]) == (362, 20459, 20)
    assert (taken["folds"]["9"], taken["folds"]["10"]) == (59, 43)
    assert "20821 rows in ptbxl_database.csv: 20459 without files" in capsys.readouterr().err
    official = (source / ptbxl.DATABASE).read_text(encoding="utf-8").splitlines()
    kept = (tmp_path / "records" / ptbxl.DATABASE).read_text(encoding="utf-8").splitlines()
    assert len(kept) == 363
    assert set(kept) <= set(official)

    summary = validate(tmp_path, min_train_positives=5)
    assert summary["quarantined"] == 0
    assert {"NORM", "SR", "IMI", "AFIB"} <= set(summary["scored"])
    frame, _ = read_validated(tmp_path / "validation")
    assert summary["flagged"].keys() <= {"chest_swap", "mains", "wander", "report_empty"}
    assert sum(summary["flagged"].values()) <= 8
    assert (frame[["einthoven_mv", "goldberger_mv"]] <= 0.002).all(axis=None)
    assert frame["rate_bpm"].between(30, 200).mean() > 0.98
