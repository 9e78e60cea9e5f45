"""Fault injection: one archive in which every other record has one named fault, and what must be said of it.

Each fault is found by its own code, the record it hit is quarantined or flagged as the table says, and no
healthy record is touched. Faults of the whole set, which end the run with exit code 3, come last.
"""

import csv
import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
import pytest
from archive import FOLDS, signal_uv, write_archive

from twelvelead.data import ptbxl
from twelvelead.data.index import read_index
from twelvelead.data.wfdb import write_record
from twelvelead.ecg.lead import derive_limb
from twelvelead.errors import DataError, LeakageError
from twelvelead.params import parse
from twelvelead.stages.run import run

HELD, FLAGGED, ABSENT = "quarantined", "flagged", "absent"
HEALTHY = 24
T_S = np.arange(5000) / 500


@dataclass(frozen=True)
class Fault:
    name: str
    code: str
    becomes: str
    words: str
    files: Callable | None = None  # (source, ecg_id): before ingest
    cells: Callable | None = None  # (cells) of its table row: before ingest
    rows: Callable | None = None  # (cells) → further rows of the table
    later: Callable | None = None  # (records, ecg_id): after ingest


def place(folder, ecg_id, rate):
    return folder / f"records{rate}/00000/{ecg_id:05d}_{'hr' if rate == 500 else 'lr'}"


def samples(change):
    """Both files get the record's signal, changed: f((12, n) in mV) → (12, n)."""

    def damage(folder, ecg_id):
        store(folder, ecg_id, change(signal_uv(ecg_id).T / 1000.0))

    return damage


def store(folder, ecg_id, signal_mv, rates=(500, 100)):
    raw = np.rint(np.where(np.isnan(signal_mv), -32.768, signal_mv) * 1000).astype(np.int16).T
    for rate in rates:
        if rate == 100:
            n = len(raw) // 5
            means = np.rint(raw[: n * 5].reshape(n, 5, 12).mean(axis=1)).astype(np.int16)
            low = np.where((raw[: n * 5].reshape(n, 5, 12) == -32768).any(axis=1), -32768, means)
        write_record(place(folder, ecg_id, rate), raw if rate == 500 else low.astype(np.int16), rate)


def header(old, new, rates=(500,)):
    """Text of the header replaced, wherever it occurs."""

    def damage(folder, ecg_id):
        for rate in rates:
            file = place(folder, ecg_id, rate).with_suffix(".hea")
            text = file.read_text()
            assert old in text
            file.write_text(text.replace(old, new))

    return damage


def elsewhere(folder_name):
    def damage(folder, ecg_id):
        header(f"{ecg_id:05d}_hr.dat", f"{folder_name}{ecg_id:05d}_hr.dat")(folder, ecg_id)

    return damage


def data(change):
    def damage(folder, ecg_id):
        file = place(folder, ecg_id, 500).with_suffix(".dat")
        content = change(file.read_bytes())
        file.unlink() if content is None else file.write_bytes(content)

    return damage


def flip_a_byte(content):
    return content[:5000] + bytes([content[5000] ^ 64]) + content[5001:]


def without_headers(folder, ecg_id):
    for rate in (500, 100):
        place(folder, ecg_id, rate).with_suffix(".hea").unlink()


def garbage(folder, ecg_id):
    place(folder, ecg_id, 500).with_suffix(".hea").write_bytes(bytes(range(256)) * 4)


def wrong_checksum(folder, ecg_id):
    file = place(folder, ecg_id, 500).with_suffix(".hea")
    lines = file.read_text().splitlines()
    fields = lines[1].split()
    fields[6] = str((int(fields[6]) + 1) % 65536)
    file.write_text("\n".join([lines[0], " ".join(fields), *lines[2:]]) + "\n")


def lead_twice(folder, ecg_id):
    """A thirteenth channel that is called V6 again."""
    file = place(folder, ecg_id, 500).with_suffix(".hea")
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0].replace(" 12 ", " 13 "), *lines[1:], lines[-1]]) + "\n")


def lead(number, value):
    """One lead set to a value or to f(lead)."""

    def change(signal):
        signal[number] = value(signal[number]) if callable(value) else value
        return signal

    return samples(change)


def part(slices, value):
    def change(signal):
        signal[slices] = value
        return signal

    return samples(change)


def at_most(value):
    return lambda lead_mv: np.minimum(lead_mv, value)


def gap(begin, end):
    return part((slice(None), slice(begin, end)), np.nan)


def exchanged(one, other):
    def change(signal):
        signal[[one, other]] = signal[[other, one]]
        return signal

    return samples(change)


def electrodes(limb):
    """The limb electrodes in other places: f(I, II, III) → what is recorded as I and II."""

    def change(signal):
        i, ii = limb(*signal[:3])
        return np.stack([i, ii, *derive_limb(i, ii), *signal[6:]])

    return samples(change)


def added(curve, rows=slice(0, 12)):
    """A disturbance of all electrodes of some leads, so that the limb leads still add up."""

    def change(signal):
        i, ii, chest = signal[0] + curve, signal[1] + curve, signal[6:] + curve
        return np.stack([i, ii, *derive_limb(i, ii), *chest])

    return samples(change)


def other_low_rate(folder, ecg_id):
    store(folder, ecg_id, signal_uv(ecg_id + 3).T / 1000.0, rates=(100,))


def small_low_rate(folder, ecg_id):
    store(folder, ecg_id, signal_uv(ecg_id).T / 2000.0, rates=(100,))


def truncated_low_rate(folder, ecg_id):
    file = place(folder, ecg_id, 100).with_suffix(".dat")
    file.write_bytes(file.read_bytes()[:-2])


def copy_of(number):
    def damage(folder, ecg_id):
        store(folder, ecg_id, signal_uv(number).T / 1000.0)

    return damage


def other_samples_later(folder, ecg_id):
    store(folder, ecg_id, signal_uv(ecg_id).T / 1000.0 + 0.01, rates=(500,))


def shorter_later(folder, ecg_id):
    file = place(folder, ecg_id, 500)
    write_record(file, signal_uv(ecg_id)[:4800], 500)


def sine(hz, mv):
    return mv * np.sin(2 * np.pi * hz * T_S + 0.4)


def muscle(mv):
    noise = np.random.default_rng(5).normal(0, 1, 5000)
    spectrum = np.fft.rfft(noise)
    f_hz = np.fft.rfftfreq(5000, 1 / 500)
    band = np.fft.irfft(np.where((f_hz > 70) & (f_hz < 140), spectrum, 0), 5000)
    return mv * band / band.std()


def scaled(signal):
    return signal / np.ptp(signal, axis=1, keepdims=True)


def v5_twice(signal):
    return signal[[*range(11), 10]]


def labelled(**likelihoods):
    return cell(scp_codes=likelihoods)


def recorded(text):
    return cell(recording_date=text)


def cell(**values):
    return lambda cells: {**cells, **values}


SHORT = samples(lambda signal: signal[:, :2500])
FAULTS = [
    # --- files
    Fault("truncated .dat", "unreadable", HELD, "holds 60000 bytes of samples", data(lambda c: c[:60_000])),
    Fault("zero-byte .dat", "unreadable", HELD, "holds 0 bytes", data(lambda c: b"")),
    Fault("missing .dat", "unreadable", HELD, "_hr.dat is missing", data(lambda c: None)),
    Fault("missing .hea", "", ABSENT, "", without_headers),
    Fault("bit rot", "unreadable", HELD, "checksum of lead", data(flip_a_byte)),
    Fault("wrong checksum", "unreadable", HELD, "checksum of lead I ", wrong_checksum),
    Fault("binary garbage in header", "unreadable", HELD, "header", garbage),
    Fault("path traversal in header", "unreadable", HELD, "outside its folder", elsewhere("../../")),
    Fault("absolute path in header", "unreadable", HELD, "outside its folder", elsewhere("/etc/")),
    Fault("sample count lies", "unreadable", HELD, "promises 144000", header(" 5000\n", " 6000\n")),
    Fault("header rate lies", "header_rate", HELD, "250 Hz in a folder of 500", header(" 500 ", " 250 ")),
    Fault("header gain lies tenfold", "rates_gain", HELD, "0.1", header("1000.0(0)", "100.0(0)")),
    Fault(
        "gain lies at both rates", "gain_high", HELD, "is the gain wrong?",
        header("1000.0(0)", "100.0(0)", (500, 100)),
    ),
    Fault(
        "gain ten times too low", "gain_low", FLAGGED, "is the gain wrong?",
        header("1000.0(0)", "10000.0(0)", (500, 100)),
    ),
    Fault("mV taken for V", "amplitude", HELD, "20 mV is not", header("(0)/mV", "(0)/V", (500, 100))),
    Fault("µV taken for mV", "flat_leads", HELD, "12 leads", header("(0)/mV", "(0)/uV", (500, 100))),
    Fault("unit that is no voltage", "unreadable", HELD, "mmHg", header("(0)/mV", "(0)/mmHg")),
    Fault("lead missing", "unreadable", HELD, "without lead V6", header(" V6", " X9")),
    Fault("lead name twice", "unreadable", HELD, "lead V6 occurs more than once", lead_twice),
    # --- samples
    Fault("too short", "short", HELD, "5.00 s long", SHORT),
    Fault("gap in all leads", "gaps", HELD, "10.0% of the samples", gap(0, 500)),
    Fault("lead without a sample", "gaps", HELD, "8.3%", lead(9, np.nan)),
    Fault("short gap", "gap", FLAGGED, "0.42%", part((3, slice(900, 1150)), np.nan)),
    Fault("flat lead", "flat_lead", FLAGGED, "1 lead(s)", lead(8, 0.0)),
    Fault("two flat leads", "flat_lead", FLAGGED, "2 lead(s)", part((slice(8, 10),), 0.0)),
    Fault("three flat leads", "flat_leads", HELD, "3 leads without signal", part((slice(8, 11),), 0.0)),
    Fault("saturated lead", "clipped", FLAGGED, "samples are clipped", lead(11, at_most(0.15))),
    Fault("lead off for a while", "still", FLAGGED, "3.0 s", part((7, slice(2000, 3500)), 0.1)),
    Fault("lead copied over another", "same_leads", FLAGGED, "1 pair", samples(v5_twice)),
    Fault("scaled by lead", "scaled", FLAGGED, "no millivolts", samples(scaled)),
    Fault("constant offset", "offset", FLAGGED, "3.0", added(3.0)),
    Fault("step", "step", FLAGGED, "jumps by", added(np.where(T_S < 5, -2.0, 2.0))),
    Fault("mains 50 Hz", "mains", FLAGGED, "mains hum", added(sine(50, 0.2))),
    Fault("mains 60 Hz", "mains", FLAGGED, "mains hum", added(sine(60, 0.2))),
    Fault("wander", "wander", FLAGGED, "baseline wander", added(sine(0.2, 2.5))),
    Fault("muscle noise", "muscle", FLAGGED, "60-150 Hz", added(muscle(0.2))),
    # --- electrodes
    Fault("RA/LA reversed", "limb_reversal", FLAGGED, "left arm", electrodes(lambda i, ii, iii: (-i, iii))),
    Fault("RA/LL reversed", "limb_reversal", FLAGGED, "left leg", electrodes(lambda i, ii, iii: (-iii, -ii))),
    Fault("V1 and V6 swapped", "chest_swap", FLAGGED, "V1 and V6", exchanged(6, 11)),
    Fault("chest lead upside down", "chest_swap", FLAGGED, "V5 seems upside down", lead(10, lambda x: -x)),
    Fault("limb lead upside down", "einthoven", HELD, "|II - I - III|", lead(0, lambda x: 0.5 - x)),
    Fault("lead I replaced", "einthoven", HELD, "|II - I - III|", lead(0, lambda x: x + sine(1, 1.0))),
    Fault("aVR replaced", "goldberger", HELD, "aVR, aVL or aVF", lead(3, lambda x: x + sine(1, 1.0))),
    # --- both rates
    Fault("another 100 Hz file", "rates_differ", HELD, "different signals", other_low_rate),
    Fault("100 Hz file of half size", "rates_gain", HELD, "0.5", small_low_rate),
    Fault("100 Hz file truncated", "rates_unreadable", FLAGGED, "other rate", truncated_low_rate),
    # --- identity
    Fault("signal of another patient", "signal_two_patients", HELD, "but the samples of", copy_of(900)),
    Fault("that other patient", "signal_two_patients", HELD, "but the samples of", copy_of(900)),
    Fault(
        "files of another record", "path_mismatch", HELD, "those of record 00001",
        cells=cell(filename_hr="records500/00000/00001_hr", filename_lr="records100/00000/00001_lr"),
    ),
    Fault("samples exchanged later", "changed", HELD, "SHA-256 differs", later=other_samples_later),
    Fault("record cut later", "header_index", HELD, "the index says 500 Hz and 5000", later=shorter_later),
    Fault("row twice", "row_twice", HELD, "listed 2 times; the first is kept", rows=lambda cells: [cells]),
    Fault(
        "row twice, other labels", "rows_differ", HELD, "listed 2 times, differently",
        rows=lambda cells: [{**cells, "scp_codes": "{'CLBBB': 100.0}"}],
    ),
    # --- labels
    Fault("label typo", "statement_unknown", HELD, "did you mean CLBBB?", cells=labelled(CLBB=100)),
    Fault("label of nothing", "statement_unknown", HELD, "statement 'XYZQ'", cells=labelled(XYZQ=0)),
    Fault("no label", "no_statement", FLAGGED, "none of the 71", cells=labelled()),
    Fault("likelihood 150", "likelihood_range", FLAGGED, "SR 150", cells=labelled(SR=150.0)),
    Fault("likelihood -1", "likelihood_range", FLAGGED, "SR -1", cells=labelled(SR=-1)),
    Fault(
        "normal with infarct", "labels_contradict", FLAGGED, "NORM with IMI",
        cells=labelled(NORM=100.0, IMI=100.0),
    ),
    Fault("fold 11", "fold_range", HELD, "fold 11", cells=cell(strat_fold=11)),
    Fault("fold 0", "fold_range", HELD, "fold 0", cells=cell(strat_fold=0)),
    # --- people, dates, reports
    Fault("age -5", "age_range", FLAGGED, "age -5", cells=cell(age=-5.0)),
    Fault("age 150", "age_range", FLAGGED, "age 150", cells=cell(age=150.0)),
    Fault("NaN age", "age_unknown", FLAGGED, "no age", cells=cell(age="nan")),
    Fault("sex 3", "sex_code", FLAGGED, "sex '3'", cells=cell(sex=3)),
    Fault("no patient", "patient_unknown", FLAGGED, "no patient", cells=cell(patient_id="")),
    Fault("future date", "date_future", FLAGGED, "yet to come", cells=recorded("2999-01-01 00:00:00")),
    Fault("date of another form", "date_format", FLAGGED, "'1.2.1990'", cells=recorded("1.2.1990")),
    Fault("empty report", "report_empty", FLAGGED, "report is empty", cells=cell(report=" ")),
    Fault("mojibake", "report_garbled", FLAGGED, "ischÃ¤mie", cells=cell(report="ischÃ¤mie")),
    Fault("lost characters", "report_garbled", FLAGGED, "isch�mie", cells=cell(report="isch�mie")),
    Fault("another sex elsewhere", "patient_story", FLAGGED, "but patient", cells=None),
    Fault("younger with the years", "patient_story", FLAGGED, "in 10.0 since", cells=None),
]  # fmt: skip
FIRST = HEALTHY + 1
IDS = {fault.name: f"{FIRST + number:05d}" for number, fault in enumerate(FAULTS)}


def people(rows):
    """Faults that need a second recording of the same patient: healthy ones lend theirs."""

    def row(name):
        return rows[int(IDS[name]) - 1]

    host, host2, host3, twin = rows[0], rows[1], rows[2], row("another sex elsewhere")
    for number, other in enumerate((host, host2)):
        other.update(patient_id=host["patient_id"], strat_fold=1, sex=0, age=60.0,
                     recording_date=f"199{number}-01-01 00:00:00")  # fmt: skip
    twin.update(patient_id=host["patient_id"], strat_fold=1, sex=1, age=60.0)
    host3.update(recording_date="1980-01-01 00:00:00", age=60.0)
    row("younger with the years").update(
        patient_id=host3["patient_id"], strat_fold=host3["strat_fold"], sex=host3["sex"],
        recording_date="1990-01-01 00:00:00", age=50.0,
    )  # fmt: skip


def read_rows(source):
    with (source / ptbxl.DATABASE).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_rows(source, rows):
    (source / ptbxl.DATABASE).write_text(
        ptbxl.HEADER + "".join(map(ptbxl.format_row, rows)), encoding="utf-8"
    )


def take(at, source):
    tree = parse({"ingest": {"source": "ptb-xl", "path": str(source), "records": 1000}}, where="test")
    return run("ingest", {}, at / "records", tree)


def refused(at, source):
    try:
        take(at, source)
    except DataError as fault:
        return str(fault)
    return ""


def judge(at, **section):
    section = {"min_train_positives": 1, "max_quarantined_share": 0.9, **section}
    tree = parse({"validate": section}, where="test")
    return run("validate", {"records": at / "records"}, at / "validation", tree)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    at = tmp_path_factory.mktemp("faults")
    folds = list(itertools.islice(itertools.cycle(FOLDS), HEALTHY + len(FAULTS)))
    source = write_archive(at / "source", folds=folds)
    rows = read_rows(source)
    more = []
    for fault, cells in zip(FAULTS, rows[HEALTHY:], strict=True):
        if fault.files:
            fault.files(source, int(cells["ecg_id"]))
        cells.update(fault.cells(cells) if fault.cells else {})
        more += fault.rows(cells) if fault.rows else []
    people(rows)
    write_rows(source, rows + more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWELVELEAD_WORKERS", "1")
        taken = take(at, source)
        for fault in FAULTS:
            if fault.later:
                fault.later(at / "records", int(IDS[fault.name]))
        summary = judge(at)
    held, flagged = (
        {row["record_id"]: row for row in pq.read_table(at / f"validation/{name}.parquet").to_pylist()}
        for name in ("quarantine", "warnings")
    )
    return taken, summary, held, flagged, read_index(at / "validation")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_is_found_by_name(outcome, fault):
    taken, _, held, flagged, frame = outcome
    record_id = IDS[fault.name]
    if fault.becomes == ABSENT:
        assert record_id not in set(frame["record_id"])
        assert taken["absent"] == 1
        return
    found = (held if fault.becomes == HELD else flagged).get(record_id)
    assert found, f"record {record_id} is not {fault.becomes}"
    said = dict(zip(found["codes"], found["reasons"], strict=True))
    assert fault.code in said, f"found {said}"
    assert fault.words in said[fault.code]
    status = list(frame.loc[frame["record_id"] == record_id, "status"])
    if fault.becomes == FLAGGED:
        assert status == ["ok"], f"quarantined too: {held.get(record_id)}"
    elif fault.code == "row_twice":
        assert status == ["ok", "quarantined"]
    else:
        assert set(status) == {"quarantined"}


def test_no_healthy_record_is_touched(outcome):
    _, summary, held, flagged, frame = outcome
    healthy = {f"{number:05d}" for number in range(1, FIRST)}
    assert not healthy & set(held)
    assert not healthy & set(flagged)
    assert (frame.set_index("record_id").loc[sorted(healthy), "status"] == "ok").all()
    assert summary["usable"] >= HEALTHY


def test_a_fault_has_few_other_names(outcome):
    """A finding that is right is worth little among ten that merely follow from it."""
    _, _, held, flagged, _ = outcome
    for fault in FAULTS:
        codes = [
            code for found in (held, flagged) for code in found.get(IDS[fault.name], {"codes": []})["codes"]
        ]
        assert len(codes) <= 4, f"{fault.name}: {codes}"


def test_the_table_is_long_enough_and_covers_every_record_rule():
    from twelvelead.params import Validate
    from twelvelead.validation.suites import rules

    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30
    elsewhere = {
        "rejected",
        "statement_foreign",
        "sex_unknown",
        "signal_twice",
    }  # in other sources: unit tests
    codes = {rule.code for rule in rules("records", Validate())}
    assert codes - elsewhere <= {fault.code for fault in FAULTS}


@pytest.mark.parametrize(
    ("name", "change", "fault", "words"),
    [
        ("patient in two folds", lambda rows: rows[8].update(patient_id=rows[0]["patient_id"]),
         LeakageError, r"101 \(folds 1, 9\)"),
        ("no fold 9", lambda rows: [row.update(strat_fold=1) for row in rows if row["strat_fold"] == "9"],
         DataError, "fold 9 has no usable record"),
        ("no fold 10", lambda rows: [row.update(strat_fold=2) for row in rows if row["strat_fold"] == "10"],
         DataError, "fold 10 has no usable record"),
        ("every label unknown", lambda rows: [row.update(scp_codes="{'FOO': 1}") for row in rows],
         DataError, "at most 90% of the records are quarantined"),
    ],
)  # fmt: skip
def test_a_fault_of_the_whole_set_ends_the_run_with_exit_code_3(
    tmp_path, monkeypatch, name, change, fault, words
):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
    source = write_archive(tmp_path / "source", low=False)
    rows = read_rows(source)
    change(rows)
    write_rows(source, rows)
    take(tmp_path, source)
    with pytest.raises(fault, match=words) as caught:
        judge(tmp_path)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("name", "cells", "words"),
    [
        ("path traversal in the table", {"filename_hr": "../../etc/passwd"}, "leads out of the folder"),
        ("absolute path in the table", {"filename_hr": "/etc/passwd"}, "leads out of the folder"),
        ("scp_codes is no dict", {"scp_codes": "['NORM']"}, "scp_codes is no dict"),
        ("scp_codes is code", {"scp_codes": "__import__('os').getcwd()"}, "malformed"),
        ("age is no number", {"age": "sixty"}, "sixty"),
        ("fold is no number", {"strat_fold": "nine"}, "nine"),
    ],
)
def test_a_row_that_cannot_be_read_is_found_by_ingest(tmp_path, monkeypatch, name, cells, words):
    """Ingest refuses the table and names the row, or it rejects the row and validation quarantines it."""
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
    source = write_archive(tmp_path / "source", low=False)
    rows = read_rows(source)
    rows[0].update(cells)
    write_rows(source, rows)
    refusal = refused(tmp_path, source)
    if refusal:
        assert words in refusal
        assert "ecg_id 1" in refusal
        return
    judge(tmp_path)
    held = pq.read_table(tmp_path / "validation/quarantine.parquet").to_pylist()
    assert [row["codes"] for row in held] == [["rejected"]]
    assert words in held[0]["reasons"][0]


def test_what_ingest_rejected_is_quarantined_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("TWELVELEAD_WORKERS", "1")
    source = write_archive(tmp_path / "source", low=False)
    take(tmp_path, source)
    listed = io.StringIO()
    csv.writer(listed).writerows(
        [
            ("record_id", "path", "reason"),
            ("00001", "records100/00000/00001_lr.dat", "its SHA-256 is not the published one"),
            ("00002", "records500/00000/00002_hr.dat", "its SHA-256 is not the published one"),
            ("77777", "y.hea", "not an ECG"),
        ]
    )
    (tmp_path / "records/rejected.csv").write_text(listed.getvalue())
    summary = judge(tmp_path)
    assert (summary["records"], summary["usable"], summary["quarantined"]) == (13, 11, 2)
    held = {row["record_id"]: row for row in
            pq.read_table(tmp_path / "validation/quarantine.parquet").to_pylist()}  # fmt: skip
    assert held["00002"]["reasons"] == ["rejected by ingest: its SHA-256 is not the published one"]
    flagged = pq.read_table(tmp_path / "validation/warnings.parquet").to_pylist()
    assert [(row["record_id"], row["codes"]) for row in flagged] == [("00001", ["rates_unreadable"])]
    assert held["77777"]["codes"] == ["rejected"]
    with pytest.raises(DataError, match="at most 10% of the records are quarantined"):
        judge(tmp_path, max_quarantined_share=0.1)
