import hashlib

import numpy as np
import pytest
from archive import signal_uv

from twelvelead.data.archive import Folder
from twelvelead.data.comments import Note
from twelvelead.data.folder import adopt, find_records
from twelvelead.data.wfdb import library, read_record, write_record
from twelvelead.ecg.lead import LEADS, WFDB_LEADS
from twelvelead.errors import DataError

SIGNAL_UV = signal_uv(1, n=1000)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


def record(root, name, samples=SIGNAL_UV, fs_hz=500, comments="", change=lambda text: text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, samples, fs_hz)
    header = path.with_name(path.name + ".hea")
    header.write_text(change(header.read_text()) + comments)
    return path


def bring(root, notes=None, sums=None):
    found = find_records(Folder(root), notes or {})
    return {item.record_id: adopt(item, root, sums or {}, root.parent / "out", link=False) for item in found}


def read(root, taken):
    return read_record(root.parent / "out" / taken.row["path"])


def test_a_record_like_ptbxls_is_copied_to_the_byte(root):
    path = record(root, "a/r1", comments="# Age: 61\n# Sex: M\n# Dx: 426783006,39732003\n")
    taken = bring(root)["a/r1"]
    for suffix in (".hea", ".dat"):
        assert (root.parent / f"out/records/a/r1{suffix}").read_bytes() == path.with_suffix(
            suffix
        ).read_bytes()
    row = taken.row
    assert (row["age"], row["sex"], row["fs_hz"], row["n_samples"]) == (61, "male", 500, 1000)
    assert row["statements"] == [{"code": "SR", "likelihood": 0.0}]
    assert row["other_codes"] == ["39732003"]
    assert row["sha256"] == hashlib.sha256(SIGNAL_UV.tobytes()).hexdigest()
    assert (row["patient_id"], taken.paths, taken.refused) == ("a/r1", ("records/a/r1",), ())


def test_leads_in_any_order_and_spelling_come_out_in_ours_value_for_value(root):
    order = [3, 0, 7, 1, 2, 5, 4, 11, 10, 9, 8, 6]
    spelled = {old: f"Lead {LEADS[new].lower()}" for old, new in zip(WFDB_LEADS, order, strict=True)}

    def rename(text):
        lines = text.splitlines()
        return "\n".join([lines[0], *(f"{line.rpartition(' ')[0]} {spelled[line.rpartition(' ')[2]]}"
                                      for line in lines[1:])]) + "\n"  # fmt: skip

    record(root, "r", SIGNAL_UV[:, order], change=rename)
    assert np.array_equal(np.rint(read(root, bring(root)["r"]).signal_mv * 1000), SIGNAL_UV.T)


@pytest.mark.parametrize(
    ("gain", "mv"), [("1(0)/uV", 0.001), ("1000000/V", 0.001), ("2000(5)/mV", 0.0005), ("100/mV", 0.01)]
)
def test_any_unit_and_gain_keeps_its_numbers(root, gain, mv):
    zero = 5 if "(5)" in gain else 0
    reordered = SIGNAL_UV[:, ::-1]
    names = dict(zip(WFDB_LEADS, WFDB_LEADS[::-1], strict=True))

    def change(text):
        lines = text.replace("1000.0(0)/mV", gain).splitlines()
        return "\n".join(
            [lines[0], *(f"{a} {names[b]}" for a, _, b in (x.rpartition(" ") for x in lines[1:]))]
        )

    record(root, "r", reordered, change=change)
    taken = bring(root)["r"]
    assert np.allclose(read(root, taken).signal_mv, (SIGNAL_UV.T - zero) * mv, rtol=1e-6, atol=1e-7)
    stored = np.fromfile(root.parent / "out/records/r.dat", dtype="<i2").reshape(-1, 12)
    assert np.array_equal(stored, SIGNAL_UV)


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas 3.1, inside wfdb.wrsamp
@pytest.mark.parametrize("format", ["212", "24", "32"])
def test_other_formats_are_converted_value_for_value(root, format):
    samples = SIGNAL_UV.astype(np.int64) // (8 if format == "212" else 1)
    library().wrsamp(
        "r", 360, ["mV"] * 12, list(WFDB_LEADS), d_signal=samples, fmt=[format] * 12, adc_gain=[800.0] * 12,
        baseline=[0] * 12, write_dir=str(root),
    )  # fmt: skip
    taken = bring(root)["r"]
    assert (taken.row["fs_hz"], taken.refused) == (360, ())
    assert " 16 800.0(0)/mV" in (root.parent / "out/records/r.hea").read_text()
    assert np.array_equal(np.rint(read(root, taken).signal_mv * 800), samples.T)


def test_long_records_and_odd_rates_are_kept_as_they_are(root):
    record(root, "r", signal_uv(2, n=27_157), 500)
    record(root, "s", signal_uv(3, n=2570), 257)
    taken = bring(root)
    assert taken["r"].row["n_samples"] == 27_157
    assert (taken["s"].row["fs_hz"], taken["s"].row["n_samples"]) == (257, 2570)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text.replace("r.dat", "../r.dat"), "outside its folder"),
        (lambda text: text.replace("r.dat", "/etc/passwd"), "outside its folder"),
        (lambda text: text.replace(" II\n", " MLII\n"), "without lead II"),
        (lambda text: text.replace("/mV", "/bpm"), "is no voltage"),
        (lambda text: text.replace("12 500 1000", "12 500 999"), "its header promises 23976"),
        (lambda text: "", "malformed"),
        (lambda text: text.replace("r.dat", "gone.dat"), "gone.dat is missing"),
    ],
)
def test_what_cannot_be_read_is_indexed_and_refused_with_its_reason(root, damage, words):
    record(root, "good")
    record(root, "r", change=damage)
    taken = bring(root)
    assert taken["good"].refused == ()
    bad = taken["r"]
    assert (bad.row["n_samples"], bad.row["sha256"], bad.paths) == (0, "", ())
    assert [(refusal.record_id, refusal.path) for refusal in bad.refused] == [("r", "r.hea")]
    assert words in bad.refused[0].reason
    assert not (root.parent / "out/records/r.dat").exists()


def test_links_out_of_the_tree_are_refused(root):
    record(root.parent, "secret")
    record(root, "r")
    (root / "r.dat").unlink()
    (root / "r.dat").symlink_to("../secret.dat")
    (root / "s.hea").symlink_to("../secret.hea")
    taken = bring(root)
    assert all("link that leads out" in taken[name].refused[0].reason for name in ("r", "s"))


def test_a_file_that_is_not_the_published_one_is_refused_by_name(root):
    record(root, "a/r")
    record(root, "a/s")
    digests = {
        f"a/{n}": hashlib.sha256((root / "a" / n).read_bytes()).hexdigest() for n in ("r.hea", "r.dat")
    }
    taken = bring(root, sums={**digests, "a/s.dat": "0" * 64})
    assert taken["a/r"].refused == ()
    assert "the SHA-256 of a/s.dat is not the one" in taken["a/s"].refused[0].reason


def test_the_table_leads_and_the_header_completes_it(root):
    record(root, "x/r", comments="# Age: 50\n# Sex: F\n# Dx: 59118001\nnot a comment\n# Some words.\n")
    notes = {"r": Note(age=51, codes=("IMI",), likelihoods={"IMI": 15.0}, patient_id="p", fold=9)}
    row = bring(root, notes)["x/r"].row
    assert (row["age"], row["sex"], row["patient_id"], row["fold"]) == (51, "female", "p", 9)
    assert row["statements"] == [{"code": "IMI", "likelihood": 15.0}, {"code": "CRBBB", "likelihood": 100.0}]
    assert row["report"] == "Some words."


def test_a_patients_folder_names_the_patient(root):
    record(root, "patient001/a")
    record(root, "patient001/b")
    rows = [taken.row for taken in bring(root).values()]
    assert {(row["patient_id"], row["fold"]) for row in rows} == {("patient001", rows[0]["fold"])}


def test_ids_are_unique_and_fit_a_header(root):
    (root / "A 1").mkdir()
    for name in ("A 1/x.dcm", "A_1/x.dcm", "e.1.dcm"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    record(root, "e")
    record(root, "f")
    (root / "f.dcm").write_bytes(b"")
    assert [item.record_id for item in find_records(Folder(root), {})] == [
        "A_1/x", "A_1/x-2", "e_1", "e", "f", "f-2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("readme.txt", "no .hea and no .dcm"),
        ("ptbxl_database.csv", "ptb-xl"),
        ("record_list.csv", "mimic-iv-ecg"),
    ],
)
def test_a_folder_of_something_else_says_what_to_do(root, name, words):
    (root / name).touch()
    with pytest.raises(DataError, match=words):
        find_records(Folder(root), {})
