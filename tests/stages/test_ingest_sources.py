"""PTB-XL out of a bucket, MIMIC-IV-ECG, and folders of anything: the stage from end to end."""

import csv
import hashlib
import json
import shutil

import numpy as np
import pytest
from archive import contents, signal_uv, write_archive

from twelvelead.data import mimic, ptbxl
from twelvelead.data.folds import fold_of_patient
from twelvelead.data.index import read_index
from twelvelead.data.wfdb import read_record, write_record
from twelvelead.ecg.lead import WFDB_LEADS
from twelvelead.errors import DataError, ParamsError, SetupError
from twelvelead.params import parse
from twelvelead.stages.run import run

MIMIC_ORDER = [0, 1, 2, 3, 5, 4, *range(6, 12)]  # I II III aVR aVF aVL V1…V6


@pytest.fixture(autouse=True)
def one_worker(monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")


def ingest(at, **section):
    return run("ingest", {}, at / "records", parse({"ingest": {"records": 40, **section}}, where="test"))


def rejected(at):
    with (at / "records/rejected.csv").open(encoding="utf-8", newline="") as stream:
        return [tuple(row.values()) for row in csv.DictReader(stream)]


def write_sums(folder):
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in contents(folder).items()]
    (folder / "SHA256SUMS.txt").write_text("".join(lines))


def flip(file):
    raw = bytearray(file.read_bytes())
    raw[100] ^= 1
    file.write_bytes(raw)


def kill_after_the_first_chunk(monkeypatch):
    from twelvelead.stages import ingest as stage

    made = []

    def make(chunk, real=stage._make_chunk):
        if made:
            raise KeyboardInterrupt
        made.append(chunk.number)
        return real(chunk)

    monkeypatch.setattr(stage, "_make_chunk", make)


# ── PTB-XL, from a folder


def test_only_the_rate_asked_for_is_taken(tmp_path):
    source = write_archive(tmp_path / "source")
    (source / "records100/00000/00003_lr.hea").unlink()
    summary = ingest(tmp_path, source="ptb-xl", path=str(source), rate_hz=100)
    assert (summary["records"], summary["absent"]) == (11, 1)
    names = set(contents(tmp_path / "records"))
    assert not any(name.startswith("records500") for name in names)
    assert set(read_index(tmp_path / "records")["fs_hz"]) == {100.0}


def test_a_file_that_is_not_the_published_one_is_refused_by_name(tmp_path):
    source = write_archive(tmp_path / "source")
    write_sums(source)
    flip(source / "records500/00000/00002_hr.dat")
    flip(source / "records100/00000/00005_lr.dat")
    summary = ingest(tmp_path, source="ptb-xl", path=str(source))
    assert (summary["records"], summary["rejected"]) == (12, 2)
    assert rejected(tmp_path) == [
        ("00002", "records500/00000/00002_hr.dat", "its SHA-256 is not the one in SHA256SUMS.txt"),
        ("00005", "records100/00000/00005_lr.dat", "its SHA-256 is not the one in SHA256SUMS.txt"),
    ]
    frame = read_index(tmp_path / "records").set_index("record_id")
    assert (frame.loc["00002", "n_samples"], frame.loc["00002", "sha256"]) == (0, "")
    assert frame.loc["00005", "n_samples"] == 5000
    kept = contents(tmp_path / "records")
    assert "records500/00000/00002_hr.hea" not in kept
    assert "records100/00000/00005_lr.dat" not in kept
    assert "records500/00000/00002_hr" not in kept["RECORDS"].decode().split()


def test_a_table_that_is_not_the_published_one_stops_the_stage(tmp_path):
    source = write_archive(tmp_path / "source")
    write_sums(source)
    table = source / ptbxl.DATABASE
    table.write_text(table.read_text().replace("60.0", "61.0", 1))
    with pytest.raises(DataError, match=r"the SHA-256 of ptbxl_database\.csv"):
        ingest(tmp_path, source="ptb-xl", path=str(source))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    source = write_archive(tmp_path / "source")
    (tmp_path / "secret").write_bytes(b"secret")
    (source / "records500/00000/00004_hr.dat").unlink()
    (source / "records500/00000/00004_hr.dat").symlink_to(tmp_path / "secret")
    ingest(tmp_path, source="ptb-xl", path=str(source))
    ((record_id, path, reason),) = rejected(tmp_path)
    assert (record_id, path) == ("00004", "records500/00000/00004_hr.dat")
    assert "link that leads out" in reason
    assert b"secret" not in contents(tmp_path / "records").values()


# ── PTB-XL, from a bucket


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with moto.mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="open")
        yield client


def upload(client, folder, prefix):
    for name, data in contents(folder).items():
        client.put_object(Bucket="open", Key=f"{prefix}/{name}", Body=data, ACL="public-read")


def downloads(monkeypatch):
    from twelvelead.data.storage import Bucket

    names = []
    real = Bucket._download

    def noted(self, name):
        names.append(name)
        real(self, name)

    monkeypatch.setattr(Bucket, "_download", noted)
    return names


def test_a_bucket_gives_the_bytes_of_the_folder(bucket, tmp_path, monkeypatch):
    source = write_archive(tmp_path / "source", absent={3})
    write_sums(source)
    upload(bucket, source, "ptb-xl/1.0.3")
    names = downloads(monkeypatch)
    by_folder = ingest(tmp_path / "a", source="ptb-xl", path=str(source), rate_hz=100)
    by_bucket = ingest(
        tmp_path / "b", source="ptb-xl", path="s3://open/ptb-xl/1.0.3/", rate_hz=100, anonymous=True
    )
    assert by_bucket == by_folder
    left, right = (contents(tmp_path / at / "records") for at in "ab")
    assert {**left, "lineage.json": b""} == {**right, "lineage.json": b""}
    assert len(names) == len(set(names)) == 2 * 11 + 2  # records at 100 Hz, table and checksums; nothing else
    assert not any("records500" in name for name in names)
    assert not any((tmp_path / "b/.work").iterdir())


def test_a_killed_download_goes_on(bucket, tmp_path, monkeypatch):
    source = write_archive(tmp_path / "source", folds=[1 + n % 10 for n in range(30)], low=False)
    upload(bucket, source, "px")
    whole = ingest(tmp_path / "a", source="ptb-xl", path=str(source))
    from twelvelead.data.storage import Bucket

    real = Bucket._download

    def breaks(self, name):
        if "00021" in name:
            raise KeyboardInterrupt
        real(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "_download", breaks)
        with pytest.raises(KeyboardInterrupt):
            ingest(tmp_path / "b", source="ptb-xl", path="s3://open/px")
    assert not (tmp_path / "b/records").exists()
    there = {file.name for file in (tmp_path / "b/.work").rglob("*.dat")}
    assert there
    names = downloads(monkeypatch)
    with monkeypatch.context() as patch:
        kill_after_the_first_chunk(patch)
        with pytest.raises(KeyboardInterrupt):
            ingest(tmp_path / "b", source="ptb-xl", path="s3://open/px")
    assert not {name.rpartition("/")[2] for name in names} & there
    names.clear()
    assert ingest(tmp_path / "b", source="ptb-xl", path="s3://open/px") == whole
    assert names == []
    left, right = (contents(tmp_path / at / "records") for at in "ab")
    assert {**left, "lineage.json": b""} == {**right, "lineage.json": b""}


def test_a_wrong_object_is_fetched_twice_then_refused(bucket, tmp_path, monkeypatch):
    source = write_archive(tmp_path / "source", low=False)
    write_sums(source)
    flip(source / "records500/00000/00007_hr.dat")
    upload(bucket, source, "px")
    names = downloads(monkeypatch)
    summary = ingest(tmp_path, source="ptb-xl", path="s3://open/px")
    assert names.count("records500/00000/00007_hr.dat") == 2
    assert summary["rejected"] == 1
    assert rejected(tmp_path)[0][:2] == ("00007", "records500/00000/00007_hr.dat")
    assert len(read_index(tmp_path / "records")) == 12


def test_an_unreachable_bucket_is_a_setup_error(bucket, tmp_path):
    with pytest.raises(SetupError, match="S3 cannot be read"):
        ingest(tmp_path, source="ptb-xl", path="s3://elsewhere/px")


# ── MIMIC-IV-ECG


def write_mimic(folder, studies=30, absent=()):
    rows, reports = [], []
    for n in range(studies):
        subject, study = 10_000_000 + n // 2, 40_000_000 + n
        path = f"files/p{subject // 10_000}/p{subject}/s{study}/{study}"
        rows.append(f"{subject},{study},{study},2180-01-01 00:00:00,{path}")
        lines = ["Sinus rhythm", "Possible inferior infarct", "Abnormal ECG"]
        reports.append(f"{subject},{study},7,2180-01-01 00:00:00," + ",".join(lines + [""] * 15))
        if n in absent:
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_record(folder / path, signal_uv(n)[:, MIMIC_ORDER], 500, [(200.0, 0)] * 12)
        header = (folder / f"{path}.hea").read_text().splitlines()
        named = [f"{line.rpartition(' ')[0]} {WFDB_LEADS[place]}"
                 for line, place in zip(header[1:], MIMIC_ORDER, strict=True)]  # fmt: skip
        (folder / f"{path}.hea").write_text("\n".join([header[0], *named]) + "\n")
    columns = "subject_id,study_id,file_name,ecg_time,path"
    (folder / mimic.RECORD_LIST).write_text("\n".join([columns, *rows]) + "\n")
    columns = "subject_id,study_id,cart_id,ecg_time," + ",".join(mimic.REPORT_LINES)
    (folder / mimic.MEASUREMENTS).write_text("\n".join([columns, *reports]) + "\n")
    return folder


def test_mimic_is_taken_in_its_own_layout(tmp_path):
    source = write_mimic(tmp_path / "source", absent={4})
    summary = ingest(tmp_path, source="mimic-iv-ecg", path=str(source))
    assert (summary["records"], summary["patients"], summary["absent"]) == (29, 15, 1)
    assert summary["report_lines_without_statement"] == 29
    frame = read_index(tmp_path / "records")
    assert set(frame["source"]) == {"mimic-iv-ecg"}
    assert list(frame["fold"]) == [fold_of_patient(name) for name in frame["patient_id"]]
    assert frame.groupby("patient_id")["fold"].nunique().max() == 1
    row = frame.iloc[0]
    assert [tuple(cell.values()) for cell in row["statements"]] == [("SR", 0.0), ("IMI", 50.0)]
    assert row["report"] == "Sinus rhythm. Possible inferior infarct. Abnormal ECG."
    record = read_record(tmp_path / "records" / row["path"])
    assert np.array_equal(record.signal_mv, (signal_uv(0).T / 200).astype(np.float32))  # leads put right
    for path in frame["path"]:
        for suffix in (".hea", ".dat"):
            assert (tmp_path / "records" / (path + suffix)).read_bytes() == (
                source / (path + suffix)
            ).read_bytes()


def test_mimic_from_a_bucket_looks_no_further_than_needed(bucket, tmp_path, monkeypatch):
    source = write_mimic(tmp_path / "source", studies=50)
    upload(bucket, source, "m")
    names = downloads(monkeypatch)
    summary = ingest(tmp_path, source="mimic-iv-ecg", path="s3://open/m")
    assert (summary["records"], summary["over_limit"]) == (40, 10)
    assert len([name for name in names if name.startswith("files/")]) == 80


def test_a_folder_without_mimics_tables_is_told_what_is_expected(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(DataError, match=r"no record_list\.csv and no machine_measurements\.csv"):
        ingest(tmp_path, source="mimic-iv-ecg", path=str(tmp_path / "x"))


# ── any folder


def write_folder(folder, records=30):
    for number in range(records):
        name = f"s{number % 3}/r{number:02d}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_record(folder / name, signal_uv(number), 500)
        with (folder / f"{name}.hea").open("a") as header:
            header.write(f"# Age: {40 + number}\n# Sex: Male\n# Dx: 426783006,39732003\n")
    (folder / "labels.csv").write_text("record,fold\ns0/r00,10\n")
    return folder


def test_a_folder_is_taken_with_its_codes_and_what_is_bad_is_told(tmp_path):
    source = write_folder(tmp_path / "cohort")
    (source / "s1/r04.dat").unlink()
    summary = ingest(tmp_path, source="folder", path=str(source))
    assert (summary["records"], summary["rejected"], summary["statements"]) == (30, 1, 30)
    assert summary["most_unmapped_codes"] == {"39732003": 30}
    assert rejected(tmp_path) == [("s1/r04", "s1/r04.hea", "the signal file r04.dat is missing")]
    frame = read_index(tmp_path / "records").set_index("record_id")
    assert set(frame["source"]) == {"folder:cohort"}
    assert frame.loc["s0/r00", "fold"] == 10
    assert frame.loc["s1/r01", "fold"] == fold_of_patient("s1/r01")
    assert (frame.loc["s1/r04", "n_samples"], frame.loc["s1/r04", "path"]) == (0, "records/s1/r04")
    assert (tmp_path / "records/RECORDS").read_text().split() == [
        row.path for row in frame.itertuples() if row.n_samples
    ]


def test_a_folder_in_a_bucket_gives_the_same_records(bucket, tmp_path):
    source = write_folder(tmp_path / "cohort")
    upload(bucket, source, "cohort")
    ingest(tmp_path / "a", source="folder", path=str(source))
    ingest(tmp_path / "b", source="folder", path="s3://open/cohort")
    left, right = (contents(tmp_path / at / "records") for at in "ab")
    assert {**left, "lineage.json": b""} == {**right, "lineage.json": b""}


@pytest.mark.parametrize("source", ["folder", "mimic-iv-ecg"])
def test_a_killed_copy_goes_on_to_the_same_bytes_with_any_number_of_workers(tmp_path, monkeypatch, source):
    folder = (write_folder if source == "folder" else write_mimic)(tmp_path / "cohort")
    ingest(tmp_path / "a", source=source, path=str(folder))
    with monkeypatch.context() as patch:
        kill_after_the_first_chunk(patch)
        with pytest.raises(KeyboardInterrupt):
            ingest(tmp_path / "b", source=source, path=str(folder))
    monkeypatch.setenv("TWELVELEAD_WORKERS", "2")
    ingest(tmp_path / "b", source=source, path=str(folder))
    assert contents(tmp_path / "a/records") == contents(tmp_path / "b/records")


def test_the_source_is_never_written_to_nor_linked(tmp_path):
    source = write_folder(tmp_path / "cohort")
    before = contents(source)
    ingest(tmp_path, source="folder", path=str(source))
    copy = tmp_path / "records/records/s0/r00.dat"
    assert copy.stat().st_ino != (source / "s0/r00.dat").stat().st_ino
    shutil.rmtree(tmp_path / "records")
    assert contents(source) == before


# ── params


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"source": "folder"}, "path is needed"),
        ({"source": "simulate", "path": "x"}, "path must be empty"),
        ({"source": "mimic-iv-ecg", "path": "x", "rate_hz": 100}, "rate_hz must be 0"),
        ({"source": "ptb-xl", "path": "x", "rate_hz": 250}, "rate_hz"),
        ({"source": "ptb-xl", "path": "x", "prevalence": "natural"}, "prevalence is of simulated records"),
        ({"source": "ptb-xl", "path": "x", "anonymous": True}, "anonymous is for an s3:// path"),
    ],
)
def test_params_that_do_not_fit_the_source_are_refused(section, words):
    with pytest.raises(ParamsError, match=words):
        parse({"ingest": section}, where="test")


def test_params_from_before_still_load():
    old = {"source": "ptb-xl", "path": "x", "records": 100, "seed": 3}
    assert json.loads(parse({"ingest": old}, where="test").ingest.model_dump_json()) == {
        **old, "rate_hz": 0, "prevalence": "auto", "anonymous": False, "pack": False,
    }  # fmt: skip
