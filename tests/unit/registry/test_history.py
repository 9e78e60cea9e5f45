"""History and comparison of registered versions, against a real SQLite store."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from twelvelead.errors import RegistryError
from twelvelead.params import Register
from twelvelead.registry.history import compare, history, told, told_apart
from twelvelead.registry.lineage import Candidate
from twelvelead.registry.promote import rollback
from twelvelead.registry.register import register
from twelvelead.registry.tracking import session

Make = Callable[..., Candidate]
NAME = "twelvelead-reader"


def test_every_version_is_told_with_its_verdict_and_what_became_of_it(store: str, make: Make) -> None:
    register(make(weights=b"one"), Register(tracking_uri=store))
    register(make(weights=b"two"), Register(tracking_uri=store))
    register(make(passed=False, weights=b"three"), Register(tracking_uri=store))
    rollback(NAME, store)
    found = history(NAME, store)
    assert [(entry.version, entry.gate, entry.aliases) for entry in found] == [
        (1, "passed", ("champion",)),
        (2, "passed", ()),
        (3, "rejected", ()),
    ]
    assert [entry.rolled_back for entry in found] == [False, True, False]
    text = told(found).splitlines()
    assert "champion" in text[0]
    assert "rolled back" in text[1]
    assert "rejected" in text[2]
    assert text[3].strip() == "lora's macro AUC is 0.040 below cnn's"
    assert text[4].strip() == "a blank page says something"


def test_two_versions_are_told_apart_by_what_differs_and_nothing_else(store: str, make: Make) -> None:
    register(make(weights=b"one"), Register(tracking_uri=store))
    register(make(weights=b"two"), Register(tracking_uri=store))
    register(make(weights=b"three", source="ptb-xl"), Register(tracking_uri=store))
    found = compare(NAME, 1, 2, store)
    assert found["comparable"]
    assert found["params"] == found["metrics"] == {}
    assert "adapter_sha256" in found["tags"]
    assert "base_sha256" not in found["tags"]
    assert not compare(NAME, 2, 3, store)["comparable"]
    assert "not comparable" in told_apart(compare(NAME, 2, 3, store))


def test_figures_that_moved_are_shown_the_largest_first(store: str, make: Make) -> None:
    first = register(make(weights=b"one"), Register(tracking_uri=store))
    second = register(make(weights=b"two"), Register(tracking_uri=store))
    with session(store) as client:
        for number, run in enumerate((first["run_id"], second["run_id"])):
            client.log_metric(run, "auc.lora.NORM", 0.9 - 0.01 * number)
            client.log_metric(run, "auc.lora.AFIB", 0.8 + 0.05 * number)
            client.log_metric(run, "lora.macro_auc_compared", 0.80 + 0.02 * number)
    text = told_apart(compare(NAME, 1, 2, store))
    assert "lora.macro_auc_compared: 0.800 → 0.820" in text
    assert text.index("AUC of AFIB: +0.050") < text.index("AUC of NORM: -0.010")


def test_what_is_not_there_is_said(store: str, make: Make) -> None:
    with pytest.raises(RegistryError, match="no registered model"):
        history(NAME, store)
    register(make(), Register(tracking_uri=store))
    with pytest.raises(RegistryError, match="no version 9"):
        compare(NAME, 1, 9, store)
