"""A server follows `champion` of a real MLflow: through a promotion under load, broken versions, outage."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("uvicorn")
pytest.importorskip("mlflow")

from tests.registry.mlflow_server import Unavailable, free_port, plain
from tests.serving.road import CODES, page, wfdb
from tests.serving.running import call, served
from tests.unit.registry.conftest import POLICY, write_artifacts

from twelvelead.data.digest import file_sha256, model_sha256
from twelvelead.evaluation.evidence import collect
from twelvelead.params import Register
from twelvelead.registry.lineage import Candidate, read_candidate
from twelvelead.registry.register import register
from twelvelead.registry.tracking import session

pytestmark = pytest.mark.slow
NAME = "twelvelead-reader"


def candidate(road: Path, folder: Path, slope: float) -> Candidate:
    """A version that passed: the road's adapter and CNN, with a calibration that tells versions apart."""
    write_artifacts(folder, passed=True, weights=b"")
    for part in ("adapter", "baseline"):
        shutil.rmtree(folder / part)
        shutil.copytree(road / part, folder / part)
    (folder / "adapter" / "note.txt").write_text(f"slope {slope}")
    scorecard = json.loads((folder / "evaluation" / "scorecard.json").read_text())
    scorecard["data"]["statements"] = list(CODES)
    for model in scorecard["models"].values():
        fitted = {"auc": 0.9, "positives": 12, "n": 300, "slope": slope, "intercept": 0.0, "threshold": 0.5}
        model["statements"] = dict.fromkeys(CODES, fitted)
    parts = folder / "evaluation", folder / "adapter", folder / "baseline"
    scorecard["evidence"] = collect(*parts)
    (folder / "evaluation" / "scorecard.json").write_text(json.dumps(scorecard))
    verdict = json.loads((folder / "verdict.json").read_text())
    verdict["scorecard_sha256"] = file_sha256(folder / "evaluation" / "scorecard.json")
    (folder / "verdict.json").write_text(json.dumps(verdict))
    return read_candidate(folder / "verdict.json", folder / "adapter", folder / "baseline", parts[0])


@contextmanager
def load(base: str, picture: bytes) -> Iterator[list[tuple[float, float, int, Any]]]:
    """Three clients that send one page after the other; what they got, with when it was sent and answered."""
    seen: list[tuple[float, float, int, Any]] = []
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            sent = time.monotonic()
            status, told = call(f"{base}/v1/interpret", picture)
            seen.append((sent, time.monotonic(), status, told))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join(120)


def wait_for(condition: Callable[[], Any]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def readiness(base: str) -> dict[str, Any]:
    status, told = call(f"{base}/readyz")
    assert status == 200, told
    return dict(told)


def metrics(base: str) -> str:
    with urllib.request.urlopen(f"{base}/metrics", timeout=60) as answer:
        return str(answer.read().decode())


def version_of(told: Any) -> str:
    """The version that an answer names, once its numbers are that version's."""
    slope = {"1": 1.0, "2": 3.0}[told["model"]["version"]]
    assert told["model"]["lineage"]["fingerprint"]
    return f"{told['model']['version']} {slope} " + " ".join(
        str(row["probability"]) for row in sorted(told["statements"], key=lambda row: row["code"])
    )


def test_a_server_follows_the_champion_of_a_real_registry(
    road: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWELVELEAD_GIT_REVISION", "abc123")
    port, store = free_port(), tmp_path / "store"
    store.mkdir()
    (tmp_path / "gate.yaml").write_text(POLICY)
    up = ExitStack()
    try:
        uri = up.enter_context(plain(store, port))
    except Unavailable as reason:
        pytest.skip(str(reason))
    try:
        for number, slope in enumerate((1.0, 3.0, 5.0, 7.0), start=1):
            settings = Register(tracking_uri=uri, model_name=NAME, promote=number == 1)
            done = register(candidate(road, tmp_path / f"v{number}", slope), settings)
            assert (done["version"], done["alias"]) == (
                number,
                "champion" if number == 1 else "challenger",
            )
        gone, other = (
            next(
                path
                for path in (store / "artifacts").rglob("scorecard.json")
                if f'"slope": {slope}' in path.read_text()
            )
            for slope in (5.0, 7.0)
        )
        (gone.parent / "baseline" / "model.safetensors").unlink()
        other.write_text(other.read_text().replace('"threshold": 0.5', '"threshold": 0.1'))

        cache = {"MLFLOW_TRACKING_URI": uri, "TWELVELEAD_CACHE": str(tmp_path / "cache")}
        with served(NAME, root, "--every-s", "0.3", "--threads", "1", folder=tmp_path, **cache) as (_, base):
            picture = page()
            with load(base, picture) as seen:
                wait_for(lambda: len(seen) > 5)
                command = [sys.executable, "-m", "twelvelead", "promote", "2", "--uri", uri, "--policy",
                           str(tmp_path / "gate.yaml"), "--expect", "1"]  # fmt: skip
                subprocess.run(command, cwd=root, check=True, capture_output=True)
                wait_for(lambda: [one[3]["model"]["version"] for one in seen[-5:]] == ["2"] * 5)

                move(uri, 3)  # by hand: `promote` would find out
                wait_for(lambda: "version 3 cannot be loaded" in str(readiness(base)))
                assert readiness(base)["trouble"] == "version 3 cannot be loaded; version 2 stays"
                assert "twelvelead_trouble 1.0" in metrics(base)
                assert 'twelvelead_swaps_total{outcome="failed"} 1.0' in metrics(base)
                move(uri, 4)
                wait_for(lambda: "version 4 cannot be loaded" in str(readiness(base)))

                up.close()
                wait_for(lambda: readiness(base).get("trouble") == "the registry cannot be asked")
                before = len(seen)
                wait_for(lambda: len(seen) > before + 5)
                up.enter_context(plain(store, port))
                wait_for(lambda: "version 2 stays" in readiness(base).get("trouble", ""))
                move(uri, 2)
                wait_for(lambda: "trouble" not in readiness(base))
                assert "twelvelead_trouble 0.0" in metrics(base)

            header, signals = wfdb()
            status, record = call(f"{base}/v1/interpret", *form(("r.hea", header), ("r.dat", signals)))
            log = next(tmp_path.glob("*.log")).read_text()
    finally:
        up.close()

    assert [one for one in seen if one[2] != 200] == [], "a request failed"
    assert len({version_of(one[3]) for one in seen}) == 2, "an answer mixes versions"
    switched = min(one[1] for one in seen if one[3]["model"]["version"] == "2")
    late = [one for one in seen if one[0] > switched]
    assert {one[3]["model"]["version"] for one in late} == {"2"}, "it went back"
    assert log.count("reads from now on") == 2
    assert status == 200
    assert {row["code"] for row in record["cnn"]["statements"]} == set(CODES), "the CNN came with the version"
    assert not [text for text in record["warnings"] if "CNN" in text]
    assert record["model"]["lineage"]["cnn_sha256"] == model_sha256(road / "baseline")


def form(*files: tuple[str, bytes]) -> tuple[bytes, str]:
    """Body and content type."""
    head = '--b\r\ncontent-disposition: form-data; name="file"; filename="{}"\r\n\r\n'
    parts = [head.format(name).encode() + data + b"\r\n" for name, data in files]
    return b"".join(parts) + b"--b--\r\n", "multipart/form-data; boundary=b"


def move(uri: str, version: int) -> None:
    with session(uri) as client:
        client.set_registered_model_alias(NAME, "champion", str(version))
