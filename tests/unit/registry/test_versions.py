"""Registering against a real SQLite store: what is written, in which order, and what is never written."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twelvelead.errors import ParamsError, RegistryError, SetupError
from twelvelead.params import Register
from twelvelead.registry.lineage import Candidate
from twelvelead.registry.promote import promote, rollback
from twelvelead.registry.register import register
from twelvelead.registry.tracking import session

# MLflow 3.17 maps its tables with a loader strategy that SQLAlchemy 2.1 deprecates.
Make = Callable[..., Candidate]
NAME = "twelvelead-reader"


def aliases(store: str) -> dict[str, str]:
    with session(store) as client:
        models = client.search_registered_models()
        return {alias: str(version) for alias, version in models[0].aliases.items()} if models else {}


def count(store: str) -> int:
    with session(store) as client:
        return len(client.search_model_versions(f"name='{NAME}'"))


def test_a_passed_candidate_becomes_the_champion_with_its_lineage(
    store: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFP_RUN_ID", "run-7")
    monkeypatch.setenv("TWELVELEAD_IMAGE_DIGEST", "sha256:feed")

    found = register(make(), Register(tracking_uri=store))

    assert (found["version"], found["passed"], found["alias"]) == (1, True, "champion")
    assert aliases(store) == {"champion": "1"}
    with session(store) as client:
        tags = client.get_model_version(NAME, "1").tags
        run = client.get_run(found["run_id"])
        artifacts = {item.path for item in client.list_artifacts(found["run_id"])}
    assert tags == found["tags"]
    assert tags["promoted_over"] == "none"
    assert tags["against_champion"] == "there was no champion before"
    assert tags["gate"] == "passed"
    assert (tags["git_revision"], tags["git_dirty"]) == ("abc123", "true")
    assert (tags["kfp_run_id"], tags["image_digest"]) == ("run-7", "sha256:feed")
    assert (tags["base"], tags["base_sha256"]) == ("models/tiny", "b" * 64)
    assert tags["policy_sha256"] == json.loads(make().verdict_file.read_text())["policy_sha256"]
    assert json.loads(tags["seeds"]) == {"ingest": 7, "synthesize": 8, "instruct": 9}
    assert tags["dvc_md5.records"] == "1" * 32 + ".dir"
    assert {"dvc_md5.pages", "dvc_md5.instructions", "dvc_md5.adapter", "dvc_md5.verdict.json"} <= set(tags)
    assert run.data.params["train_lora.rank"] == "16"
    assert run.data.metrics["lora.macro_auc"] == pytest.approx(0.91)
    assert run.data.metrics["comparison.delta_macro_auc.lower"] == pytest.approx(-0.005)
    assert run.data.metrics["auc.cnn.AFIB"] == pytest.approx(0.9)
    assert run.data.metrics["robustness.3x4_1r.macro_auc"] == 0.7
    assert "auc.cnn.LVH" not in run.data.metrics, "a null is no metric"
    assert {item.dataset.name: item.dataset.digest for item in run.inputs.dataset_inputs}["records"] == (
        "1" * 32 + ".dir"
    )
    assert artifacts >= {"README.md", "scorecard.json", "verdict.json", "lineage.json", "predictions.parquet"}


def test_a_rejected_candidate_is_registered_with_its_reasons_and_no_alias_moves(
    store: str, make: Make
) -> None:
    register(make(weights=b"good"), Register(tracking_uri=store))

    found = register(make(passed=False, weights=b"bad"), Register(tracking_uri=store))

    assert (found["version"], found["passed"], found["alias"]) == (2, False, None)
    assert found["tags"]["gate"] == "rejected"
    assert "blank page" in found["tags"]["gate_reasons"]
    assert len(found["reasons"]) == 2
    assert aliases(store) == {"champion": "1"}


def test_a_verdict_that_does_not_say_true_is_no_pass(store: str, make: Make) -> None:
    candidate = make()
    verdict = {**candidate.verdict, "passed": "yes"}

    with pytest.raises(RegistryError, match="its decision contradicts its own checks"):
        register(dataclasses.replace(candidate, verdict=verdict), Register(tracking_uri=store))
    assert aliases(store) == {}


def test_what_passed_a_policy_that_may_not_promote_gets_no_alias_ever(
    store: str, make: Make, policy: Path
) -> None:
    found = register(make(promotes=False), Register(tracking_uri=store))

    assert (found["passed"], found["alias"], found["tags"]["gate"]) == (False, None, "smoke")
    with pytest.raises(RegistryError, match="did not pass its gate: 'smoke'"):
        promote(NAME, 1, store, policy=policy)
    assert aliases(store) == {}


def test_a_version_registered_by_a_pipelines_step_can_be_promoted_later(
    store: str, make: Make, tmp_path: Path
) -> None:
    """Kubeflow names the step's input `verdict`; a later promotion asks the store for verdict.json."""
    candidate = make()
    step = tmp_path / "step" / "verdict"
    step.parent.mkdir()
    step.write_bytes(candidate.verdict_file.read_bytes())
    waiting = Register(tracking_uri=store, promote=False)
    found = register(dataclasses.replace(candidate, verdict_file=step), waiting)
    with session(store) as client:
        names = {item.path for item in client.list_artifacts(found["run_id"])}
    assert "verdict.json" in names
    assert "verdict" not in names


def test_registering_the_same_candidate_again_finds_its_version(store: str, make: Make) -> None:
    first = register(make(), Register(tracking_uri=store))
    again = register(make(), Register(tracking_uri=store))

    assert again == first
    assert count(store) == 1


def test_the_same_adapter_under_another_verdict_is_another_version(store: str, make: Make) -> None:
    register(make(passed=True), Register(tracking_uri=store))
    register(make(passed=False), Register(tracking_uri=store))

    assert count(store) == 2


def test_a_run_killed_before_the_alias_is_completed_by_the_next(
    store: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "set_registered_model_alias", killed)
        with pytest.raises(KeyboardInterrupt):
            register(make(), Register(tracking_uri=store))
    with session(store) as client:
        assert client.get_model_version(NAME, "1").tags["gate"] == "passed", "tags come before the alias"
    assert aliases(store) == {}

    assert register(make(), Register(tracking_uri=store))["alias"] == "champion"
    assert aliases(store) == {"champion": "1"}
    assert count(store) == 1


def test_registering_an_old_candidate_again_takes_nothing_from_a_later_champion(
    store: str, make: Make
) -> None:
    register(make(weights=b"old"), Register(tracking_uri=store))
    register(make(weights=b"new"), Register(tracking_uri=store))

    assert register(make(weights=b"old"), Register(tracking_uri=store))["alias"] is None
    assert aliases(store) == {"champion": "2"}


def test_rollback_gives_the_alias_to_the_version_before_and_a_rerun_does_not_undo_it(
    store: str, make: Make, policy: Path
) -> None:
    register(make(weights=b"one"), Register(tracking_uri=store))
    register(make(weights=b"two", passed=False), Register(tracking_uri=store))
    register(make(weights=b"three"), Register(tracking_uri=store))

    assert rollback(NAME, store) == 1
    assert aliases(store) == {"champion": "1"}
    register(make(weights=b"three"), Register(tracking_uri=store))
    assert aliases(store) == {"champion": "1"}
    with pytest.raises(RegistryError, match="no passed version before version 1"):
        rollback(NAME, store)

    assert promote(NAME, 3, store, policy=policy) == 3
    assert aliases(store) == {"champion": "3"}
    assert rollback(NAME, store) == 1, "a promoted version counts as never rolled back"


def test_promote_refuses_a_version_that_did_not_pass(store: str, make: Make) -> None:
    register(make(passed=False), Register(tracking_uri=store))

    with pytest.raises(RegistryError, match="did not pass its gate: 'rejected'"):
        promote(NAME, 1, store)
    with pytest.raises(RegistryError, match="no version 9"):
        promote(NAME, 9, store)
    with pytest.raises(RegistryError, match="no version of 'twelvelead-reader' holds the alias"):
        rollback(NAME, store)
    assert aliases(store) == {}


def test_the_registered_model_loads_and_hands_pictures_to_the_scorer(
    store: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys
    import types

    seen: dict[str, Any] = {}

    class Scorer:
        def score(self, images: list[bytes]) -> Any:
            import numpy as np

            seen["images"] = images
            return np.full((len(images), 3), 0.25)

    def load_scorer(base: str, adapter: Path, codes: list[str]) -> Any:
        assert "base" not in seen, "weights are loaded once"
        seen.update(base=base, weights=(adapter / "adapter_model.safetensors").read_bytes())
        return Scorer()

    scorer = types.ModuleType("twelvelead.evaluation.score")
    scorer.load_scorer = load_scorer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "twelvelead.evaluation.score", scorer)
    register(make(weights=b"the weights"), Register(tracking_uri=store))
    (tmp_path / "page.png").write_bytes(b"from disk")

    with session(store):
        import mlflow
        import pandas as pd

        model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
        listed = model.predict([b"bytes", str(tmp_path / "page.png")])
        framed = model.predict(pd.DataFrame({"number": [1], "image": [b"bytes"]}))

    assert list(listed.columns) == ["NORM", "AFIB", "LVH"]
    assert listed.shape == (2, 3)
    assert framed.shape == (1, 3)
    raw = math.log(0.25 / 0.75)
    assert listed.to_numpy() == pytest.approx(1 / (1 + math.exp(-(2 * raw + 1))), abs=1e-6), "calibrated"
    assert seen == {"base": "models/tiny", "weights": b"the weights", "images": [b"bytes"]}


def test_logging_the_model_needs_no_torch(store: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("torch", "transformers", "peft"):
        monkeypatch.setitem(sys.modules, name, None)

    assert register(make(), Register(tracking_uri=store))["alias"] == "champion"


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({"model_name": "a/b"}, "register.model_name"),
        ({"model_name": "it's"}, "register.model_name"),
        ({"alias": "latest"}, "register.alias"),
        ({"alias": "v3"}, "register.alias"),
    ],
)
def test_names_that_mlflow_would_refuse_are_refused_first(
    make: Make, section: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ParamsError, match=sentence):
        register(make(), Register(**section))


def test_an_adapter_without_weights_is_not_registered(store: str, make: Make) -> None:
    candidate = make()
    (candidate.adapter / "adapter_model.safetensors").unlink()

    with pytest.raises(SetupError, match=r"no adapter_model\.safetensors"):
        register(candidate, Register(tracking_uri=store))
    assert count(store) == 0
