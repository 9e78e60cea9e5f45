"""What a run would need past one machine: disk, CPU hours, GPU hours, network, and the cost at your prices.

    python bench/plan.py [--price gpu_h=… cpu_h=… tb_month=…] [--write docs/planning.md]

CPU hours and bytes follow from rates measured here (bench/results). GPU hours are FLOPs of the 11B
configuration divided by an assumed rate: the FLOPs were counted on the model without weights
(specs/training.md §2.1), the rate was not measured here. Prices are yours; without any there is no cost.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
# Counted (specs/training.md §2.1), TFLOP: the tower always runs on four tiles, whatever the page fills.
VISION, PROJECTOR, KV_A_TILE = 18.60, 0.403, 0.215
TOKEN, TOKEN_A_TILE = 18.37e-3, 0.21e-3
FORWARD_AND_BACKWARD = 2.0  # LoRA: no gradient of frozen weights
REALISTIC_TFLOPS, CEILING_TFLOPS = 395.0, 790.0  # assumed, and a measured matmul of one H100 (ibid.)
STATE_TOKENS_A_TILE, STATE_WIDTH = 1601, 4096
LORA_WEIGHTS = 52.43e6  # rank 16 on all linear layers of the language model (ibid.)
FEED_MS = 106.0  # decode and prepare a 2200×1700 page on one core (ibid. §2.4)
STATEMENTS, TOKENS_A_STATEMENT = 71, 25
SCORED = 9  # passes over a page of fold 10: adapter, base, five controls; two of them over fold 9 as well


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is to be made and trained.

    Attributes:
        records: Of all folds; eight of ten train.
        pages: Pages of a training record; the others have one.
        page: Row of bench/results/paper.json: name and size.
        tiles: Tiles of the model that such a page fills.
        questions: Packed behind a page in a step.
        tokens: Of a question and its answer.
        epochs: Over all training pages.
        packed: Whether the questions of a page share one sequence, as here, or have one each.
        keep_states: Keep the frozen tower's states between epochs.
        gpus: At work at once.
        step_pages: Pages of a step, all GPUs together.
        judged: Share of folds 9 and 10 that is scored.
    """

    name: str
    records: int
    pages: int
    page: tuple[str, str] = ("photo", "1120x560")
    tiles: int = 2
    questions: int = 15
    tokens: int = 30
    epochs: int = 1
    packed: bool = True
    keep_states: bool = False
    gpus: int = 8
    step_pages: int = 128
    judged: float = 1.0


SCENARIOS = (
    Scenario("PTB-XL", 21_799, 1, ("clean", "1120x560"), epochs=3, gpus=1, step_pages=16),
    Scenario("a million questions", 104_000, 1, questions=12, epochs=1, gpus=8),
    Scenario("MIMIC-IV-ECG", 800_000, 4, gpus=64, step_pages=512),
)
KNOBS: tuple[tuple[str, Callable[[Scenario], Scenario]], ...] = (
    ("as it is", lambda one: one),
    ("one page a record", lambda one: replace(one, pages=1)),
    (
        "pages of 2200×1700 (four tiles)",
        lambda one: replace(one, page=("photo, sidecar", "2200x1700"), tiles=4),
    ),
    ("clean pages", lambda one: replace(one, page=("clean", "1120x560"))),
    ("8 questions a page", lambda one: replace(one, questions=8)),
    ("the same questions, not packed", lambda one: replace(one, packed=False)),
    ("three epochs", lambda one: replace(one, epochs=3)),
    ("three epochs, states kept in one byte", lambda one: replace(one, epochs=3, keep_states=True)),
    ("a tenth of folds 9 and 10 judged", lambda one: replace(one, judged=0.1)),
)


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured, a unit each: CPU ms and bytes."""

    validate_ms: float  # a record at 500 Hz, all facts and measurements
    read_ms: float
    question_ms: float
    question_bytes: float
    pages: Mapping[tuple[str, str], tuple[float, float]]  # CPU ms and kB of a page

    @classmethod
    def measured(cls) -> Rates:
        """From bench/results."""
        validation, wfdb, instruct, paper = (
            _read(name) for name in ("validation", "wfdb", "instruct", "paper")
        )
        fast = next(row for row in validation["speed"] if row["fs_hz"] == 500)
        reading = next(row for row in wfdb["reading"] if row["rate_hz"] == 500)
        asked = instruct["runs"]["free questions only"]["speed"]
        return cls(
            fast["facts_measured_ms"],
            reading["ours_ms"],
            1000 * asked["cpu_s"] / asked["samples"],
            1e6 * asked["disk_mb"] / asked["samples"],
            {(row["name"], row["size"]): (row["mean_ms"], row["kb"]) for row in paper["rows"]},
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Quantities of a scenario."""

    pages: int
    questions: int
    records_gb: float
    pages_gb: float
    questions_gb: float
    states_gb: float
    cpu_h: float
    train_gpu_h: float
    judge_gpu_h: float
    hours: float
    feeding_cores: float
    read_mb_s: float
    exchange_gbit_s: float

    @property
    def gpu_h(self) -> float:
        """Training and judging."""
        return self.train_gpu_h + self.judge_gpu_h

    @property
    def disk_tb(self) -> float:
        """One copy of everything."""
        return (self.records_gb + self.pages_gb + self.questions_gb + self.states_gb) / 1000


def page_tflop(tiles: int, tokens: int, *, train: bool, vision: float = 1.0) -> float:
    """One packed pass over a page: the tower forward, `vision` times, and the language model.

    Args:
        tiles: Tiles that the page fills.
        tokens: Of all its questions.
        train: Forward and backward instead of forward alone.
        vision: Share of passes in which the tower runs.
    """
    language = KV_A_TILE * tiles + tokens * (TOKEN + TOKEN_A_TILE * tiles)
    return vision * (VISION + PROJECTOR) + language * (FORWARD_AND_BACKWARD if train else 1.0)


def state_bytes(tiles: int, width: int) -> int:
    """Cross-attention states of a page; int8 has a scale of four bytes a token."""
    tokens = STATE_TOKENS_A_TILE * tiles
    return tokens * STATE_WIDTH * width + (4 * tokens if width == 1 else 0)


def plan(one: Scenario, rates: Rates, tflops: float = REALISTIC_TFLOPS) -> Plan:
    """The quantities of a scenario at a rate of the GPUs."""
    held_out = round(0.1 * one.records)
    train_pages = (one.records - 2 * held_out) * one.pages
    pages = train_pages + 2 * held_out
    questions = train_pages * one.questions
    page_ms, page_kb = rates.pages[one.page]
    vision = 1 / one.epochs if one.keep_states else 1.0
    tokens, passes = (one.questions * one.tokens, 1) if one.packed else (one.tokens, one.questions)
    a_page = passes * page_tflop(one.tiles, tokens, train=True, vision=vision)
    train = train_pages * one.epochs * a_page
    judge = (
        one.judged * held_out * SCORED * page_tflop(one.tiles, STATEMENTS * TOKENS_A_STATEMENT, train=False)
    )
    train_gpu_h, judge_gpu_h = (total / tflops / 3600 for total in (train, judge))
    pages_s = train_pages * one.epochs / (3600 * train_gpu_h / one.gpus)
    cpu_ms = (
        one.records * (rates.read_ms + rates.validate_ms) + pages * page_ms + questions * rates.question_ms
    )
    return Plan(
        pages,
        questions,
        one.records * 12 * 5000 * 2 / 1e9,
        pages * page_kb / 1e6,
        questions * rates.question_bytes / 1e9,
        train_pages * state_bytes(one.tiles, 1) / 1e9 if one.keep_states else 0.0,
        cpu_ms / 3.6e6,
        train_gpu_h,
        judge_gpu_h,
        (train_gpu_h + judge_gpu_h) / one.gpus,
        pages_s * vision * FEED_MS / 1000,
        pages_s * page_kb / 1000,
        # a ring sends and takes every gradient, in 32 bits, twice
        2 * LORA_WEIGHTS * 32 * pages_s / one.step_pages / 1e9 if one.gpus > 1 else 0.0,
    )


def tables(prices: Mapping[str, float]) -> str:
    """The tables of docs/planning.md."""
    rates = Rates.measured()
    plans = [(one, plan(one, rates)) for one in SCENARIOS]
    rows: list[tuple[str, Callable[[Scenario, Plan], str]]] = [
        ("records", lambda one, _: f"{one.records:,}"),
        ("pages", lambda _, it: f"{it.pages:,}"),
        ("questions an epoch", lambda _, it: f"{it.questions / 1e6:.2f} M"),
        ("epochs", lambda one, _: str(one.epochs)),
        ("records at 500 Hz, GB", lambda _, it: _round(it.records_gb)),
        ("pages, GB", lambda _, it: _round(it.pages_gb)),
        ("questions, GB", lambda _, it: _round(it.questions_gb)),
        ("CPU hours: read, validate, draw, ask", lambda _, it: _round(it.cpu_h)),
        ("GPU hours, training (estimate)", lambda _, it: _round(it.train_gpu_h)),
        ("GPU hours, judging (estimate)", lambda _, it: _round(it.judge_gpu_h)),
        ("GPUs", lambda one, _: str(one.gpus)),
        ("hours on them (estimate)", lambda _, it: _round(it.hours)),
        ("CPU cores that feed them", lambda _, it: _round(it.feeding_cores)),
        ("read from disk, MB/s", lambda _, it: _round(it.read_mb_s)),
        ("gradients, Gbit/s in and out of a node", lambda _, it: _round(it.exchange_gbit_s)),
    ]
    if prices:
        rows.append(("cost at the prices given", lambda _, it: _round(cost(it, prices))))
    first = [["", *(one.name for one in SCENARIOS)]]
    first += [[title, *(cell(one, it) for one, it in plans)] for title, cell in rows]
    base = SCENARIOS[-1]
    second = [["knob", "GPU hours", "of them judging", "CPU hours", "TB", "M questions an epoch"]]
    for title, turn in KNOBS:
        it = plan(turn(base), rates)
        second.append(
            [
                title,
                *(_round(x) for x in (it.gpu_h, it.judge_gpu_h, it.cpu_h, it.disk_tb, it.questions / 1e6)),
            ]
        )
    third = [["states of a page", "bytes", "MIMIC-IV-ECG's training pages"]]
    train_pages = round(0.8 * base.records) * base.pages
    for tiles in (4, 2, 1):
        for width, name in ((2, "16 bits"), (1, "8 bits")):
            size = state_bytes(tiles, width)
            title = f"{tiles} tile{'s' * (tiles > 1)}, {name}"
            third.append([title, f"{size / 1e6:.1f} MB", f"{size * train_pages / 1e12:.0f} TB"])
    return "\n\n".join(_table(rows) for rows in (first, second, third))


def cost(it: Plan, prices: Mapping[str, float]) -> float:
    """Hours and a month of one copy on disk, at prices by name; a price that is not given is 0."""
    unknown = set(prices) - {"gpu_h", "cpu_h", "tb_month"}
    if unknown:
        raise SystemExit(f"no such price: {', '.join(sorted(unknown))}; known: gpu_h, cpu_h, tb_month")
    amounts = {"gpu_h": it.gpu_h, "cpu_h": it.cpu_h, "tb_month": it.disk_tb}
    return sum(amount * prices.get(name, 0.0) for name, amount in amounts.items())


def quoted(page: str, text: str) -> str:
    """The page with its tables replaced, one between each pair of marks."""
    parts = iter(text.split("\n\n"))
    return re.sub(
        r"(<!-- plan -->\n).*?(<!-- /plan -->)",
        lambda found: f"{found[1]}\n{next(parts)}\n\n{found[2]}",
        page,
        flags=re.S,
    )


def _round(value: float) -> str:
    """Three figures at most: what is estimated has no more."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 0.1 else f"{value:.1g}"


def _table(rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], ["---"] * len(rows[0]), *rows[1:]))


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _price(said: str) -> tuple[str, float]:
    name, _, value = said.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise SystemExit(f"{said!r} is no price; say it as gpu_h=2.5") from None


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--price", nargs="*", default=[], help="gpu_h=… cpu_h=… tb_month=…, in any currency")
    parser.add_argument("--write", type=Path, help="a page with marks <!-- plan --> … <!-- /plan -->")
    arguments = parser.parse_args()
    text = tables(dict(map(_price, arguments.price)))
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(quoted(page, text), encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
