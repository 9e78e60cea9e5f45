"""Many small files in few large ones, and back."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from twelvelead.data.pack import exists, pack, read_bytes
from twelvelead.data.wfdb import read_record, write_record
from twelvelead.errors import RecordError


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(1)
    for top in ("records100", "records500"):
        for number in range(6):
            place = tmp_path / "loose" / top / f"0{number // 3}000" / f"{number:05d}"
            place.parent.mkdir(parents=True, exist_ok=True)
            write_record(place, rng.integers(-900, 900, (1000, 12)).astype(np.int16), 100)
    return tmp_path / "loose"


def test_packed_records_are_read_by_their_old_names_and_equal_the_loose_ones(folder, tmp_path):
    packed = tmp_path / "packed"
    packed.mkdir()
    names = pack(folder, packed)
    assert names == ["records100-000.zip", "records500-000.zip"]
    for file in sorted(folder.rglob("*.hea")):
        name = file.relative_to(folder).with_suffix("")
        assert np.array_equal(read_record(packed / name).signal_mv, read_record(folder / name).signal_mv)
        assert read_bytes(packed / f"{name}.dat") == (folder / f"{name}.dat").read_bytes()


def test_the_same_files_give_the_same_bytes_whatever_their_age(folder, tmp_path):
    volumes = []
    for name in ("a", "b"):
        copy, output = tmp_path / f"copy-{name}", tmp_path / name
        shutil.copytree(folder, copy, copy_function=shutil.copyfile)
        output.mkdir()
        pack(copy, output)
        volumes.append((output / "records100-000.zip").read_bytes())
    assert volumes[0] == volumes[1]


def test_volumes_are_cut_at_their_size_and_a_plain_unzip_gives_the_folder_back(folder, tmp_path):
    packed, back = tmp_path / "packed", tmp_path / "back"
    packed.mkdir()
    (tmp_path / "whole").mkdir()
    folder.rename(tmp_path / "whole" / "loose")
    folder = tmp_path / "whole" / "loose"
    names = pack(tmp_path / "whole", packed, volume_mb=0)  # every file its own volume
    assert len(names) == 24
    for name in names:
        subprocess.run(["python3", "-m", "zipfile", "-e", packed / name, back], check=True)
    loose = sorted(item.relative_to(folder) for item in folder.rglob("*") if item.is_file())
    assert [(back / "loose" / item).read_bytes() for item in loose] == [
        (folder / item).read_bytes() for item in loose
    ]


def test_damage_and_absence_are_named(folder, tmp_path):
    packed = tmp_path / "packed"
    packed.mkdir()
    pack(folder, packed)
    assert not exists(packed / "records100/00000/00099.hea")
    with pytest.raises(RecordError, match="missing"):
        read_record(packed / "records100/00000/00099")
    volume = packed / "records100-000.zip"
    data = bytearray(volume.read_bytes())
    at = bytes(data).index((folder / "records100/00000/00001.dat").read_bytes())
    data[at + 100] ^= 255
    volume.write_bytes(data)
    with pytest.raises(RecordError, match=r"records100-000\.zip is damaged"):
        read_record(packed / "records100/00000/00001")
    assert read_record(packed / "records100/00000/00002").n_samples == 1000
    volume.unlink()
    volume.write_bytes(bytes(data[:5000]))
    with pytest.raises(RecordError, match="no whole ZIP"):
        read_record(packed / "records100/00000/00002")
