"""A version is fetched whole, once, and the seat can be asked for."""

import json

import pytest

from twelvelead.errors import RegistryError
from twelvelead.params import Register
from twelvelead.registry.fetch import fetch, seated
from twelvelead.registry.register import register


def test_a_version_is_fetched_with_its_scorecard_and_verdict(make, store, tmp_path, monkeypatch):
    candidate = make()
    done = register(candidate, Register(tracking_uri=store))
    assert seated(done["model"], uri=store) == done["version"]
    found = fetch(done["model"], "champion", tmp_path / "cache", store)
    assert (found.version, found.alias) == (done["version"], "champion")
    assert found.tags["gate"] == "passed"
    for name in ("adapter_model.safetensors", "base.json", "lineage.json"):
        assert (found.folder / "adapter" / name).read_bytes() == (candidate.adapter / name).read_bytes()
    scorecard = json.loads((found.folder / "evaluation" / "scorecard.json").read_text())
    assert scorecard == candidate.scorecard
    assert json.loads((found.folder / "verdict.json").read_text()) == candidate.verdict
    monkeypatch.setattr("mlflow.artifacts.download_artifacts", lambda *a, **k: pytest.fail("fetched twice"))
    assert fetch(done["model"], done["version"], tmp_path / "cache", store).folder == found.folder
    assert not list((tmp_path / "cache").rglob(".tmp-*"))


def test_the_reader_of_a_version_knows_its_number_verdict_and_lineage(make, store, tmp_path, monkeypatch):
    from twelvelead.stages.readers import find_reader

    monkeypatch.setenv("TWELVELEAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    done = register(make(passed=False), Register(tracking_uri=store))
    identity = find_reader(f"{done['model']}/{done['version']}")
    assert (identity.source, identity.version, identity.decision) == ("registry", "1", "rejected")
    assert identity.reasons[0] == "lora's macro AUC is 0.040 below cnn's"
    assert identity.lineage["git_revision"] == "abc123"
    assert identity.lineage["dvc_md5.pages"] == "3" * 32 + ".dir"
    assert [one.slope for one in identity.statements] == [2.0] * 3


def test_what_is_not_there_is_named(make, store, tmp_path):
    assert seated("nobody", uri=store) is None
    done = register(make(passed=False), Register(tracking_uri=store))
    assert seated(done["model"], uri=store) is None
    for wanted in ("champion", 7):
        with pytest.raises(RegistryError, match=f"no version {wanted!r}"):
            fetch(done["model"], wanted, tmp_path, store)
