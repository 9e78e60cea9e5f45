"""A population must not depend on the order in which a process walks its sets."""

import os
import subprocess
import sys

import pytest

PRINT = """
import hashlib
from twelvelead.simulate.population import complete, draw_population, draw_varied
plans = [*draw_population(1200, 1), *draw_varied(60, 1)]
plans += [complete(plan) for plan in plans[:150]]
print(hashlib.sha256(repr([(plan.row(), plan.findings) for plan in plans]).encode()).hexdigest())
"""


@pytest.mark.slow
def test_two_processes_with_different_hash_seeds_draw_the_same_population():
    said = [
        subprocess.run(
            [sys.executable, "-c", PRINT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert len(set(said)) == 1
