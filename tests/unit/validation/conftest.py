import pandas as pd
import pytest


@pytest.fixture
def usual():
    """An index of thirty usable records, three a fold, with the facts that the data set's rules ask for."""
    numbers = range(1, 31)
    return pd.DataFrame(
        {
            "record_id": [f"{number:05d}" for number in numbers],
            "source": "simulated",
            "patient_id": [str(100 + number) for number in numbers],
            "age": 50.0,
            "sex": "male",
            "fold": [1 + number % 10 for number in numbers],
            "sha256": [f"{number:064x}" for number in numbers],
            "statements": [[{"code": "NORM", "likelihood": 100.0}] for _ in numbers],
            "status": "ok",
            "n_leads": 12.0,
            "rate_bpm": 70.0,
            "pr_ms": 160.0,
            "qrs_ms": 90.0,
            "qt_ms": 380.0,
        }
    )
