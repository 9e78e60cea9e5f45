import json
import os
import signal
import subprocess
import sys
import time

import pytest
from archive import contents, write_archive

from twelvelead import cli
from twelvelead.data import ptbxl
from twelvelead.data.digest import file_sha256
from twelvelead.data.index import read_index
from twelvelead.errors import DataError, SetupError
from twelvelead.params import parse
from twelvelead.stages.run import run


def ingest(at, **section):
    tree = parse({"ingest": {"records": 40, **section}}, where="test")
    return run("ingest", {}, at / "records", tree)


def take(at, folder, **section):
    return ingest(at, source="ptb-xl", path=str(folder), **section)


@pytest.fixture
def one_worker(monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWELVELEAD_WORKERS", "1")
        summary = ingest(folder)
    return folder / "records", summary


def test_simulated_records_lie_in_ptbxl_layout_and_the_library_reads_them(simulated):
    from twelvelead.data.wfdb import library

    records, summary = simulated
    assert summary["records"] == 40
    assert sum(summary["folds"].values()) == 40
    header, rows = ptbxl.read_database(records / ptbxl.DATABASE)
    assert header == ptbxl.HEADER
    assert [row.ecg_id for row in rows] == list(range(1, 41))
    names = (records / ptbxl.RECORDS).read_text().split()
    assert names[:2] == ["records500/00000/00001_hr", "records100/00000/00001_lr"]
    assert len(names) == 80
    for name, size in zip(names, (120_000, 24_000) * 40, strict=True):
        assert (records / (name + ".dat")).stat().st_size == size
    assert (records / ptbxl.STATEMENT_TABLE).read_text() == ptbxl.statement_table()
    theirs = library().rdrecord(str(records / names[0]))
    assert theirs.sig_name == ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]


def test_the_index_says_what_the_table_and_the_files_say(simulated):
    records, _ = simulated
    frame = read_index(records)
    _, rows = ptbxl.read_database(records / ptbxl.DATABASE)
    assert list(frame["record_id"]) == [f"{row.ecg_id:05d}" for row in rows]
    assert list(frame["fold"]) == [row.fold for row in rows]
    assert set(frame["source"]) == {"simulated"}
    for found, row in zip(frame.itertuples(), rows, strict=True):
        assert [dict(cell) for cell in found.statements] == row.statements()
        assert (found.fs_hz, found.n_samples) == (500.0, 5000)
        assert found.sha256 == file_sha256(records / (found.path + ".dat"))


def test_weights_lie_beside_the_table(simulated):
    from twelvelead.simulate.population import draw_population

    lines = (simulated[0] / "sampling_weight.csv").read_text().splitlines()
    assert lines[0] == "ecg_id,weight"
    expected = [(plan.ecg_id, plan.sampling_weight) for plan in draw_population(40, 1)]
    found = [(int(number), float(weight)) for number, weight in (line.split(",") for line in lines[1:])]
    assert [number for number, _ in found] == [number for number, _ in expected]
    assert [weight for _, weight in found] == pytest.approx([weight for _, weight in expected], abs=1e-6)


@pytest.mark.parametrize(("rate_hz", "folder", "n"), [(100, "records100", 1000), (500, "records500", 5000)])
def test_one_rate_alone_is_the_same_record_at_that_rate(simulated, tmp_path, one_worker, rate_hz, folder, n):
    ingest(tmp_path, rate_hz=rate_hz)
    records = tmp_path / "records"
    both = contents(simulated[0])
    assert {name: data for name, data in contents(records).items() if name.startswith("records")} == {
        name: data for name, data in both.items() if name.startswith(folder)
    }
    frame = read_index(records)
    assert set(frame["n_samples"]) == {n}
    assert set(frame["fs_hz"]) == {float(rate_hz)}
    assert (records / ptbxl.RECORDS).read_text().split() == list(frame["path"])


def test_two_workers_write_the_bytes_of_one(simulated, tmp_path, monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "2")
    ingest(tmp_path)
    assert contents(tmp_path / "records") == contents(simulated[0])


def test_packed_records_are_few_files_and_every_reader_takes_them_as_it_takes_loose_ones(
    simulated, tmp_path, one_worker
):
    from twelvelead.data.wfdb import read_record
    from twelvelead.validation.facts import Listed, facts_of

    ingest(tmp_path, pack=True)
    packed, loose = tmp_path / "records", simulated[0]
    files = sorted(item.relative_to(packed).as_posix() for item in packed.rglob("*") if item.is_file())
    assert [name for name in files if "/" in name] == []
    assert {"records100-000.zip", "records500-000.zip", "index.parquet"} < set(files)
    frame = read_index(packed)
    assert frame.equals(read_index(loose))
    for row in list(frame.itertuples())[:3]:
        assert (
            read_record(packed / row.path).signal_mv.tobytes()
            == read_record(loose / row.path).signal_mv.tobytes()
        )
        listed = Listed(row.record_id, row.path, row.fs_hz, row.n_samples, row.sha256)
        assert facts_of(packed, listed) == facts_of(loose, listed)  # digest and twin are found too


def test_another_seed_gives_other_records(simulated, tmp_path, one_worker):
    ingest(tmp_path, seed=2)
    first = "records500/00000/00001_hr.dat"
    assert (tmp_path / "records" / first).read_bytes() != (simulated[0] / first).read_bytes()


def test_a_killed_ingest_goes_on_to_the_same_bytes(simulated, tmp_path, monkeypatch):
    """Kill -9 after the first chunk; the second run must not make that chunk again."""
    (tmp_path / "p.yaml").write_text("ingest: {records: 40}\n")
    arguments = ["ingest", "--at", str(tmp_path), "--params", str(tmp_path / "p.yaml")]
    command = [sys.executable, "-m", "twelvelead.cli", *arguments]
    environment = {**os.environ, "TWELVELEAD_WORKERS": "1"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 50
    marks = []
    while not marks and process.poll() is None and time.monotonic() < deadline:
        marks = list((tmp_path / ".work").glob("*/chunks/*.json"))
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert marks
    assert not (tmp_path / "records").exists()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / ".work").rglob("*_hr.dat")}
    kept = json.loads(marks[0].read_text())

    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
    ingest(tmp_path)
    assert contents(tmp_path / "records") == contents(simulated[0])
    again = tmp_path / "records" / (kept[0]["row"]["path"] + ".dat")
    assert again.stat().st_mtime_ns == next(time for path, time in done.items() if path.name == again.name)
    assert not any((tmp_path / ".work").iterdir())


def test_work_may_lie_on_another_file_system(simulated, tmp_path, monkeypatch, one_worker):
    def no_links(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    ingest(tmp_path)
    assert contents(tmp_path / "records") == contents(simulated[0])


def test_a_folder_is_copied_to_the_byte_and_absent_rows_are_counted(tmp_path, one_worker, capsys):
    source = write_archive(tmp_path / "source", absent={2, 5, 12})
    (source / "records100/00000/00003_lr.hea").unlink()
    summary = take(tmp_path, source)
    assert (summary["records"], summary["absent"], summary["over_limit"]) == (9, 3, 0)
    assert (summary["without_100_hz"], summary["without_500_hz"]) == (1, 0)
    assert "12 rows in ptbxl_database.csv: 3 without files" in capsys.readouterr().err
    records = tmp_path / "records"
    for name in (records / ptbxl.RECORDS).read_text().split():
        for suffix in (".hea", ".dat"):
            assert (records / (name + suffix)).read_bytes() == (source / (name + suffix)).read_bytes()
    kept = (records / ptbxl.DATABASE).read_text().splitlines()
    given = (source / ptbxl.DATABASE).read_text().splitlines()
    assert kept == [line for line in given if line.split(",")[0] not in {"2", "5", "12"}]


def test_records_caps_a_folder_at_the_first_by_ecg_id(tmp_path, one_worker):
    source = write_archive(tmp_path / "source", folds=[1 + n % 10 for n in range(45)], absent={1})
    summary = take(tmp_path, source, records=40)
    assert (summary["records"], summary["absent"], summary["over_limit"]) == (40, 1, 4)
    assert list(read_index(tmp_path / "records")["record_id"]) == [f"{n:05d}" for n in range(2, 42)]


def test_a_record_at_100_hz_alone_is_indexed_there(tmp_path, one_worker):
    source = write_archive(tmp_path / "source")
    (source / "records500/00000/00004_hr.hea").unlink()
    take(tmp_path, source)
    row = read_index(tmp_path / "records").iloc[3]
    assert (row["path"], row["fs_hz"], row["n_samples"]) == ("records100/00000/00004_lr", 100.0, 1000)


def test_an_unreadable_record_stays_in_the_index_for_validation_to_judge(tmp_path, one_worker):
    source = write_archive(tmp_path / "source")
    (source / "records500/00000/00003_hr.hea").write_text("not a header")
    (source / "records500/00000/00004_hr.dat").unlink()
    take(tmp_path, source)
    frame = read_index(tmp_path / "records").set_index("record_id")
    assert frame.loc["00003", "n_samples"] == 0
    assert (frame.loc["00004", "n_samples"], frame.loc["00004", "sha256"]) == (5000, "")


def test_a_missing_folder_is_a_setup_error(tmp_path):
    with pytest.raises(SetupError, match=r"the folder does not exist(?s:.*)ingest\.path"):
        take(tmp_path, tmp_path / "nowhere")


def test_a_folder_of_something_else_is_told_what_is_expected(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r"no ptbxl_database\.csv here(?s:.*)records500/"):
        take(tmp_path, tmp_path / "photos")


def test_a_table_without_any_record_is_refused(tmp_path):
    source = write_archive(tmp_path / "source", absent=set(range(1, 13)))
    with pytest.raises(DataError, match="none of the 12 records of the table is here"):
        take(tmp_path, source)


@pytest.mark.parametrize(
    ("folder", "code", "words"), [("nowhere", 5, "SetupError"), ("empty", 3, "DataError")]
)
def test_the_command_ends_with_the_exit_code_of_the_fault(tmp_path, monkeypatch, capsys, folder, code, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "params.yaml").write_text(
        f"ingest: {{source: ptb-xl, path: {json.dumps(str(tmp_path / folder))}}}\n"
    )
    arguments = ["ingest", "--at", str(tmp_path / "artifacts"), "--params", str(tmp_path / "params.yaml")]
    monkeypatch.setattr(sys, "argv", ["twelvelead", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert f"twelvelead: {words}: " in capsys.readouterr().err
    assert not (tmp_path / "artifacts/records").exists()
