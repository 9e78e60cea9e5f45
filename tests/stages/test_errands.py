"""Errands: artifacts go and come back with the same bytes, pages drawn apart are the same pages."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from twelvelead.data.digest import dvc_md5
from twelvelead.errors import DataError, ParamsError, SetupError
from twelvelead.params import Params, parse
from twelvelead.stages.draw import draw
from twelvelead.stages.fetch import fetch
from twelvelead.stages.outcome import outcome
from twelvelead.stages.publish import PUBLICATION, publish, restore
from twelvelead.stages.run import run

DRAWN = {"ingest": {"records": 300}, "synthesize": {"width_px": 224, "height_px": 112, "shard_mb": 1}}


@pytest.fixture(scope="module")
def params() -> Params:
    return parse(DRAWN, where="here")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, params: Params) -> Path:
    """Records, validation and pages of 300 simulated patients: five chunks of pages."""
    at = tmp_path_factory.mktemp("made")
    run("ingest", {}, at / "records", params)
    run("validate", {"records": at / "records"}, at / "validation", params)
    run("synthesize", inputs(at), at / "pages", params)
    return at


def inputs(at: Path) -> dict[str, Path]:
    return {name: at / name for name in ("validation", "records")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of artifacts: two folders and a file."""
    for name in ("pages", "records/deep"):
        (tmp_path / "at" / name).mkdir(parents=True)
        (tmp_path / "at" / name / "a.bin").write_bytes(name.encode() * 100)
    (tmp_path / "at" / "verdict.json").write_text("{}", encoding="utf-8")
    return tmp_path / "at"


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_pages_drawn_in_shares_have_the_bytes_of_pages_drawn_at_once(
    made: Path, params: Params, parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = [draw(inputs(made), tmp_path / f"{part}", params, part, parts) for part in range(parts)]
    assert sum(share["pages"] for share in shares) == 300
    shutil.rmtree(tmp_path / ".work")  # as on pods that share no volume
    monkeypatch.setattr("twelvelead.stages.synthesize._draw_chunk", lambda _: pytest.fail("drawn twice"))

    pieces = [tmp_path / f"{part}" for part in range(parts)]
    run("synthesize", inputs(made), tmp_path / "pages", params, pieces)

    assert dvc_md5(tmp_path / "pages") == dvc_md5(made / "pages")


def test_a_share_that_is_missing_is_drawn_by_synthesize(made: Path, params: Params, tmp_path: Path) -> None:
    draw(inputs(made), tmp_path / "0", params, 0, 2)
    run("synthesize", inputs(made), tmp_path / "pages", params, [tmp_path / "0"])
    assert dvc_md5(tmp_path / "pages") == dvc_md5(made / "pages")


def test_a_share_of_other_params_is_refused(made: Path, params: Params, tmp_path: Path) -> None:
    draw(inputs(made), tmp_path / "0", params, 0, 1)
    other = parse(DRAWN | {"synthesize": {"width_px": 224, "height_px": 112, "grid": "blue"}}, where="here")
    with pytest.raises(DataError, match="pieces of other inputs, params or code"):
        run("synthesize", inputs(made), tmp_path / "pages", other, [tmp_path / "0"])
    assert not (tmp_path / "pages").exists()


def test_there_is_no_part_beyond_the_last(made: Path, params: Params, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="no part 2 of 2"):
        draw(inputs(made), tmp_path / "2", params, 2, 2)


@pytest.mark.parametrize("name", ["pages", "records", "verdict.json"])
def test_what_was_published_comes_back(folder: Path, name: str, tmp_path: Path) -> None:
    told = publish({name: folder / name}, tmp_path / "publication", str(tmp_path / "remote"))
    assert told[f"md5.{name}"] == dvc_md5(folder / name)

    fetch(name, str(tmp_path / "publication" / PUBLICATION), tmp_path / "back" / name)

    assert dvc_md5(tmp_path / "back" / name) == dvc_md5(folder / name)
    assert [path.name for path in (tmp_path / "back").iterdir()] == [name], "nothing half done is left"


def test_a_pointer_without_a_push_is_the_one_that_dvc_writes(folder: Path, tmp_path: Path) -> None:
    publish({"pages": folder / "pages"}, tmp_path / "by-dvc", str(tmp_path / "remote"))
    publish({"pages": folder / "pages"}, tmp_path / "by-us")
    pointers = [
        yaml.safe_load((tmp_path / by / "pages.dvc").read_text(encoding="utf-8"))
        for by in ("by-dvc", "by-us")
    ]
    assert pointers[0] == pointers[1]
    with pytest.raises(SetupError, match="were not pushed"):
        restore(tmp_path / "by-us" / PUBLICATION, "pages", tmp_path / "x")


def test_an_artifact_that_was_not_published_names_those_that_were(folder: Path, tmp_path: Path) -> None:
    publish({"pages": folder / "pages"}, tmp_path / "publication", str(tmp_path / "remote"))
    with pytest.raises(SetupError, match=r"'adapter' was not published[\s\S]*Expected: pages"):
        restore(tmp_path / "publication" / PUBLICATION, "adapter", tmp_path / "x")


def test_a_remote_that_lost_a_file_is_not_believed(folder: Path, tmp_path: Path) -> None:
    publish({"pages": folder / "pages"}, tmp_path / "publication", str(tmp_path / "remote"))
    shutil.rmtree(tmp_path / "remote")
    with pytest.raises(SetupError, match=r"dvc pull failed: ERROR: .*pull"):
        fetch("pages", str(tmp_path / "publication" / PUBLICATION), tmp_path / "back" / "pages")
    assert list((tmp_path / "back").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is no publication"),
        ("[]", "is no publication"),
        ('{"artifacts": {"pages": "x"}}', "is no publication"),
        ('{"artifacts": {"pages": "x"}, "remote": "/r"}', "its pointer pages.dvc is not beside it"),
    ],
)
def test_what_is_no_publication_is_said_so(text: str | None, said: str, tmp_path: Path) -> None:
    place = tmp_path / PUBLICATION
    if text is not None:
        place.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match=said):
        fetch("pages", str(place), tmp_path / "back" / "pages")
    assert not (tmp_path / "back" / "pages").exists()


def test_of_a_run_on_s3_its_publication_and_one_pointer_are_fetched(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3
    import moto

    from twelvelead.data.storage import Bucket

    publish(
        {"pages": folder / "pages", "records": folder / "records"}, tmp_path / "p", str(tmp_path / "remote")
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    fetched: list[str] = []
    real = Bucket._download
    monkeypatch.setattr(Bucket, "_download", lambda self, name: (fetched.append(name), real(self, name)))
    with moto.mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="ecg")
        for item in [*(tmp_path / "p").iterdir(), folder / "pages" / "a.bin"]:
            client.put_object(Bucket="ecg", Key=f"runs/7/{item.name}", Body=item.read_bytes())
        fetch("pages", "s3://ecg/runs/7/publication.json", tmp_path / "back")
        with pytest.raises(SetupError, match="S3 cannot be read"):
            fetch("pages", "s3://ecg/runs/8/publication.json", tmp_path / "again")
    assert dvc_md5(tmp_path / "back") == dvc_md5(folder / "pages")
    assert fetched[:2] == [PUBLICATION, "pages.dvc"]
    assert "a.bin" not in fetched


def test_names_with_spaces_and_umlauts_and_empty_artifacts_come_back_too(tmp_path: Path) -> None:
    pages = tmp_path / "ä b" / "pages ü"
    (pages / "deep x").mkdir(parents=True)
    (pages / "deep x" / "é.bin").write_bytes(b"1")
    (pages / ".hidden").write_bytes(b"2")
    (tmp_path / "nothing").mkdir()
    artifacts = {"pages": pages, "quarantine": tmp_path / "nothing"}
    publish(artifacts, tmp_path / "püb x", str(tmp_path / "re mote"))
    for name, path in artifacts.items():
        fetch(name, str(tmp_path / "püb x" / PUBLICATION), tmp_path / "bäck" / name)
        assert dvc_md5(tmp_path / "bäck" / name) == dvc_md5(path)


def test_a_publication_is_of_one_time_and_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published into the folder of an earlier one: no pointer of that is left, and none when it fails."""
    place = tmp_path / "publication"
    publish({"pages": folder / "pages", "records": folder / "records"}, place)
    publish({"pages": folder / "pages"}, place)
    assert sorted(item.name for item in place.iterdir()) == ["pages.dvc", PUBLICATION]

    before = {item.name: item.read_bytes() for item in place.iterdir()}
    (folder / "pages" / "a.bin").write_bytes(b"new")
    with pytest.raises(SetupError, match=r"dvc remote failed: ERROR: .*s4"):
        publish({"pages": folder / "pages"}, place, "s4://nowhere")
    assert {item.name: item.read_bytes() for item in place.iterdir()} == before


@pytest.mark.parametrize("remote", ["https://me:hush@dav.example/dvc", "s3://bücket/dvc"])
def test_a_remote_that_would_tell_a_password_or_that_dvc_cannot_keep_is_refused(
    folder: Path, remote: str, tmp_path: Path
) -> None:
    with pytest.raises(ParamsError, match="--remote") as caught:
        publish({"pages": folder / "pages"}, tmp_path / "p", remote)
    assert "hush" not in str(caught.value)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("name", ["at/pages", "../pages", ".", "", ".hidden"])
def test_what_is_published_goes_by_a_name_and_not_by_a_path(folder: Path, name: str, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="is no artifact's name"):
        publish({name: folder / "pages"}, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_an_artifact_is_fetched_from_a_run_or_a_plain_folder_and_never_over_another(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "artifacts").symlink_to(folder)
    for number, place in enumerate((folder, tmp_path / "run")):
        fetch("pages", str(place), tmp_path / f"{number}" / "pages")
        assert dvc_md5(tmp_path / f"{number}" / "pages") == dvc_md5(folder / "pages")
    with pytest.raises(SetupError, match="there is something already"):
        fetch("pages", str(folder), tmp_path / "0" / "pages")
    with pytest.raises(SetupError, match="no artifact 'adapter'") as caught:
        fetch("adapter", str(folder), tmp_path / "a")
    assert "pages, records" in str(caught.value)


def test_a_dvc_revision_holds_artifacts_too(folder: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    shutil.copytree(folder, repo / "artifacts")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(repo)]
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *command], check=True)
    fetch("pages", f"dvc:{repo}#main:artifacts", tmp_path / "back")
    assert dvc_md5(tmp_path / "back") == dvc_md5(folder / "pages")


def test_the_end_of_a_run_is_kept_once_and_with_its_last_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'ml.db'}")
    monkeypatch.setenv("KFP_RUN_ID", "run-7")
    failed = {"state": "FAILED", "error_message": "gate: no disk"}
    outcome("training", failed, tmp_path / "a.json", Params())
    told = outcome("training", {"state": "SUCCEEDED"}, tmp_path / "b.json", Params())

    assert told["tracked"] is True
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["error"] == "gate: no disk"
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'ml.db'}")
    place = client.get_experiment_by_name("twelvelead-pipelines")
    (kept,) = client.search_runs([place.experiment_id])
    assert kept.data.tags["state"] == "SUCCEEDED"
    assert kept.info.status == "FINISHED"


@pytest.mark.parametrize(
    ("said", "state", "shown"),
    [
        ("COMPLETE", "SUCCEEDED", "FINISHED"),  # how servers up to 2.16 call a success
        ("CACHED", "SUCCEEDED", "FINISHED"),
        ("RUNNING", "RUNNING", "FINISHED"),
        (None, "UNKNOWN", "FINISHED"),
        ("FAILED", "FAILED", "FAILED"),
        ("CANCELED", "CANCELED", "FAILED"),
    ],
)
def test_the_end_is_understood_whatever_a_server_calls_it(
    said: str | None, state: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        "twelvelead.registry.outcome.record",
        lambda told, uri, *, failed: kept.append((told["state"], failed)),
    )
    outcome("training", {"state": said, "error_message": None}, tmp_path / "o.json", Params())
    assert kept == [(state, shown == "FAILED")]


def test_a_registry_out_of_reach_costs_the_entry_there_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    told = outcome("data", {"state": "FAILED", "error_message": "x"}, tmp_path / "o.json", Params())
    assert told["tracked"] is False
    assert json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))["state"] == "FAILED"
    assert "not in MLflow" in capsys.readouterr().err
