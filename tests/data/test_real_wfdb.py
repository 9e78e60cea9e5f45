"""Our reader against the reference library on real recordings."""

import hashlib

import numpy as np
import pytest

from twelvelead.data import ptbxl
from twelvelead.data.wfdb import encode, library, read_header, read_record
from twelvelead.ecg.lead import WFDB_LEADS

pytestmark = pytest.mark.shared


def paths_of(folder, every):
    names = (folder / "RECORDS").read_text().split()
    return [folder / name for name in names[::every]]


def test_every_real_ptbxl_record_reads_and_some_equal_the_library(shared):
    wfdb = library()
    paths = paths_of(shared / "data/ptb-xl", 1)
    assert len(paths) == 704
    for number, path in enumerate(paths):
        ours = read_record(path)
        assert ours.signal_mv.shape[1] == ours.fs_hz * 10
        if number % 40 == 0:
            theirs = wfdb.rdrecord(str(path))
            assert np.array_equal(ours.signal_mv, theirs.p_signal.T.astype(np.float32))


def test_real_samples_written_by_us_are_the_original_bytes(shared):
    for path in paths_of(shared / "data/ptb-xl", 50):
        samples = path.with_name(path.name + ".dat").read_bytes()
        raw = np.frombuffer(samples, dtype="<i2").reshape(-1, 12).astype(np.int16)
        header, written = encode(path.name, raw, read_header(path).fs_hz)
        assert written == samples
        assert header == path.with_name(path.name + ".hea").read_bytes()


@pytest.mark.parametrize("folder", ["ptbdb", "ludb", "cinc2021"])
def test_other_archives_read_as_the_library_reads_them(shared, folder):
    wfdb = library()
    headers = sorted((shared / "data" / folder).rglob("*.hea"))[:6]
    assert headers
    for header in headers:
        path = header.with_suffix("")
        theirs = wfdb.rdrecord(str(path))
        order = [[name.upper() for name in theirs.sig_name].index(lead) for lead in WFDB_LEADS]
        expected = theirs.p_signal.T[order].astype(np.float32)
        assert np.allclose(read_record(path).signal_mv, expected, rtol=1e-6, atol=1e-7, equal_nan=True)


def test_the_real_table_is_read_whole_and_kept_to_the_byte(shared):
    path = shared / "data/ptb-xl" / ptbxl.DATABASE
    header, rows = ptbxl.read_database(path)
    text = header + "".join(row.text for row in rows)
    assert hashlib.sha256(text.encode()).digest() == hashlib.sha256(path.read_bytes()).digest()
    assert len(rows) == 20821
    assert max(row.age for row in rows) == 90
    assert {row.fold for row in rows} == set(range(1, 11))
    assert {row.sex for row in rows} == {"male", "female"}


def test_our_statement_table_has_the_codes_of_the_official_one(shared):
    official = (shared / "data/ptb-xl" / ptbxl.STATEMENT_TABLE).read_text(encoding="utf-8")
    ours = ptbxl.statement_table()
    assert ours.splitlines()[0] == official.splitlines()[0]
    assert [line.split(",")[0] for line in ours.splitlines()] == [
        line.split(",")[0] for line in official.splitlines()
    ]
