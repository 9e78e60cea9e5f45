"""DVC and our own download against a real S3 server: push, pull, raw data by version, dropped connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.data.weed import Server
from tests.data.wire import LARGE, Wire

from twelvelead.data.digest import dvc_md5
from twelvelead.data.storage import download_prefix
from twelvelead.errors import SetupError

pytestmark = pytest.mark.slow
Dvc = Callable[..., subprocess.CompletedProcess[str]]
SHARDS = {f"records500-{number:05d}.tar": 4 * LARGE + number for number in range(6)}
FILES = SHARDS | {"index.parquet": 20_000}
ARRIVE = 2  # shards that come through before the wire is cut in the middle of the next


def fill(folder: Path) -> Path:
    """A few files that do not compress, as shards of records are."""
    folder.mkdir(parents=True)
    for seed, (name, size) in enumerate(FILES.items()):
        (folder / name).write_bytes(np.random.default_rng(seed).bytes(size))
    return folder


@pytest.fixture
def bucket(s3_server: Server, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own."""
    name = "t" + request.node.name.removeprefix("test_").replace("_", "-")[:50].strip("-")
    s3_server.client().create_bucket(Bucket=name)
    return name


@pytest.fixture
def dvc(tmp_path: Path, s3_server: Server) -> Dvc:
    """Run dvc in `repo`, a git repository, with the server's address and credentials in the environment."""
    aside = tmp_path / "site"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}

    def call(
        *arguments: str, cwd: Path = tmp_path / "repo", fails: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(Path(sys.executable).parent / "dvc"), *arguments],
            cwd=cwd,
            env=clean
            | s3_server.environment()
            | {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(aside)}
            | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert bool(done.returncode) == fails, f"dvc {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done

    (tmp_path / "repo").mkdir()
    git(tmp_path / "repo", "init", "--quiet")
    call("init", "--quiet")
    return call


def git(cwd: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *arguments], cwd=cwd, check=True, capture_output=True)


def objects(server: Server, bucket: str) -> dict[str, tuple[int, Any]]:
    """Size and time of writing of every object, by key."""
    found = server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"]: (item["Size"], item["LastModified"]) for item in found}


def shards(found: Iterable[int]) -> list[int]:
    """The sizes that are those of large transfers, in order."""
    return sorted(size for size in found if size >= LARGE)


def test_what_was_pushed_comes_back_in_another_clone(
    dvc: Dvc, s3_server: Server, bucket: str, tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    revision = dvc_md5(fill(repo / "records"))
    dvc("remote", "add", "--default", "s3", f"s3://{bucket}/dvc")
    dvc("add", "--quiet", "records")
    dvc("push")
    assert "Everything is up to date" in dvc("push").stdout
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "one")

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(repo), str(clone))
    dvc("pull", cwd=clone)
    assert dvc_md5(clone / "records") == revision
    assert len(objects(s3_server, bucket)) == len(FILES) + 1, "every file once, and the list of the folder"


def test_a_push_that_was_cut_off_sends_only_what_is_missing(
    dvc: Dvc, s3_server: Server, bucket: str, wire: Wire, tmp_path: Path
) -> None:
    revision = dvc_md5(fill(tmp_path / "repo" / "records"))
    dvc("remote", "add", "--default", "s3", f"s3://{bucket}/dvc")
    dvc("add", "--quiet", "records")

    wire.cut_after(ARRIVE)
    dvc("push", fails=True, AWS_ENDPOINT_URL=wire.url)
    there = objects(s3_server, bucket)
    arrived = shards(size for size, _ in there.values())
    assert len(arrived) == ARRIVE
    assert set(arrived) < set(SHARDS.values()), "what is there is whole"
    assert not any(key.endswith(".dir") for key in there), "the list of the folder comes last"

    wire.mend()
    dvc("push", AWS_ENDPOINT_URL=wire.url)
    after = objects(s3_server, bucket)
    assert wire.whole == len(SHARDS) - ARRIVE, "only what was missing was sent"
    assert {key: after[key] for key in there} == there, "what had arrived was not written again"
    assert len(after) == len(FILES) + 1
    assert shards(size for size, _ in after.values()) == sorted(SHARDS.values())
    shutil.rmtree(tmp_path / "repo" / ".dvc" / "cache")
    shutil.rmtree(tmp_path / "repo" / "records")
    dvc("pull")
    assert dvc_md5(tmp_path / "repo" / "records") == revision


def test_a_pull_that_was_cut_off_goes_on(
    dvc: Dvc, s3_server: Server, bucket: str, wire: Wire, tmp_path: Path
) -> None:
    repo = tmp_path / "repo"
    revision = dvc_md5(fill(repo / "records"))
    dvc("remote", "add", "--default", "s3", f"s3://{bucket}/dvc")
    dvc("add", "--quiet", "records")
    dvc("push")
    shutil.rmtree(repo / "records")
    shutil.rmtree(repo / ".dvc" / "cache")

    wire.cut_after(ARRIVE)
    dvc("pull", fails=True, AWS_ENDPOINT_URL=wire.url)
    cached = {path: path.stat().st_mtime_ns for path in kept_shards(repo / ".dvc" / "cache")}
    assert len(cached) == ARRIVE
    assert {path.stat().st_size for path in cached} < set(SHARDS.values())

    wire.mend()
    dvc("pull", AWS_ENDPOINT_URL=wire.url)
    assert wire.whole == len(SHARDS) - ARRIVE, "what had come was not fetched again"
    assert dvc_md5(repo / "records") == revision
    assert {path: path.stat().st_mtime_ns for path in cached} == cached, "what had come was kept"


def kept_shards(cache: Path) -> list[Path]:
    """Shards in a DVC cache: files named by their MD5 there, without those half written under other names."""
    return [path for path in cache.glob("files/md5/??/*") if path.stat().st_size >= LARGE]


def test_raw_data_is_followed_by_version_and_never_copied(
    dvc: Dvc, s3_server: Server, bucket: str, tmp_path: Path
) -> None:
    client, repo = s3_server.client(), tmp_path / "repo"
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket=bucket, Key="raw/table.csv", Body=b"first")
    client.put_object(Bucket=bucket, Key="raw/records/1.dat", Body=b"samples")
    client.create_bucket(Bucket=f"{bucket}-dvc")
    dvc("remote", "add", "--default", "s3", f"s3://{bucket}-dvc")
    dvc("import-url", "--version-aware", f"s3://{bucket}/raw", "raw")

    [out] = yaml.safe_load((repo / "raw.dvc").read_text(encoding="utf-8"))["outs"]
    assert out["push"] is False
    assert (repo / "raw.dvc").read_text(encoding="utf-8").count("version_id") >= 2  # one for each file
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "first")

    client.put_object(Bucket=bucket, Key="raw/table.csv", Body=b"second")
    dvc("update", "raw.dvc")
    assert (repo / "raw" / "table.csv").read_bytes() == b"second"

    git(repo, "checkout", "--quiet", "raw.dvc")
    shutil.rmtree(repo / ".dvc" / "cache")
    shutil.rmtree(repo / "raw")
    dvc("pull")
    assert (repo / "raw" / "table.csv").read_bytes() == b"first", "the old version, from where it always was"
    dvc("push")
    assert objects(s3_server, f"{bucket}-dvc") == {}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without anything of AWS."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_a_publication_lies_in_the_bucket_once_and_is_sent_once(
    s3_server: Server, bucket: str, tmp_path: Path, bare: pytest.MonkeyPatch
) -> None:
    """`dvc add --to-remote` would send all of it again each time, and leave it there a second time."""
    from twelvelead.stages.fetch import fetch
    from twelvelead.stages.publish import publish

    for name, value in s3_server.environment().items():
        bare.setenv(name, value)

    def objects() -> dict[str, str]:
        listed = s3_server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
        return {item["Key"]: str(item["LastModified"]) for item in listed}

    (tmp_path / "pages").mkdir()
    for name in ("a.bin", "ä b.bin"):
        (tmp_path / "pages" / name).write_bytes(name.encode() * 1000)
    publish({"pages": tmp_path / "pages"}, tmp_path / "first", f"s3://{bucket}/dvc")
    before = objects()
    publish({"pages": tmp_path / "pages"}, tmp_path / "second", f"s3://{bucket}/dvc")
    assert objects() == before
    assert len(before) == 3, "two files and their list"

    (one, *_) = [key for key in before if not key.endswith(".dir")]
    s3_server.client().delete_object(Bucket=bucket, Key=one)
    with pytest.raises(SetupError, match="dvc pull failed: ERROR: failed to transfer"):
        fetch("pages", str(tmp_path / "second" / "publication.json"), tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_wrong_credentials_say_what_to_check(
    s3_server: Server, bucket: str, tmp_path: Path, bare: pytest.MonkeyPatch
) -> None:
    s3_server.client().put_object(Bucket=bucket, Key="raw/a", Body=b"a")
    for name, value in (s3_server.environment() | {"AWS_SECRET_ACCESS_KEY": "wrong"}).items():
        bare.setenv(name, value)
    with pytest.raises(SetupError, match="SignatureDoesNotMatch") as refused:
        download_prefix(f"s3://{bucket}/raw", tmp_path)
    assert "AWS_SECRET_ACCESS_KEY" in str(refused.value)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_download_that_was_cut_off_goes_on(
    s3_server: Server, bucket: str, wire: Wire, tmp_path: Path, bare: pytest.MonkeyPatch
) -> None:
    source = fill(tmp_path / "source")
    for path in source.iterdir():
        s3_server.client().upload_file(str(path), bucket, f"raw/{path.name}")
    for name, value in s3_server.environment(wire.url).items():
        bare.setenv(name, value)
    bare.setattr("twelvelead.data.storage.ATTEMPTS", 1)

    wire.cut_after(ARRIVE)
    with pytest.raises(SetupError, match="S3 cannot be read"):
        download_prefix(f"s3://{bucket}/raw", tmp_path / "cache")
    came = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("records500*")}
    assert len(came) == ARRIVE
    assert all(path.read_bytes() == (source / path.name).read_bytes() for path in came)

    wire.mend()
    folder = download_prefix(f"s3://{bucket}/raw", tmp_path / "cache")
    assert wire.whole == len(SHARDS) - ARRIVE, "what had come was not fetched again"
    assert {path: path.stat().st_mtime_ns for path in came} == came
    assert {name: (folder / name).read_bytes() for name in FILES} == {
        name: (source / name).read_bytes() for name in FILES
    }
