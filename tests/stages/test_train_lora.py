"""Stage train_lora on hand-made pages and questions: alone, on two processes, told what to learn."""

import contextlib
import io
import json
import os

import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch")

from twelvelead.data.shard import write_parquet
from twelvelead.errors import Error
from twelvelead.instruct.sample import messages
from twelvelead.params import TrainLora
from twelvelead.stages.train_lora import train_lora

QUICK = {"rank": 2, "alpha": 4, "epochs": 1, "pages_per_step": 4, "questions_per_page": 4, "threads": 1}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Twelve pages, eight of them to train on; each has a fixed question, a measured one and a free one."""
    folder = tmp_path_factory.mktemp("made")
    pages, asked = [], {"train": [], "validation": []}
    for number in range(12):
        dark = number % 2 == 0
        stream = io.BytesIO()
        picture = Image.new("RGB", (336, 336), (255, 255, 255))
        ImageDraw.Draw(picture).rectangle((0, 0, 167 + 168 * dark, 335), fill=(0, 0, 0))
        picture.save(stream, "PNG")
        name = f"{number:05d}-0"
        pages.append(
            {"page_id": name, "record_id": name[:5], "image": {"bytes": stream.getvalue(), "path": name}}
        )
        questions = {
            "statement": ("Does this ECG show darkness?", "Yes" if dark else "No"),
            "measurement": ("What is the heart rate?", "70 bpm"),
            "feature": ("Tell me of the darkness of this page in a few words.", "It is dark on one side."),
        }
        for family, (question, answer) in questions.items():
            row = {"page_id": name, "family": family, "messages": messages(question, answer)}
            asked["train" if number < 8 else "validation"].append(row)
    for place in ("pages", "instructions"):
        (folder / place).mkdir()
    write_parquet(pa.Table.from_pylist(pages), folder / "pages" / "pages-00000.parquet")
    for split, rows in asked.items():
        write_parquet(pa.Table.from_pylist(rows), folder / "instructions" / f"{split}-00000.parquet")
    return {"pages": folder / "pages", "instructions": folder / "instructions"}


def run(inputs, folder, root, **changes):
    output = folder / "adapter"
    output.mkdir(parents=True)
    params = TrainLora(**{"base": str(root / "models/tiny"), **QUICK, **changes})
    return train_lora(inputs, output, params, folder / "work"), output


def loss_of(output):
    return json.loads((output / "metrics.json").read_text())["history"][0]["loss"]


def test_two_processes_write_the_adapter_of_one(inputs, tmp_path, root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root / "src"))
    told = []

    class Listener:
        def log(self, metrics, step):
            told[-1].append({"step": step} | metrics)

    @contextlib.contextmanager
    def listening(stage):
        told.append([])
        yield Listener()

    monkeypatch.setattr("twelvelead.stages.train_lora.live", listening)
    alone, one = run(inputs, tmp_path / "one", root)
    both, two = run(inputs, tmp_path / "two", root, processes=2)
    assert both == alone
    for points, output in zip(told, (one, two), strict=True):  # the tracker hears of both alike
        assert points == [json.loads(line) for line in (output / "curves.jsonl").read_text().splitlines()]
        assert points[-1].keys() >= {"epoch_loss", "fold9_macro_auc"}
    assert loss_of(two) == pytest.approx(loss_of(one), rel=1e-4)
    names = {path.name for path in one.iterdir()}
    assert names >= {"adapter_model.safetensors", "modules.json", "base.json", "metrics.json", "curves.jsonl"}
    assert {path.name for path in two.iterdir()} == names


def test_only_the_named_families_are_learnt_beside_the_statements(inputs, tmp_path, root):
    _, everything = run(inputs, tmp_path / "all", root)
    _, measured = run(inputs, tmp_path / "some", root, families=("measurement",))
    _, fixed = run(inputs, tmp_path / "none", root, families=("statement",))
    assert len({loss_of(everything), loss_of(measured), loss_of(fixed)}) == 3


def test_a_process_that_fails_ends_the_stage_with_a_sentence(inputs, tmp_path, root, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(root / "src"))
    with pytest.raises(Error, match="one of 2 training processes ended with"):
        run(inputs, tmp_path, root, processes=2, base=str(tmp_path / "no base"))


def test_an_adapter_is_merged_into_a_base_that_loads_by_itself(inputs, tmp_path, root):
    from twelvelead.errors import SetupError
    from twelvelead.models.mllama import load_base
    from twelvelead.stages.merge import merge

    _, adapter = run(inputs, tmp_path / "one", root)
    found = merge(adapter, tmp_path / "merged")
    whole, base = load_base(str(tmp_path / "merged")), load_base(str(root / "models/tiny"))
    assert found["sha256_of_base"] == base.sha256 != whole.sha256
    assert whole.verbalisers == base.verbalisers
    with pytest.raises(SetupError, match="is there already"):
        merge(adapter, tmp_path / "merged")
    with pytest.raises(SetupError, match="holds no adapter"):
        merge(tmp_path, tmp_path / "other")
    (tmp_path / "base.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SetupError, match="names no base"):
        merge(tmp_path, tmp_path / "other")
    (tmp_path / f".tmp-{os.getpid()}-again" / "half").mkdir(parents=True)  # of a killed one of our number
    merge(adapter, tmp_path / "again")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".tmp")]


@pytest.mark.parametrize(
    ("gpus", "asked", "started"), [(0, 2, 2), (1, 2, 1), (4, 2, 2), (2, 8, 2), (0, 1, 1)]
)
def test_no_more_processes_are_started_than_there_are_gpus(monkeypatch, capfd, gpus, asked, started):
    import torch

    from twelvelead.launch.processes import allowed

    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert allowed(asked) == started
    assert ("one a GPU" in capfd.readouterr().err) == (started < asked)
