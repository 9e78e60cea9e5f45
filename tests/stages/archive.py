"""Small hand-made PTB-XL folders: every record is readable, every count is chosen."""

import numpy as np

from twelvelead.data import ptbxl
from twelvelead.data.wfdb import write_record
from twelvelead.ecg.lead import derive_limb

FOLDS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 10)
CODES = ({"NORM": 100.0, "SR": 0.0}, {"AFIB": 0.0, "LVH": 50.0})


def signal_uv(number, n=5000, fs_hz=500):
    """(n, 12) int16 µV: one narrow beat every 0.8 s, limb leads that obey Einthoven, some noise."""
    rng = np.random.default_rng(number)
    t = np.arange(n) / fs_hz
    phase = (t + 0.1 * (number % 7)) % 0.8
    beat = np.exp(-0.5 * ((phase - 0.4) / 0.015) ** 2) + 0.2 * np.exp(-0.5 * ((phase - 0.65) / 0.04) ** 2)
    beat += 0.1 * np.exp(-0.5 * ((phase - 0.24) / 0.03) ** 2)
    leads = np.outer([0.7, 1.0, *np.linspace(-0.8, 1.4, 6)], beat) * 1000 + rng.normal(0, 8, (8, n))
    limb = derive_limb(leads[0], leads[1])
    return np.rint(np.stack([leads[0], leads[1], *limb, *leads[2:]])).astype(np.int16).T


def write_archive(folder, folds=FOLDS, patients=None, codes=CODES, absent=(), low=True):
    """A PTB-XL folder with one record per fold given; `absent` ecg_ids have a row but no files."""
    folder.mkdir(parents=True)
    rows = []
    for ecg_id, fold in enumerate(folds, start=1):
        stem = f"00000/{ecg_id:05d}"
        cells = {
            "ecg_id": ecg_id,
            "patient_id": float(patients[ecg_id - 1] if patients else 100 + ecg_id),
            "age": 60.0,
            "sex": ecg_id % 2,
            "report": "sinusrhythmus",
            "scp_codes": codes[ecg_id % len(codes)],
            "strat_fold": fold,
            "filename_lr": f"records100/{stem}_lr",
            "filename_hr": f"records500/{stem}_hr",
        }
        rows.append(ptbxl.format_row(cells))
        if ecg_id in absent:
            continue
        samples = signal_uv(ecg_id)
        for path, rate, fs_hz in (
            (cells["filename_hr"], samples, 500),
            (cells["filename_lr"], samples[::5], 100),
        ):
            if low or fs_hz == 500:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                write_record(folder / path, rate, fs_hz)
    (folder / ptbxl.DATABASE).write_text(ptbxl.HEADER + "".join(rows), encoding="utf-8")
    return folder


def contents(folder):
    """Every file of a folder: relative path → bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
