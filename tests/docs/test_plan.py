"""The plan's arithmetic is that of the study it rests on, and the page quotes what the script prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def plan(root: Path) -> ModuleType:
    import importlib.util

    spec = importlib.util.spec_from_file_location("bench_plan", root / "bench/plan.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_plan"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_page_quotes_the_script(root: Path, plan: ModuleType) -> None:
    page = (root / "docs/planning.md").read_text(encoding="utf-8")
    assert page.count("<!-- plan -->") == 3
    assert plan.quoted(page, plan.tables({})) == page, "python bench/plan.py --write docs/planning.md"


@pytest.mark.parametrize(
    ("tiles", "tokens", "train", "vision", "counted", "off"),
    [
        (4, 64, True, 0.0, 3.43, 0.25),  # states kept; what the short form leaves out is a third of so little
        (4, 128, True, 0.0, 5.98, 0.12),
        (4, 512, True, 0.0, 21.5, 0.05),
        (4, 128, True, 1.0, 28.2 - 2.46 - 0.86, 0.05),  # without its recomputation
        (4, 8 * 128, True, 1.0, 8 * 7.75, 0.05),
        (4, 71 * 25, False, 1.0, 54.0, 0.02),
    ],
)
def test_flops_are_those_that_were_counted(plan, tiles, tokens, train, vision, counted, off) -> None:
    found = plan.page_tflop(tiles, tokens, train=train, vision=vision)
    assert found == pytest.approx(counted, rel=off)


def test_states_have_the_bytes_of_their_shape(plan: ModuleType) -> None:
    assert plan.state_bytes(4, 2) == 6404 * 4096 * 2
    assert plan.state_bytes(2, 1) * 17_418 == pytest.approx(229e9, rel=0.01)


def test_a_plan_scales_as_it_must(plan: ModuleType) -> None:
    from dataclasses import replace

    rates, one = plan.Rates.measured(), plan.SCENARIOS[-1]
    it, twice = plan.plan(one, rates), plan.plan(replace(one, records=2 * one.records), rates)
    assert twice.gpu_h == pytest.approx(2 * it.gpu_h, rel=1e-4)
    assert twice.cpu_h == pytest.approx(2 * it.cpu_h, rel=1e-4)
    faster = plan.plan(one, rates, tflops=2 * plan.REALISTIC_TFLOPS)
    assert faster.gpu_h == pytest.approx(it.gpu_h / 2)
    assert faster.exchange_gbit_s == pytest.approx(2 * it.exchange_gbit_s)
    apart = plan.plan(replace(one, packed=False), rates)
    assert apart.train_gpu_h > 5 * it.train_gpu_h
    kept = plan.plan(replace(one, epochs=3, keep_states=True), rates)
    assert kept.train_gpu_h < plan.plan(replace(one, epochs=3), rates).train_gpu_h
    assert kept.disk_tb > it.disk_tb + 30


def test_prices_are_inputs_and_a_wrong_name_is_refused(root: Path) -> None:
    def said(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "bench/plan.py", *words]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert "cost" not in said().stdout
    assert "cost at the prices given" in said("--price", "gpu_h=2").stdout
    assert said("--price", "gpu=2").returncode == 1
    assert said("--price", "gpu_h=two").stderr == "'gpu_h=two' is no price; say it as gpu_h=2.5\n"
