"""The pages that are written from the code are in step with it, and say what people look for."""

from __future__ import annotations

from pathlib import Path

import handbook
import pytest
from handbook.table import table

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.params import Params
from twelvelead.stages import STAGES

PAGES = handbook.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says_now(name: str) -> None:
    kept = (handbook.DOCS / name).read_text(encoding="utf-8")
    assert kept == PAGES[name](), f"docs/{name} is out of step: python -m handbook"


def test_no_page_of_the_reference_is_left_from_earlier(root: Path) -> None:
    kept = {f"reference/{path.name}" for path in (root / "docs/reference").glob("*.md")}
    assert kept == {name for name in PAGES if name.startswith("reference/")} | {"reference/index.md"}


def test_every_param_stage_and_statement_is_told() -> None:
    params, stages, statements = (
        PAGES[f"reference/{name}.md"]() for name in ("params", "stages", "statements")
    )
    for section, keys in Params().model_dump(by_alias=True).items():
        for key in keys if isinstance(keys, dict) else ():
            assert f"`{section}.{key}" in params
    assert all(f"| `{stage.name}` |" in stages for stage in STAGES)
    assert all(f"| `{code}` |" in statements for code in STATEMENTS)


def test_bounds_and_choices_of_a_param_are_told() -> None:
    text = PAGES["reference/params.md"]()
    assert "| `validate.max_nan_share` | number, ≥ 0, ≤ 1 | `0.05` |" in text
    assert "| `ingest.rate_hz` | `0`, `100`, `500` | `0` |" in text


def test_options_of_a_command_are_told() -> None:
    text = PAGES["reference/commands.md"]()
    assert "| `--mask-top` | number ≥ 0 ≤ 0.9 | `0.0` |" in text
    assert "### `twelvelead instruct import`" in text
    assert "### `python -m pipelines submit`" in text


def test_a_column_without_its_meaning_stops_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from handbook import formats, meanings

    monkeypatch.delitem(meanings.INDEX, "fold")
    with pytest.raises(ValueError, match="says nothing of fold"):
        formats.page()


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert table(("a",), [("x|y\nz",)]).splitlines()[-1] == "| x\\|y z |"


@pytest.mark.parametrize("name", ["commands", "params"])
def test_every_option_and_param_says_what_it_is_for(name: str) -> None:
    rows = [line for line in PAGES[f"reference/{name}.md"]().splitlines() if line.startswith("| `")]
    assert len(rows) > 80
    assert [row for row in rows if row.endswith("|  |")] == []
