"""Folds by patient where a source brings none."""

from __future__ import annotations

import hashlib

FOLDS = 10  # 1-8, SELECT_FOLD and TEST_FOLD of data.index


def fold_of_patient(patient_id: str) -> int:
    """1–8 (train), 9 (select) or 10 (test), a tenth of the patients in each.

    The first 8 bytes of the SHA-256 of the patient's id, modulo 10, plus 1: the same on every machine and in
    every run, whatever else the source holds, so a data set that grows never moves a patient.
    """
    number = int.from_bytes(hashlib.sha256(patient_id.encode()).digest()[:8], "big")
    return number % FOLDS + 1
