"""Two processes and one come to the same adapter; so does a step cut into small batches."""

import os
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
    budget = int(sys.argv[4])
    params = QUICK.model_copy(update={"dropout": 0.0, "token_budget": budget})
    tracker = FileTracker(work / "curves.jsonl")
    trained = train(base, prefix, pages, pages[:5], labels[:5], params, work, tracker, ranks)
    if ranks.leads:
        weights = {n: w.detach() for n, w in trained.model.named_parameters() if w.requires_grad}
        torch.save({"weights": weights, "history": trained.metrics["history"]}, work / "out.pt")
    ranks.leave()
""")


def run(base_folder, work, *, processes=1, budget=0):
    work.mkdir()
    script = work / "run.py"
    script.write_text(RUN)
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, "-W", "ignore", *(start if processes > 1 else []), str(script)]
    command += [str(base_folder), str(work), str(Path(__file__).parent), str(budget)]
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
