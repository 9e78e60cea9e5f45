"""A version is fetched whole, once, and the seat can be asked for."""

import json
import shutil

import pytest

from twelvelead.data.digest import model_sha256
from twelvelead.errors import RegistryError
from twelvelead.params import Register
from twelvelead.registry.fetch import fetch, seated
from twelvelead.registry.register import register
from twelvelead.registry.tracking import session


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
    assert identity.cnn_folder is not None
    assert [one.code for one in identity.cnn] == identity.codes
    assert identity.lineage["cnn_sha256"] == model_sha256(identity.cnn_folder)


def test_what_is_not_there_is_named(make, store, tmp_path):
    assert seated("nobody", uri=store) is None
    done = register(make(passed=False), Register(tracking_uri=store))
    assert seated(done["model"], uri=store) is None
    for wanted in ("champion", 7):
        with pytest.raises(RegistryError, match=f"no version {wanted!r}"):
            fetch(done["model"], wanted, tmp_path, store)


def test_the_cnn_comes_along_and_is_the_one_of_the_verdict(make, store, tmp_path):
    candidate = make()
    done = register(candidate, Register(tracking_uri=store))
    found = fetch(done["model"], done["version"], tmp_path / "cache", store)
    assert model_sha256(found.folder / "baseline") == candidate.scorecard["evidence"]["baseline"]
    assert found.tags["cnn_sha256"] == candidate.scorecard["evidence"]["baseline"]


def test_a_version_of_before_is_fetched_without_a_cnn_until_it_is_registered_again(
    make, store, tmp_path, capsys
):
    candidate, params = make(), Register(tracking_uri=store)
    done = register(candidate, params)
    with session(store) as client:  # as an earlier release left it
        client.delete_model_version_tag(done["model"], "1", "cnn_sha256")
    (file,) = (tmp_path / "store").rglob("baseline/model.safetensors")
    shutil.rmtree(file.parent)
    found = fetch(done["model"], 1, tmp_path / "cache", store)
    assert not (found.folder / "baseline").exists()
    assert "without its CNN" in capsys.readouterr().err

    assert register(candidate, params)["version"] == 1
    again = fetch(done["model"], 1, tmp_path / "cache", store)
    assert model_sha256(again.folder / "baseline") == candidate.scorecard["evidence"]["baseline"]
    assert again.folder == found.folder


@pytest.mark.parametrize(
    "changed",
    ["adapter/adapter_model.safetensors", "baseline/model.safetensors", "verdict.json",
     "evaluation/scorecard.json"],
)  # fmt: skip
def test_what_was_damaged_on_this_machine_is_fetched_anew(make, store, tmp_path, changed):
    done = register(make(passed=False), Register(tracking_uri=store))
    folder = fetch(done["model"], 1, tmp_path / "cache", store).folder
    before = (folder / changed).read_bytes()
    (folder / changed).write_bytes(before.replace(b"false", b"true") + b" ")
    assert fetch(done["model"], 1, tmp_path / "cache", store).folder == folder
    assert (folder / changed).read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [("adapter_model.safetensors", "adapter: its SHA-256"), ("baseline/config.json", "CNN: its SHA-256"),
     ("verdict.json", "verdict: its SHA-256"), ("scorecard.json", "scorecard: its SHA-256")],
)  # fmt: skip
def test_what_was_changed_in_the_store_is_not_taken(make, store, tmp_path, changed, said):
    done = register(make(passed=False), Register(tracking_uri=store))
    (file,) = (tmp_path / "store").rglob(changed)
    file.write_bytes(file.read_bytes().replace(b"0.91", b"0.99").replace(b"rejected", b"accepted") + b" ")
    if changed == "verdict.json":
        file.write_bytes(file.read_bytes().replace(b'"passed": false', b'"passed": true'))
    with pytest.raises(RegistryError, match=said):
        fetch(done["model"], 1, tmp_path / "cache", store)
    assert not list((tmp_path / "cache").rglob("verdict.json"))


def test_a_cnn_that_is_gone_is_missed(make, store, tmp_path, policy):
    from twelvelead.registry.promote import promote

    done = register(make(), Register(tracking_uri=store, promote=False))
    (file,) = (tmp_path / "store").rglob("baseline/model.safetensors")
    shutil.rmtree(file.parent)
    with pytest.raises(RegistryError, match="cannot be fetched whole"):
        fetch(done["model"], 1, tmp_path / "cache", store)
    with pytest.raises(RegistryError, match="CNN it was judged against is gone"):
        promote(done["model"], 1, store, policy=policy)
    file.parent.mkdir()
    file.write_bytes(b"another one")
    with pytest.raises(RegistryError, match="baseline: the scorecard speaks of"):
        promote(done["model"], 1, store, policy=policy)
