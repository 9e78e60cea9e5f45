"""Who may take the champion's seat: bytes that belong together, a policy in force, a champion not better."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twelvelead.errors import RegistryError
from twelvelead.params import Register
from twelvelead.registry import champion
from twelvelead.registry.lineage import Candidate, read_candidate
from twelvelead.registry.promote import promote, rollback, versions
from twelvelead.registry.register import register
from twelvelead.registry.tracking import session

Make = Callable[..., Candidate]
NAME = "twelvelead-reader"


def seats(store: str) -> dict[str, str]:
    with session(store) as client:
        models = client.search_registered_models(f"name='{NAME}'")
        return {alias: str(version) for alias, version in models[0].aliases.items()} if models else {}


def forge(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    tree = json.loads(path.read_text())
    change(tree)
    path.write_text(json.dumps(tree))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "adapter/adapter_model.safetensors").write_bytes(b"other"), "adapter: the scorecard"),
        (lambda f: (f / "baseline/config.json").write_text("{}"), "baseline: the scorecard speaks of"),
        (
            lambda f: (f / "evaluation/predictions.parquet").write_bytes(b"x"),
            "predictions.parquet: the score",
        ),
        (lambda f: (f / "evaluation/predictions.parquet").unlink(), "predictions.parquet: not here"),
        (
            lambda f: forge(f / "evaluation/scorecard.json", lambda s: s["models"].pop("base")),
            "scorecard.json: not the one that was judged",
        ),
        (
            lambda f: forge(f / "verdict.json", lambda v: v["checks"][0].update(passed=False)),
            "contradicts its own checks",
        ),
        (
            lambda f: forge(f / "evaluation/scorecard.json", lambda s: s.pop("evidence")),
            "adapter: the scorecard speaks of none",
        ),
    ],
)
def test_a_verdict_on_other_bytes_is_not_registered(
    store: str, make: Make, change: Callable[[Path], Any], said: str
) -> None:
    folder = make().verdict_file.parent
    change(folder)
    candidate = read_candidate(
        folder / "verdict.json", folder / "adapter", folder / "baseline", folder / "evaluation"
    )

    with pytest.raises(RegistryError, match=said):
        register(candidate, Register(tracking_uri=store))
    assert seats(store) == {}


def test_a_passed_candidate_that_is_worse_than_the_champion_stays_challenger(store: str, make: Make) -> None:
    register(make(weights=b"good", skill=4.0), Register(tracking_uri=store))

    found = register(make(weights=b"worse", skill=1.0), Register(tracking_uri=store))

    assert found["alias"] == "challenger"
    assert "below champion version 1's" in found["seat"]
    assert found["tags"]["against_champion"] == found["seat"]
    assert seats(store) == {"champion": "1", "challenger": "2"}


def test_a_candidate_equal_to_the_champion_may_follow_it(store: str, make: Make) -> None:
    register(make(weights=b"one"), Register(tracking_uri=store))

    found = register(make(weights=b"same answers"), Register(tracking_uri=store))

    assert found["seat"].startswith("macro AUC 0.000 above champion version 1's")
    assert found["tags"]["promoted_over"] == "1"
    assert seats(store) == {"champion": "2"}


def test_without_promotion_a_passed_version_waits_for_a_persons_word(
    store: str, make: Make, policy: Path
) -> None:
    found = register(make(), Register(tracking_uri=store, promote=False))
    assert (found["alias"], found["seat"]) == ("challenger", "register.promote is false")
    assert seats(store) == {"challenger": "1"}

    assert promote(NAME, 1, store, policy=policy) == 1
    assert seats(store) == {"champion": "1"}


def test_promote_refuses_a_better_champion_and_a_champion_it_did_not_expect(
    store: str, make: Make, policy: Path
) -> None:
    register(make(weights=b"good", skill=4.0), Register(tracking_uri=store))
    register(make(weights=b"worse", skill=1.0), Register(tracking_uri=store))

    with pytest.raises(RegistryError, match="version 2 is worse than the champion"):
        promote(NAME, 2, store, policy=policy)
    with pytest.raises(RegistryError, match="the champion is version 1, not 7"):
        promote(NAME, 2, store, policy=policy, expected=7)
    assert seats(store)["champion"] == "1"


def test_promote_judges_again_by_the_policy_in_force(store: str, make: Make, policy: Path) -> None:
    register(make(), Register(tracking_uri=store, promote=False))
    harder = policy.with_name("harder.yaml")
    harder.write_text(policy.read_text().replace("0.8", "0.99"))

    with pytest.raises(RegistryError, match="judged by another policy"):
        promote(NAME, 1, store, policy=harder)
    assert seats(store) == {"challenger": "1"}


def test_promote_refuses_a_version_whose_artifacts_were_changed_in_the_store(
    store: str, make: Make, policy: Path
) -> None:
    found = register(make(), Register(tracking_uri=store, promote=False))
    with session(store) as client:
        place = Path(client.get_run(found["run_id"]).info.artifact_uri.removeprefix("file://"))
    (place / "predictions.parquet").write_bytes(b"better ones")

    with pytest.raises(RegistryError, match=r"predictions\.parquet: the scorecard speaks of"):
        promote(NAME, 1, store, policy=policy)
    assert seats(store) == {"challenger": "1"}


def test_a_mover_who_decided_on_another_champion_is_refused(store: str, make: Make) -> None:
    for weights in (b"one", b"two", b"three"):
        register(make(weights=weights), Register(tracking_uri=store))
    with session(store) as client:
        first = versions(client, NAME)[0]

    with pytest.raises(RegistryError, match="it was version 2, it is version 3"), session(store) as client:
        champion.move(client, NAME, "champion", first, 2)
    assert seats(store) == {"champion": "3"}
    with session(store) as client:
        assert len(client.search_registered_models()) == 1, "the turn was given back"


def test_a_turn_left_by_a_killed_mover_is_taken_over(
    store: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(champion, "TURN_S", 0.3)
    register(make(), Register(tracking_uri=store, promote=False))
    with session(store) as client:
        client.create_registered_model(f"{NAME} (champion is being moved)")
        champion.move(client, NAME, "champion", versions(client, NAME)[0], None)
    assert seats(store)["champion"] == "1"


def test_rollback_passes_over_one_that_only_challenged_and_finds_one_from_before_these_tags(
    store: str, make: Make
) -> None:
    register(make(weights=b"one", skill=3.0), Register(tracking_uri=store))
    with session(store) as client:
        for tag in ("promoted_at", "promoted_over"):
            client.delete_model_version_tag(NAME, "1", tag)
    register(make(weights=b"waits", skill=3.0), Register(tracking_uri=store, promote=False))
    register(make(weights=b"three", skill=3.0), Register(tracking_uri=store))

    assert rollback(NAME, store) == 1
    assert seats(store)["champion"] == "1"


def test_rollback_passes_over_one_whose_promotion_was_killed_before_the_alias(
    store: str, make: Make, policy: Path
) -> None:
    register(make(weights=b"one", skill=3.0), Register(tracking_uri=store))
    register(make(weights=b"two", skill=3.0), Register(tracking_uri=store, promote=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.set_registered_model_alias", killed)
        with pytest.raises(KeyboardInterrupt):
            promote(NAME, 2, store, policy=policy)
    register(make(weights=b"three", skill=3.0), Register(tracking_uri=store))

    assert rollback(NAME, store) == 1


def test_a_promotion_killed_after_the_alias_is_finished_by_the_next(
    store: str, make: Make, policy: Path
) -> None:
    register(make(), Register(tracking_uri=store, promote=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlflow.MlflowClient.delete_registered_model_alias", killed)
        with pytest.raises(KeyboardInterrupt):
            promote(NAME, 1, store, policy=policy)
    assert seats(store) == {"champion": "1", "challenger": "1"}

    assert promote(NAME, 1, store, policy=policy) == 1
    assert seats(store) == {"champion": "1"}


def killed(*_: Any) -> None:
    raise KeyboardInterrupt
