"""What a killed server leaves in memory is removed by the next one, and nobody else's."""

import os
from pathlib import Path

import pytest

from twelvelead.serving import folder
from twelvelead.serving.folder import OWNED, OwnFolder


@pytest.fixture(autouse=True)
def memory(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "MEMORY", tmp_path)
    return tmp_path


def old(name):
    os.utime(Path(name, OWNED), (1, 1))


def test_a_folder_is_ours_alone_and_goes_with_all_that_is_in_it(memory):
    own = OwnFolder()
    Path(own.name, "record.dat").write_bytes(b"a patient's")
    assert Path(own.name).parent == memory
    assert Path(own.name).stat().st_mode & 0o077 == 0
    own.remove()
    assert list(memory.iterdir()) == []


def test_what_a_killed_server_left_is_swept_and_what_is_in_use_is_not():
    left, used, young = OwnFolder(), OwnFolder(), OwnFolder()
    for one in (left, young):
        Path(one.name, "record.dat").write_bytes(b"a patient's")
        os.close(one._lock)  # as the kernel does for a killed process
    old(left.name)
    old(used.name)
    OwnFolder()
    assert not Path(left.name).exists()
    assert Path(used.name).exists()
    assert Path(young.name).exists(), "it may not be locked yet"


def test_other_folders_are_nobodys_business(memory):
    (memory / "twelvelead-mine").mkdir()
    (memory / "elsewhere").mkdir()
    (memory / "elsewhere" / OWNED).touch()
    old(memory / "elsewhere")
    (memory / "twelvelead-link").symlink_to(memory / "elsewhere")
    OwnFolder()
    assert (memory / "twelvelead-mine").is_dir()
    assert (memory / "elsewhere").is_dir()
