import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from twelvelead.data.digest import dvc_md5, file_sha256, read_sums
from twelvelead.errors import DataError

DVC = Path(sys.executable).with_name("dvc")


def dvc(folder, *arguments):
    done = subprocess.run([DVC, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    if not DVC.is_file():
        pytest.skip("no dvc command beside this Python")
    folder = tmp_path_factory.mktemp("dvc")
    (folder / "tree/b/deep").mkdir(parents=True)
    for name, content in {
        "a.txt": "one",
        "b/ä.txt": "zwei",
        "b/deep/c d.bin": "\0\1",
        "b.txt": "",
        "B": "b",
    }.items():
        (folder / "tree" / name).write_bytes(content.encode())
    (folder / "verdict.json").write_text("{}\n")
    stage = {"cmd": "cp verdict.json copy.json", "deps": ["verdict.json", "tree"], "outs": ["copy.json"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"copy": stage}}))
    dvc(folder, "init", "--no-scm", "-q")
    dvc(folder, "repro", "-q")
    return folder


def test_the_digests_of_a_file_and_a_folder_are_those_in_dvc_lock(repository):
    lock = yaml.safe_load((repository / "dvc.lock").read_text())["stages"]["copy"]
    recorded = {entry["path"]: entry["md5"] for entry in [*lock["deps"], *lock["outs"]]}
    assert len(recorded) == 3
    assert {path: dvc_md5(repository / path) for path in recorded} == recorded


def test_the_digest_of_a_folder_is_what_dvc_add_records(repository):
    before = dvc_md5(repository / "tree")
    dvc(repository, "add", "-q", "--no-commit", "verdict.json")
    added = yaml.safe_load((repository / "verdict.json.dvc").read_text())["outs"][0]
    assert added["md5"] == dvc_md5(repository / "verdict.json")
    assert dvc_md5(repository / "tree") == before


def test_any_change_of_a_folder_changes_its_digest(tmp_path):
    (tmp_path / "tree").mkdir()
    seen = {dvc_md5(tmp_path / "tree")}
    for name, content in [("a", "1"), ("a", "2"), ("b", "2")]:
        (tmp_path / "tree" / name).write_text(content)
        seen.add(dvc_md5(tmp_path / "tree"))
    assert len(seen) == 4


def test_a_missing_path_is_not_an_empty_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        dvc_md5(tmp_path / "nothing")


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a").startswith("ba7816bf")


def test_a_list_of_checksums_is_read_as_sha256sum_writes_it(tmp_path):
    digest = "ab" * 32
    (tmp_path / "s").write_text(f"{digest}  a/b.dat\n{digest.upper()} *./c d.hea\n\n")
    assert read_sums(tmp_path / "s") == {"a/b.dat": digest, "c d.hea": digest}
    (tmp_path / "s").write_text(f"{digest}  a\n<html>Not found</html>\n")
    with pytest.raises(DataError, match="line 2 is no checksum"):
        read_sums(tmp_path / "s")
