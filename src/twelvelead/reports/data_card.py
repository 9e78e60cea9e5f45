"""The data card of an instruction set: what is asked, how often, of which folds, from which sources."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.reports import artifacts
from twelvelead.reports.run import figure, phrase
from twelvelead.reports.tally import NO, SPLITS, YES, Tally

FOLDS = tuple(range(1, 11))
QUESTIONS_PER_PAGE = 8
# Name and licence of a source of records, by its name in the index.
RECORDS = {
    "simulated": ("Records simulated by Twelvelead", "no patient's data; Apache-2.0, as the program"),
    "ptb-xl": ("PTB-XL (Wagner et al. 2020, doi:10.1038/s41597-020-0495-6)", "CC BY 4.0"),
    "mimic-iv-ecg": (
        "MIMIC-IV-ECG (Gow et al. 2023, doi:10.13026/4nqg-sb35)",
        "Open Database License 1.0; de-identified patients, so read PhysioNet's terms before sharing",
    ),
}
OWN_FILES = ("Own files", "whatever you hold them under; nothing is known of it here")
# The same for questions that were imported, by their form.
QUESTIONS = {
    "ecg-qa": ("ECG-QA (Oh et al. 2023, arXiv 2306.15681)", "CC BY 4.0"),
    "llava": (
        "Conversations in LLaVA's format",
        "the file's own. ECGInstruct is tagged Apache-2.0, which does not lift the licences of the records "
        "it was made from",
    ),
    "trl": ("Conversations in TRL's format", "the file's own"),
}


def render(inputs: Mapping[str, Path], title: str = "Instruction data", sample_pages: int = 4) -> str:
    """The card as one HTML file.

    Args:
        inputs: Paths of the artifacts "validation", "pages" and "instructions"; without pages there are no
            pictures.
        title: Its heading.
        sample_pages: Pages to show with their questions.

    Raises:
        SetupError: There are no instruction shards.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "phrase": phrase}
    template = environment.get_template("data_card.html.j2")
    return template.render(title=title, **content(inputs, sample_pages))


def write(inputs: Mapping[str, Path], to: Path, sample_pages: int = 4) -> None:
    """Write the card, whole or not at all; an older one is replaced."""
    text = render(inputs, sample_pages=sample_pages)
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f".tmp-{to.name}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(to)


def content(inputs: Mapping[str, Path], sample_pages: int) -> dict[str, Any]:
    """Everything the template shows."""
    instructions = inputs["instructions"]
    tally = Tally.of(instructions)
    imports = _imports(instructions)
    sources = _sources(inputs["validation"], tally.records)
    return {
        "samples": tally.kinds.total(),
        "pages": len(tally.pages),
        "records": len(tally.records),
        "patients": len(tally.folds),
        "leaks": tally.patients_in_two_splits(),
        "templates": len([name for name, count in tally.templates.items() if count]),
        "folds": FOLDS,
        "splits": {split: _total(tally.kinds, folds) for split, folds in SPLITS.items()},
        "families": _families(tally),
        "formats": _formats(tally),
        "statements": _statements(tally),
        "closed": tally.closed.total(),
        "simulated": set(sources) == {"simulated"},
        "sources": [(*RECORDS.get(name, OWN_FILES), name, count) for name, count in sources.items()],
        "imports": [(*QUESTIONS.get(entry["form"], QUESTIONS["trl"]), entry) for entry in imports],
        "examples": _examples(inputs, sample_pages),
        "stages": artifacts.read_json(instructions / "lineage.json"),
    }


def _total(kinds: Mapping[tuple[str, str, int], int], folds: Iterable[int]) -> int:
    return sum(count for (_, _, fold), count in kinds.items() if fold in folds)


def _families(tally: Tally) -> list[dict[str, Any]]:
    """By family: samples of each fold, the largest family first."""
    whole: Counter[str] = Counter()
    for (family, _, _), count in tally.kinds.items():
        whole[family] += count
    return [
        {
            "name": family,
            "count": count,
            "share": count / whole.total(),
            "folds": [
                sum(n for (name, _, at), n in tally.kinds.items() if name == family and at == fold)
                for fold in FOLDS
            ],
        }
        for family, count in sorted(whole.items(), key=lambda item: (-item[1], item[0]))
    ]


def _formats(tally: Tally) -> list[dict[str, Any]]:
    """By format: samples, and the families they are of."""
    families: dict[str, Counter[str]] = {}
    for (family, form, _), count in tally.kinds.items():
        families.setdefault(form, Counter())[family] += count
    rows = [
        {
            "name": form,
            "count": found.total(),
            "share": found.total() / tally.kinds.total(),
            "families": sorted(found.items(), key=lambda item: (-item[1], item[0])),
        }
        for form, found in families.items()
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["name"]))


def _statements(tally: Tally) -> list[dict[str, Any]]:
    """By SCP statement, in the order of the standard: Yes and No in each split and fold."""
    cells: dict[str, Counter[tuple[int, str, bool]]] = {code: Counter() for code in STATEMENTS}
    for (code, fold, answer, slot), count in tally.closed.items():
        if code in cells:
            cells[code][fold, answer, slot] += count
    rows = []
    for code, found in cells.items():
        if not found:
            continue
        slots, free = (_yes_no(found, FOLDS, slot) for slot in (True, False))
        yes, no = free if any(free) else slots
        rows.append(
            {
                "code": code,
                "slots": slots,
                "free": free,
                "share": yes / (yes + no),
                "splits": {split: _yes_no(found, folds) for split, folds in SPLITS.items()},
                "folds": [_yes_no(found, (fold,)) for fold in FOLDS],
            }
        )
    return rows


def _yes_no(
    found: Mapping[tuple[int, str, bool], int], folds: Iterable[int], slot: bool | None = None
) -> tuple[int, int]:
    """Yes and No in some folds: of fixed slots, of free questions, or of both."""
    kinds, at = (True, False) if slot is None else (slot,), list(folds)
    yes, no = (sum(found.get((fold, answer, k), 0) for fold in at for k in kinds) for answer in (YES, NO))
    return yes, no


def _sources(validation: Path, records: set[str]) -> dict[str, int]:
    """Records asked about, by their source."""
    index = artifacts.read_columns(validation / "index.parquet", ["record_id", "source"])
    if "source" not in index:
        return {"": len(records)}
    found = index[index["record_id"].isin(records)]["source"].value_counts()
    return {str(name): int(count) for name, count in found.items()}


def _imports(instructions: Path) -> list[dict[str, Any]]:
    path = instructions / "import.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def _examples(inputs: Mapping[str, Path], count: int) -> list[dict[str, Any]]:
    """Pages of fold 10 chosen by their statements, each with one question of every family and format."""
    codes_of = artifacts.judged_records(inputs["validation"])
    shown = artifacts.choose(codes_of, list(STATEMENTS), count) if count else []
    images = artifacts.pictures(inputs["pages"], shown)
    asked = _questions(inputs["instructions"], [page for page, _ in images.values()])
    return [
        {
            "record_id": record,
            "image": images[record][1],
            "codes": codes_of[record],
            "questions": asked.get(images[record][0], []),
        }
        for record in shown
        if record in images
    ]


def _questions(instructions: Path, page_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    wanted = [("page_id", "in", list(page_ids))]
    columns = ["page_id", "family", "format", "answer_source", "messages"]
    found: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for shard in sorted(instructions.glob("test-*.parquet")):
        for row in artifacts.read_columns(shard, columns, wanted).to_dict("records"):
            said = [_words(message) for message in row["messages"]]
            item = {
                "family": row["family"],
                "format": row["format"],
                "source": row["answer_source"],
                "turns": list(zip(said[::2], said[1::2], strict=True)),
            }
            kept, kind = found.setdefault(row["page_id"], {}), (row["family"], row["format"])
            # A "Yes" says more of a page than the first of seventy "No".
            if kind not in kept or (kept[kind]["turns"][-1][1] == NO != said[-1]):
                kept[kind] = item
    return {page: list(kept.values())[:QUESTIONS_PER_PAGE] for page, kept in found.items()}


def _words(message: Mapping[str, Any]) -> str:
    return " ".join(part["text"] for part in message["content"] if part["text"])
