"""The compiled pipeline through KFP's local runner, with stand-ins for the stages' work.

The tests look at what is there afterwards; that KFP reports success proves nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pipelines import folder as folders
from pipelines import run as runner
from pipelines.__main__ import app
from pipelines.folder import StepError, gather, made_artifacts, opened
from pipelines.run import code_fingerprint, file_fingerprints, run
from pipelines.scoreboard import scoreboard
from pipelines.variants import PIPELINES
from typer.testing import CliRunner

from twelvelead.data.digest import dvc_md5
from twelvelead.errors import ParamsError, SetupError
from twelvelead.params import Params, parse
from twelvelead.stages import STAGES, find

Calls = Callable[[], list[str]]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Stand-ins in every step; returns the stages called since the last time it was asked."""
    path = tmp_path / "calls"
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "fakes"))
    monkeypatch.setenv("FAKE_CALLS", str(path))
    monkeypatch.setenv("FAKE_ENDS", str(tmp_path / "ends"))
    monkeypatch.setattr(runner, "code_fingerprint", lambda: "code")  # an editor may save during a test

    def read() -> list[str]:
        said = path.read_text(encoding="utf-8").split() if path.exists() else []
        path.unlink(missing_ok=True)
        return said

    return read


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished run, shared by the tests that only look."""
    place = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "fakes"))
        patch.setenv("FAKE_CALLS", str(place / "calls"))
        patch.setenv("FAKE_ENDS", str(place / "ends"))
        patch.chdir(place)
        (place / "params.yaml").write_text("name: trial\ntrain_lora: {rank: 8}\n", encoding="utf-8")
        done = CliRunner().invoke(app, ["run", "--set", "ingest.records=50"])
        assert done.exit_code == 0, done.output
        (place / "said").write_text(done.stdout, encoding="utf-8")
        (place / "progress").write_text(done.stderr, encoding="utf-8")
    return place


def test_a_run_calls_every_stage_once_and_after_what_it_reads(finished: Path) -> None:
    called = (finished / "calls").read_text(encoding="utf-8").split()
    assert sorted(called) == sorted(stage.name for stage in STAGES)
    made: set[str] = set()
    for name in called:
        assert set(find(name).inputs) <= made
        made.add(find(name).output)


def test_everything_of_a_run_lies_in_its_folder(finished: Path) -> None:
    latest = finished / "runs" / "latest"
    assert latest.is_symlink()
    assert latest.resolve().name.endswith("-trial")
    assert json.loads((latest / "verdict.json").read_text(encoding="utf-8"))["decision"] == "rejected"
    for name in ("scorecard.json", "predictions.parquet", "report.html", "registration.json", "log.txt"):
        assert (latest / name).read_text(encoding="utf-8")
    for stage in STAGES:
        artifact = latest / "artifacts" / stage.output
        assert artifact.exists()
        assert not Path(artifact.readlink()).is_absolute()
    assert not (latest / ".work").exists()


def test_params_reach_the_stages_with_overrides_and_their_types(finished: Path) -> None:
    latest = finished / "runs" / "latest"
    adapter = json.loads((latest / "artifacts" / "adapter" / "made.json").read_text(encoding="utf-8"))
    assert adapter["rank"] == 8
    assert isinstance(adapter["rank"], int)
    tree = json.loads((latest / "params.json").read_text(encoding="utf-8"))
    assert (tree["ingest"]["records"], tree["name"]) == (50, "trial")


def test_a_moved_run_still_holds_its_artifacts(finished: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree((finished / "runs" / "latest").resolve(), moved, symlinks=True)
    assert (moved / "artifacts" / "adapter" / "made.json").exists()


def test_the_run_is_known_by_its_folder_in_the_registry(finished: Path) -> None:
    latest = (finished / "runs" / "latest").resolve()
    assert json.loads((latest / "registration.json").read_text(encoding="utf-8"))["run"] == latest.name


def test_people_see_the_stages_lines_and_the_log_has_all(finished: Path) -> None:
    progress = (finished / "progress").read_text(encoding="utf-8")
    log = (finished / "runs" / "latest" / "log.txt").read_text(encoding="utf-8")
    for stage in STAGES:
        assert f"── {stage.name}: {stage.about}\n" in progress
        assert f"fake {stage.name} at work\n" in progress
    for noise in ("KFP Executor", "executor_input", "parameterValues", "Streamed logs"):
        assert noise in log
        assert noise not in progress


def test_a_rejected_run_ends_with_scores_the_verdict_and_where_to_look(finished: Path) -> None:
    said = (finished / "said").read_text(encoding="utf-8")
    assert "Fold 10 of simulated records: 30 records of 28 patients" in said
    assert "lora" in said
    assert "0.920" in said
    assert "Δ AUC compared, lora − cnn: +0.012  [-0.004, +0.030]" in said
    assert "Verdict: REJECTED by policy 'standard'" in said
    assert "FAIL  not worse than the CNN: delta -0.004 is below 0" in said
    assert "twelvelead-reader version 3, no alias moved" in said
    assert "report.html" in said


def test_the_end_of_a_run_is_told_after_success_and_after_failure(
    finished: Path, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (finished / "ends").read_text(encoding="utf-8") == "training SUCCEEDED\n"
    assert (finished / "runs" / "latest" / "artifacts" / "outcome.json").is_file()
    monkeypatch.setenv("FAKE_FAULTS", '{"ingest": "reject"}')
    with pytest.raises(StepError):
        run(Params(), tmp_path / "runs")
    assert (tmp_path / "ends").read_text(encoding="utf-8") == "training FAILED\n"


def test_pointers_to_the_data_are_kept_with_the_run(finished: Path) -> None:
    latest = finished / "runs" / "latest"
    told = json.loads((latest / "publication.json").read_text(encoding="utf-8"))
    assert told["remote"] == ""
    assert told["artifacts"]["pages"] == dvc_md5(latest / "artifacts" / "pages")
    pointer = yaml.safe_load((latest / "artifacts" / "publication" / "pages.dvc").read_text(encoding="utf-8"))
    assert pointer["outs"][0]["md5"] == told["artifacts"]["pages"]


def test_an_adapter_made_elsewhere_is_judged_from_the_artifacts_of_its_run(
    finished: Path, calls: Calls, tmp_path: Path
) -> None:
    place = (finished / "runs" / "latest").resolve()
    folder = run(Params(), tmp_path / "runs", PIPELINES["evaluation"], {"place": str(place)})
    assert calls() == ["evaluate", "gate", "register", "report"]
    assert dvc_md5(folder / "artifacts" / "adapter") == dvc_md5(place / "artifacts" / "adapter")
    assert "Verdict: REJECTED" in scoreboard(folder)


def test_the_data_alone_are_made_and_told_of(calls: Calls, tmp_path: Path) -> None:
    folder = run(Params(), tmp_path / "runs", PIPELINES["data"])
    assert calls() == ["ingest", "validate", "synthesize", "instruct"]
    assert "pages" in scoreboard(folder)
    assert not (folder / "verdict.json").exists()


def test_a_promotion_is_a_run_of_its_own(calls: Calls, tmp_path: Path) -> None:
    folder = run(Params(), tmp_path / "runs", PIPELINES["promotion"], {"version": 7})
    assert calls() == []
    assert "twelvelead-reader version 7 holds the alias champion" in scoreboard(folder)


def test_what_a_pipeline_does_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="takes no 'version'"):
        run(Params(), tmp_path / "runs", PIPELINES["training"], {"version": 7})
    with pytest.raises(ParamsError, match="must be told where its artifacts are"):
        run(Params(), tmp_path / "runs", PIPELINES["evaluation"])
    assert not (tmp_path / "runs").exists()


def test_a_missing_figure_is_a_dash_on_the_scoreboard(finished: Path) -> None:
    row = next(line for line in scoreboard(finished / "runs" / "latest").splitlines() if "cnn" in line)
    assert row.split() == ["cnn", "0.910", "0.930", "0.710", "–"]


def test_a_finished_run_is_not_resumed(finished: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(finished / "runs", runs, symlinks=True)
    latest = (runs / "latest").resolve()
    key = json.loads((latest / "run.json").read_text(encoding="utf-8"))["key"]
    with opened(runs, key, "{}", "trial", fresh=False) as folder:
        assert folder != latest


def test_a_pipeline_that_ends_well_without_its_artifacts_is_not_believed(
    finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree((finished / "runs" / "latest").resolve(), folder, symlinks=True)
    shutil.rmtree(made_artifacts(folder)["adapter"])
    (made_artifacts(folder)["evaluation"] / "scorecard.json").unlink()
    with pytest.raises(StepError, match=r"did not make adapter, evaluation/scorecard\.json") as caught:
        gather(folder)
    assert caught.value.exit_code == 1


def test_a_registration_left_by_an_earlier_attempt_does_not_count(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree((finished / "runs" / "latest").resolve(), folder, symlinks=True)
    (folder / "kfp" / "twelvelead-training-9999").mkdir()
    with pytest.raises(StepError, match=r"did not make registration\.json"):
        gather(folder)


def test_a_stages_own_error_comes_through_and_the_mended_run_goes_on_from_there(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_FAULTS", '{"validate": "reject"}')
    with pytest.raises(StepError) as caught:
        run(Params(), tmp_path / "runs")
    assert caught.value.exit_code == 3
    assert "stage validate failed: DataError: records: fold 9 is empty" in str(caught.value)
    assert "Fix: add records" in str(caught.value)
    assert "Traceback" not in capsys.readouterr().err
    assert calls() == ["ingest", "validate"]
    assert not (tmp_path / "runs" / "latest").exists()

    monkeypatch.setenv("FAKE_FAULTS", '{"train_baseline": "kill"}')
    with pytest.raises(StepError, match="stage train_baseline ended without a word") as caught:
        run(Params(), tmp_path / "runs")
    assert caught.value.exit_code == 1
    assert "Resuming" in capsys.readouterr().err
    before = calls()
    assert before[0] == "validate"
    assert "train_baseline" in before
    assert not {"evaluate", "gate", "register"} & set(before), "nothing is made of what is missing"
    done = set(before) - {"train_baseline"}

    monkeypatch.setenv("FAKE_FAULTS", '{"report": "bug"}')
    with pytest.raises(StepError, match="stage report failed: ZeroDivisionError: a bug") as caught:
        run(Params(), tmp_path / "runs")
    assert caught.value.exit_code == 1
    assert "Traceback" in capsys.readouterr().err, "a bug shows where it is"
    after = calls()
    assert after[-4:] == ["evaluate", "gate", "register", "report"]
    trainings = {"synthesize", "instruct", "train_baseline", "train_page_baseline", "train_lora"}
    assert set(after[:-4]) == trainings - done, "what was done is not done again"

    monkeypatch.delenv("FAKE_FAULTS")
    folder = run(Params(), tmp_path / "runs")
    assert calls() == ["register", "report"], "what acts on the world is never taken from the cache"
    assert [path.name for path in (tmp_path / "runs").iterdir() if not path.is_symlink()] == [folder.name]


def test_a_step_that_silently_makes_nothing_is_noticed(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAULTS", '{"gate": "nothing"}')
    with pytest.raises(StepError, match="verdict"):
        run(Params(), tmp_path / "runs")


def test_resuming_asks_for_the_same_params_the_same_code_and_nobody_at_work(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with opened(runs, "key", "{}", "a", fresh=False) as first:
        pass
    with opened(runs, "other", "{}", "a", fresh=False) as second:
        assert second != first
    with opened(runs, "key", "{}", "a", fresh=True) as third:
        assert third not in (first, second)
    with opened(runs, "other", "{}", "a", fresh=False) as again:
        assert again == second


def test_a_run_that_is_still_going_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, "key", "{}", "a", fresh=False) as first:
        pass
    real = folders._lock
    monkeypatch.setattr(folders, "_lock", lambda folder: None if folder == first else real(folder))
    with opened(tmp_path, "key", "{}", "a", fresh=False) as second:
        assert second != first


def test_the_key_of_a_run_changes_with_params_and_code_but_not_with_a_mended_policy() -> None:
    def key(params: Params, code: str = "c", policy: str = "p", remote: str = "") -> str:
        return runner.Arguments(params, code, {"gate_files": policy}, {"remote": remote}).key

    assert key(Params()) == key(Params(), policy="mended")
    assert key(Params()) != key(Params(), remote="s3://elsewhere")
    assert key(Params()) != key(Params(), code="edited")
    assert key(Params()) != key(parse({"train_lora": {"rank": 8}}, where="here"))


def test_fingerprints_see_a_changed_policy_a_changed_base_and_a_changed_source(tmp_path: Path) -> None:
    source, base, policy = tmp_path / "ptb-xl", tmp_path / "base", tmp_path / "gate.yaml"
    for folder in (source, base):
        folder.mkdir()
        (folder / "a").write_text("1", encoding="utf-8")
    policy.touch()
    tree = {
        "ingest": {"source": "ptb-xl", "path": str(source)},
        "train_lora": {"base": str(base)},
        "gate": {"policy": str(policy)},
    }
    params = parse(tree, where="here")
    before = file_fingerprints(params)
    assert before == file_fingerprints(params)
    changed = []
    for path in (source / "a", base / "b", policy):
        path.write_text("longer", encoding="utf-8")
        now = file_fingerprints(params)
        changed.append({key for key in now if now[key] != before[key]})
        before = now
    assert changed == [{"ingest_files"}, {"train_lora_files"}, {"gate_files"}]


def test_the_code_fingerprint_sees_edited_and_renamed_modules_only(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1", encoding="utf-8")
    first = code_fingerprint(tmp_path)
    (tmp_path / "a.pyc").touch()
    assert code_fingerprint(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    renamed = code_fingerprint(tmp_path)
    (tmp_path / "b.py").write_text("2", encoding="utf-8")
    assert len({first, renamed, code_fingerprint(tmp_path)}) == 3


@pytest.mark.parametrize("where", ["runs", "params"])
def test_a_path_with_python3_in_it_is_refused_before_anything_runs(where: str, tmp_path: Path) -> None:
    """KFP's local runner would rewrite it to the interpreter's path."""
    params = parse({"gate": {"policy": "my-python3/gate.yaml"}} if where == "params" else {}, where="here")
    runs = tmp_path / ("python3-runs" if where == "runs" else "runs")
    with pytest.raises(SetupError, match="python3") as caught:
        run(params, runs)
    assert caught.value.exit_code == 5
    assert not runs.exists()


def test_source_means_a_ptb_xl_folder_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Params] = []

    def stop(params: Params, *_: object, **__: object) -> Path:
        seen.append(params)
        raise SetupError("enough")

    monkeypatch.setattr(runner, "run", stop)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").touch()
    CliRunner().invoke(app, ["run", "--source", "it's: my #data"])
    assert seen[0].ingest.source == "ptb-xl"
    assert seen[0].ingest.path == str(tmp_path.resolve() / "it's: my #data")


def test_a_container_run_without_an_engine_says_so(root: Path, tmp_path: Path) -> None:
    """In a process of its own: docker-py leaves a socket open when nobody answers."""
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "run",
        "--runs",
        str(tmp_path / "runs"),
        "--image",
        "some/image:1",
    ]
    nobody = os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/nothing.sock"}

    done = subprocess.run(command, cwd=root, env=nobody, capture_output=True, text=True, check=False)

    assert done.returncode == SetupError.exit_code
    assert "no container engine answers" in done.stderr
    assert "Traceback" not in done.stderr
