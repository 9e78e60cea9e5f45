import hashlib

import pytest

from twelvelead.data.storage import Bucket, download_prefix
from twelvelead.errors import SetupError

boto3 = pytest.importorskip("boto3")
moto = pytest.importorskip("moto")


@pytest.fixture
def bucket(monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with moto.mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="models")
        yield client


def put(client, **objects):
    for key, body in objects.items():
        client.put_object(Bucket="models", Key=key.replace("__", "/"), Body=body)


def fetched(archive, monkeypatch):
    """Names in the order in which they are really downloaded."""
    names = []
    download = archive._download

    def noted(name):
        names.append(name)
        download(name)

    monkeypatch.setattr(archive, "_download", noted)
    return names


def test_a_prefix_becomes_a_folder_with_its_tree(bucket, tmp_path):
    bucket.put_object(Bucket="models", Key="llama/config.json", Body=b"{}")
    bucket.put_object(Bucket="models", Key="llama/deep/weights.bin", Body=b"abc")
    bucket.put_object(Bucket="models", Key="llama-other/config.json", Body=b"no")
    folder = download_prefix("s3://models/llama", tmp_path)
    assert (folder / "config.json").read_bytes() == b"{}"
    assert (folder / "deep/weights.bin").read_bytes() == b"abc"
    assert not list(folder.rglob("other*"))


def test_two_who_fetch_the_same_at_once_do_not_take_each_others_file(bucket, tmp_path, monkeypatch):
    """The ranks of a machine, or nodes on one cache, all ask for a base that is not there yet."""
    bucket.put_object(Bucket="models", Key="llama/a.safetensors", Body=b"weights")
    first, second = (Bucket("s3://models/llama", tmp_path) for _ in range(2))
    download = first._client.download_file

    def met(*arguments, **named):
        download(*arguments, **named)
        assert not list(tmp_path.glob("*.safetensors")), "half of it has no name that a reader looks for"
        second.fetch(["a.safetensors"])

    monkeypatch.setattr(first._client, "download_file", met)
    first.fetch(["a.safetensors"])
    assert (tmp_path / "a.safetensors").read_bytes() == b"weights"
    assert not list(tmp_path.glob("*.part"))


def test_what_is_there_is_not_fetched_again_and_what_changed_is(bucket, tmp_path):
    bucket.put_object(Bucket="models", Key="llama/a", Body=b"one")
    bucket.put_object(Bucket="models", Key="llama/b", Body=b"two")
    folder = download_prefix("s3://models/llama", tmp_path)
    untouched = (folder / "a").stat().st_mtime_ns
    bucket.put_object(Bucket="models", Key="llama/b", Body=b"TWO")
    download_prefix("s3://models/llama", tmp_path)
    assert (folder / "a").stat().st_mtime_ns == untouched
    assert (folder / "b").read_bytes() == b"TWO"


def test_an_empty_prefix_and_a_missing_bucket_are_setup_errors(bucket, tmp_path):
    with pytest.raises(SetupError, match="no objects"):
        download_prefix("s3://models/nothing", tmp_path)
    with pytest.raises(SetupError, match="S3 cannot be read"):
        download_prefix("s3://nowhere/x", tmp_path)


def test_only_what_is_asked_for_is_fetched_and_folders_are_listed_once(bucket, tmp_path, monkeypatch):
    put(bucket, **{f"px__records500__00000__{n}.dat": b"x" for n in range(5)}, px__table=b"t", other=b"o")
    archive = Bucket("s3://models/px/", tmp_path)
    listings = []
    monkeypatch.setattr(
        archive, "_list", lambda under, real=archive._list: (listings.append(under), real(under))
    )
    assert archive.has("records500/00000/1.dat")
    assert not archive.has("records500/00000/9.dat")
    archive.fetch(["records500/00000/1.dat", "table"])
    files = sorted(p.name for p in tmp_path.rglob("*") if p.is_file() and not p.name.startswith("."))
    assert files == ["1.dat", "table"]
    assert set(listings) == {"records500/00000/", "table"}
    assert archive.names() == [*(f"records500/00000/{n}.dat" for n in range(5)), "table"]


def test_a_second_run_fetches_only_what_the_killed_one_had_not(bucket, tmp_path, monkeypatch):
    put(bucket, px__a=b"1", px__b=b"2", px__c=b"3")
    Bucket("s3://models/px", tmp_path).fetch(["a"])
    (tmp_path / "b").write_bytes(b"half of it, without a mark")
    put(bucket, px__a=b"1")
    archive = Bucket("s3://models/px", tmp_path)
    names = fetched(archive, monkeypatch)
    archive.fetch(["a", "b", "c"])
    assert sorted(names) == ["b", "c"]
    assert (tmp_path / "b").read_bytes() == b"2"


def test_a_file_with_a_wrong_checksum_is_fetched_once_more(bucket, tmp_path, monkeypatch):
    put(bucket, px__a=b"right", px__b=b"wrong for good")
    archive = Bucket("s3://models/px", tmp_path)
    download = archive._download
    tries = []

    def garbled_at_first(name):
        tries.append(name)
        download(name)
        if name == "a" and tries.count("a") == 1:
            (tmp_path / "a").write_bytes(b"garbled")

    monkeypatch.setattr(archive, "_download", garbled_at_first)
    archive.fetch(["a", "b"], {"a": hashlib.sha256(b"right").hexdigest(), "b": "0" * 64})
    assert sorted(tries) == ["a", "a", "b", "b"]
    assert (tmp_path / "a").read_bytes() == b"right"


def test_anonymous_requests_carry_no_signature(bucket, tmp_path):
    seen = {}
    for anonymous in (False, True):
        client = Bucket("s3://models/px", tmp_path, anonymous=anonymous)._client
        client.meta.events.register(
            "before-send.s3.*",
            lambda request, anonymous=anonymous, **_: seen.update({anonymous: dict(request.headers)}),
        )
        client.list_objects_v2(Bucket="models")
    assert "Authorization" in seen[False]
    assert "Authorization" not in seen[True]


def test_an_object_that_is_not_there_is_a_setup_error(bucket, tmp_path):
    with pytest.raises(SetupError, match=r"S3 cannot be read(?s:.*)ingest\.anonymous"):
        Bucket("s3://models/px", tmp_path).fetch(["gone"])


def test_a_key_cannot_leave_the_folder(bucket, tmp_path):
    bucket.put_object(Bucket="models", Key="px/../../evil", Body=b"x")
    with pytest.raises(SetupError, match="leaves the folder"):
        Bucket("s3://models/px", tmp_path).names()
