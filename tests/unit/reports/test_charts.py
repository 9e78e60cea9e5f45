"""Charts: what is drawn where, and what happens where there is nothing to draw."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from twelvelead.reports.charts import Point, dot_chart, line_chart, nice_ticks


def markers(svg: str, name: str) -> list[float]:
    return [float(x) for x in re.findall(rf'class="dot {name}" c?x="([\d.]+)"', svg)]


def test_a_greater_value_lies_further_right_and_its_bar_encloses_it() -> None:
    svg = dot_chart(
        [("A", {"lora": Point(0.6, 0.5, 0.7)}), ("B", {"lora": Point(0.9, 0.8, 1.0)})], title="t", about="d"
    )
    low, high = markers(svg, "lora")
    assert low < high
    (start, stop), _ = re.findall(r'class="bar lora" d="M([\d.]+) [\d.]+H([\d.]+)"', svg)
    assert float(start) < low < float(stop)


def test_a_chart_is_well_formed_and_tells_what_it_shows_to_those_who_do_not_see_it() -> None:
    svg = dot_chart([("<&>", {"lora": Point(0.5)})], title='a "title" <b>', about="what & why", mark=0.5)
    root = ElementTree.fromstring(svg)

    assert root.attrib["role"] == "img"
    assert root[0].text == 'a "title" <b>'
    assert root[1].text == "what & why"
    assert "<&>, lora: 0.500" in [node.text for node in root.iter("title")]


def test_a_row_without_any_figure_says_so() -> None:
    svg = dot_chart([("A", {"lora": Point(None), "cnn": Point(None)})], title="t", about="d")
    assert "not measurable" in svg
    assert not markers(svg, "lora")


def test_nothing_to_show_is_no_chart() -> None:
    assert dot_chart([], title="t", about="d") == ""
    assert line_chart([], title="t", name="cnn", x_name="epoch") == ""
    assert line_chart([(1, None), (2, math.nan)], title="t", name="cnn", x_name="epoch") == ""


def test_a_curve_skips_gaps_and_names_its_last_value() -> None:
    svg = line_chart([(1, 0.5), (2, None), (3, 0.75)], title="t", name="cnn", x_name="epoch")
    assert ElementTree.fromstring(svg) is not None
    assert svg.count("L") == 1
    assert ">0.750<" in svg
    assert "epoch 1 to 3" in svg


def test_a_single_epoch_is_a_dot() -> None:
    svg = line_chart([(1, 0.5)], title="t", name="cnn", x_name="epoch")
    assert "nan" not in svg
    assert 'class="dot cnn"' in svg


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-0.045, 0.003), (0.4, 0.995), (3, 3), (1e-9, 2e-9), (0, 1e6)]
)
def test_ticks_enclose_the_range_in_few_even_steps(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 9
    assert {round((after - ticks[0]) / (ticks[1] - ticks[0]), 6) % 1 for after in ticks} == {0}
