"""A stage's output appears whole or not at all, and carries what it was made of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from twelvelead.errors import DataError, ParamsError, SetupError
from twelvelead.params import Params, parse
from twelvelead.stages import STAGES, find
from twelvelead.stages import run as runner
from twelvelead.stages.run import run

Function = Callable[[Mapping[str, Path], Path, Any, Path], dict[str, Any]]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of artifacts, with its work folder beside them."""
    monkeypatch.delenv("TWELVELEAD_WORK", raising=False)
    return tmp_path / "artifacts"


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Callable[[Function], None]:
    """Put a function in the place of every stage's own."""

    def put(function: Function) -> None:
        monkeypatch.setattr(runner, "_function", lambda stage: function)

    return put


def _write(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
    (output / "data.txt").write_text("new", encoding="utf-8")
    return {"files": 1}


def _tree(folder: Path) -> set[str]:
    return {item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file()}


def test_names_sections_inputs_and_outputs_fit_together() -> None:
    made: set[str] = set()
    for stage in STAGES:
        assert set(stage.inputs) <= made, f"{stage.name} reads what no stage before it makes"
        assert stage.output not in made
        made.add(stage.output)
        assert find(stage.name) is find(stage.command) is stage
        assert Params().section(stage.name) is not None


def test_a_stage_that_is_not_there_is_named() -> None:
    with pytest.raises(ParamsError, match="there is no stage 'deploy'"):
        find("deploy")


def test_a_finished_stage_leaves_its_output_and_nothing_else(
    at: Path, behave: Callable[[Function], None]
) -> None:
    behave(_write)
    assert run("ingest", {}, at / "records", Params()) == {"files": 1}
    assert _tree(at) == {"records/data.txt", "records/lineage.json"}


def test_a_new_output_replaces_the_old_one_entirely(at: Path, behave: Callable[[Function], None]) -> None:
    (at / "records").mkdir(parents=True)
    (at / "records" / "left-over.txt").touch()
    behave(_write)
    run("ingest", {}, at / "records", Params())
    assert _tree(at / "records") == {"data.txt", "lineage.json"}


def test_a_file_output_is_a_file(at: Path, behave: Callable[[Function], None]) -> None:
    def write(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
        output.write_text("{}", encoding="utf-8")
        return {}

    (at / "evaluation").mkdir(parents=True)
    behave(write)
    run("gate", {"evaluation": at / "evaluation"}, at / "verdict.json", Params())
    assert (at / "verdict.json").read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), SetupError("no base"), KeyboardInterrupt()])
def test_a_stage_that_fails_leaves_the_old_output_untouched(
    at: Path, behave: Callable[[Function], None], fault: BaseException
) -> None:
    def fail(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
        _write(inputs, output, params, work)
        raise fault

    (at / "records").mkdir(parents=True)
    (at / "records" / "data.txt").write_text("old", encoding="utf-8")
    behave(fail)
    with pytest.raises(type(fault)):
        run("ingest", {}, at / "records", Params())
    assert (at / "records" / "data.txt").read_text(encoding="utf-8") == "old"
    assert _tree(at) == {"records/data.txt"}


def test_rejected_data_is_kept_beside_so_that_it_can_be_looked_at(
    at: Path, behave: Callable[[Function], None]
) -> None:
    def reject(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
        (output / "quarantine.txt").write_text("why", encoding="utf-8")
        raise DataError("too many bad records")

    behave(reject)
    with pytest.raises(DataError):
        run("ingest", {}, at / "records", Params())
    assert not (at / "records").exists()
    assert (at / "records.rejected" / "quarantine.txt").read_text(encoding="utf-8") == "why"


def test_a_killed_stage_leaves_no_output_and_its_work_is_found_again(at: Path) -> None:
    script = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from twelvelead.params import Params
        from twelvelead.stages import run as runner

        def stage(inputs, output, params, work):
            done = sorted(path.name for path in work.iterdir())
            (work / f"shard-{len(done)}").touch()
            (output / "shards.txt").write_text(" ".join(done))
            if not done:
                os.kill(os.getpid(), signal.SIGKILL)
            return {}

        runner._function = lambda stage_: stage
        runner.run("ingest", {}, Path(sys.argv[1]), Params())
        """
    )
    command = [sys.executable, "-c", script, str(at / "records")]
    environment = {key: value for key, value in os.environ.items() if key != "TWELVELEAD_WORK"}
    killed = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (at / "records").exists()
    subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=True)
    assert (at / "records" / "shards.txt").read_text(encoding="utf-8") == "shard-0"


def test_work_of_other_params_or_other_inputs_is_never_taken_up(
    at: Path, behave: Callable[[Function], None]
) -> None:
    folders: list[Path] = []

    def fail(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
        folders.append(work)
        raise SetupError("stop")

    (at / "records").mkdir(parents=True)
    record = at / "records" / "a.txt"
    record.write_text("1", encoding="utf-8")
    behave(fail)
    settings = [{}, {}, {"max_nan_share": 0.5}]
    for section, content in zip([*settings, {}], ["1", "1", "1", "2"], strict=True):
        record.write_text(content, encoding="utf-8")
        with pytest.raises(SetupError):
            run(
                "validate",
                {"records": at / "records"},
                at / "validation",
                parse({"validate": section}, where="here"),
            )
    assert folders[0] == folders[1]
    assert len(set(folders)) == 3


def test_the_work_folder_can_be_put_elsewhere(
    at: Path, behave: Callable[[Function], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWELVELEAD_WORK", str(tmp_path / "work"))
    seen: list[Path] = []

    def note(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
        seen.append(work)
        return {}

    behave(note)
    run("ingest", {}, at / "records", Params())
    assert seen[0].parent == tmp_path / "work"
    assert not seen[0].exists(), "work is thrown away when the output stands"


def test_lineage_tells_every_stage_before_and_no_place_or_time(
    at: Path, behave: Callable[[Function], None], tmp_path: Path
) -> None:
    behave(_write)

    def chain(place: Path) -> dict[str, Any]:
        run("ingest", {}, place / "records", Params())
        run("validate", {"records": place / "records"}, place / "validation", Params())
        found: dict[str, Any] = json.loads(
            (place / "validation" / "lineage.json").read_text(encoding="utf-8")
        )
        return found

    first, second = chain(at), chain(tmp_path / "elsewhere")
    assert first == second
    assert list(first) == ["ingest", "validate"]
    assert first["ingest"]["params"]["records"] == Params().ingest.records
    assert first["validate"]["inputs"]["records"].endswith(".dir")
    assert str(tmp_path) not in json.dumps(first)


def test_where_an_adapter_is_trained_is_not_of_its_lineage(
    at: Path, behave: Callable[[Function], None], tmp_path: Path
) -> None:
    """Nor of the key of its work folder: a checkpoint of two nodes is found by a training on one."""
    seen: list[str] = []

    def note(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
        seen.append(work.name)
        (output / "data.txt").write_text("x", encoding="utf-8")
        return {}

    behave(note)
    for name in ("instructions", "pages"):
        (at / name).mkdir(parents=True)
        (at / name / "data.txt").write_text(name, encoding="utf-8")
    inputs = {name: at / name for name in ("instructions", "pages")}
    told = []
    for section in ({}, {"launch": {"backend": "trainjob", "nodes": 8}}, {"rank": 5}):
        run("train_lora", inputs, at / "adapter", Params.model_validate({"train_lora": section}))
        told.append(json.loads((at / "adapter" / "lineage.json").read_text(encoding="utf-8")))
    assert told[0] == told[1] != told[2]
    assert seen[0] == seen[1] != seen[2]
    assert "launch" not in told[0]["train_lora"]["params"]


def test_a_stage_sees_its_own_section_only(at: Path, behave: Callable[[Function], None]) -> None:
    seen: list[Any] = []

    def note(inputs: Mapping[str, Path], output: Path, params: Any, work: Path) -> dict[str, Any]:
        seen.append(params)
        return {}

    behave(note)
    run("ingest", {}, at / "records", Params())
    assert seen == [Params().ingest]


def test_a_missing_input_is_named_before_anything_is_written(at: Path) -> None:
    with pytest.raises(SetupError, match="input 'records' is missing") as caught:
        run("validate", {"records": at / "records"}, at / "validation", Params())
    assert caught.value.exit_code == 5
    assert not at.exists()
