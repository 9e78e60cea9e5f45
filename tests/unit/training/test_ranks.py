"""Two processes and one come to the same adapter; so does a step cut into small batches."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

RUN = textwrap.dedent("""
    import sys
    sys.path.insert(0, sys.argv[3])
    from pathlib import Path
    import torch
    from test_lora_training import QUICK, left_or_right
    from twelvelead.models.mllama import load_base
    from twelvelead.training.lora import train
    from twelvelead.training.ranks import Ranks
    from twelvelead.training.tracker import FileTracker

    base_folder, work = sys.argv[1], Path(sys.argv[2])
    ranks = Ranks.join()
    base = load_base(base_folder)
    prefix, pages, labels = left_or_right(base, 11)  # the last step has three pages: shares differ
    budget, shard, vision, epochs = map(int, sys.argv[4:])
    update = {"dropout": 0.0, "token_budget": budget, "shard": bool(shard), "epochs": epochs}
    params = QUICK.model_copy(update=update | {"vision": bool(vision), "projector": bool(vision)})
    tracker = FileTracker(work / "curves.jsonl")
    trained = train(base, prefix, pages, pages[:5], labels[:5], params, work, tracker, ranks)
    if ranks.leads:
        torch.save({"weights": trained.weights, "history": trained.metrics["history"]}, work / "out.pt")
    ranks.leave()
""")


def run(base_folder, work, *, processes=1, budget=0, shard=0, vision=0, epochs=2, script=RUN):
    work.mkdir(exist_ok=True)
    (work / "run.py").write_text(script)
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, "-W", "ignore", *(start if processes > 1 else []), str(work / "run.py")]
    command += [str(base_folder), str(work), str(Path(__file__).parent)]
    command += map(str, (budget, shard, vision, epochs))
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
    )
    assert done.returncode == 0, done.stderr
    return torch.load(work / "out.pt"), done.stderr


def assert_same(one, other):
    assert one["weights"].keys() == other["weights"].keys()
    for name, weight in one["weights"].items():
        torch.testing.assert_close(weight, other["weights"][name], atol=2e-4, rtol=2e-3)
    for mine, theirs in zip(one["history"], other["history"], strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-4)


@pytest.mark.slow
def test_two_processes_and_small_batches_learn_what_one_process_learns(base_folder, tmp_path):
    alone, _ = run(base_folder, tmp_path / "alone")
    two, said = run(base_folder, tmp_path / "two", processes=2)
    small, _ = run(base_folder, tmp_path / "small", budget=40)
    assert_same(alone, two)
    assert_same(alone, small)
    assert said.count("2 processes") == 1  # one of them speaks


@pytest.mark.slow
def test_a_base_spread_over_two_processes_learns_what_a_whole_one_learns(base_folder, tmp_path):
    alone, _ = run(base_folder, tmp_path / "alone", vision=1)
    # a budget of one page: three pages of the last step are two for one process and one for the other
    spread, _ = run(base_folder, tmp_path / "spread", processes=2, shard=1, budget=40, vision=1)
    assert_same(alone, spread)


@pytest.mark.slow
def test_what_two_processes_left_off_on_a_spread_base_one_process_takes_up(base_folder, tmp_path):
    work = tmp_path / "work"
    run(base_folder, work, processes=2, shard=1, epochs=1)
    assert torch.load(work / "lora.pt")["step"] == 3
    first = torch.load(work / "out.pt")["weights"]
    resumed, said = run(base_folder, work, epochs=2)
    assert "from step 3" in said
    assert [entry["epoch"] for entry in resumed["history"]] == [1, 2]
    assert resumed["weights"].keys() == first.keys()
    assert all(weight.shape == first[name].shape for name, weight in resumed["weights"].items())


@pytest.mark.slow
def test_processes_that_see_different_checkpoints_do_not_train_on(base_folder, tmp_path):
    """As on a network disk that shows one node an older file."""
    run(base_folder, tmp_path / "one", epochs=1)
    (tmp_path / "apart").mkdir()
    script = RUN.replace(
        "ranks = Ranks.join()",
        "ranks = Ranks.join()\nwork = work if ranks.leads else work / 'of another node'",
    )
    shutil.copyfile(tmp_path / "one" / "lora.pt", tmp_path / "apart" / "lora.pt")
    with pytest.raises(AssertionError, match="go on from steps 3, 0"):
        run(base_folder, tmp_path / "apart", processes=2, script=script)
