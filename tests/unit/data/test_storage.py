import pytest

from twelvelead.data.storage import download_prefix
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


def test_a_prefix_becomes_a_folder_with_its_tree(bucket, tmp_path):
    bucket.put_object(Bucket="models", Key="llama/config.json", Body=b"{}")
    bucket.put_object(Bucket="models", Key="llama/deep/weights.bin", Body=b"abc")
    bucket.put_object(Bucket="models", Key="llama-other/config.json", Body=b"no")
    folder = download_prefix("s3://models/llama", tmp_path)
    assert (folder / "config.json").read_bytes() == b"{}"
    assert (folder / "deep/weights.bin").read_bytes() == b"abc"
    assert not list(folder.rglob("other*"))


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
