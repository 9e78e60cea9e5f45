"""What a training step sees of a page: its tokens, and which of them count in the loss.

The tokens and labels are the trainer's own (`Base.dialogue`, `pack`), so a wrong mask shows here before it
costs a night: TRL 1.16 leaves the image token in the labels, and prompt-completion data shifts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twelvelead.data.shard import read_rows
from twelvelead.errors import DataError, SetupError
from twelvelead.models.mllama import Base
from twelvelead.models.packed import IGNORED, pack

if TYPE_CHECKING:
    from rich.console import Console

END = "<|eot_id|>"
COLUMNS = ["sample_id", "page_id", "fold", "family", "format", "messages"]
LEARNT, GIVEN, EDGE = "bold black on bright_green", "dim", "bright_black"


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a packed sequence; `counts` says whether the loss asks for it."""

    id: int
    text: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the sequence: the prefix, or one sample behind it.

    Attributes:
        title: "prefix", or what the sample is.
        tokens: Its tokens.
        expected: What the loss should ask for: the answers, each with its end token.
        learnt: What it asks for.
    """

    title: str
    tokens: tuple[Token, ...]
    expected: str
    learnt: str


def load_tokenizer(path: str) -> Base:
    """A base without its weights: all that tokens and labels need, so an 11B folder opens at once.

    Raises:
        SetupError: The folder has no tokenizer.
    """
    import transformers

    if not (Path(path) / "tokenizer.json").is_file():
        raise SetupError(
            "base model folder has no tokenizer.json", where=path, expected="a local folder of a Mllama base"
        )
    tokenizer = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
    return Base(None, tokenizer, None, path, "")


def read_samples(instructions: Path, split: str, count: int, sample_id: str = "") -> list[dict[str, Any]]:
    """Samples of one page: the named one, or the first page's, one of every family and format first.

    Raises:
        SetupError: The split has no shards.
        DataError: There is no such sample.
    """
    page: list[dict[str, Any]] = []
    for row in read_rows(instructions, f"{split}-*.parquet", columns=COLUMNS):
        if sample_id:
            if row["sample_id"] == sample_id:
                return [row]
        elif page and row["page_id"] != page[0]["page_id"]:
            break
        else:
            page.append(row)
    if not page:
        raise DataError(f"split {split!r} has no sample {sample_id!r}", where=str(instructions))
    kinds = [(row["family"], row["format"]) for row in page]
    turn = {number: kinds[:number].count(kind) for number, kind in enumerate(kinds)}
    chosen = sorted(range(len(page)), key=lambda number: (turn[number], number))[:count]
    return [page[number] for number in sorted(chosen)]


def parts(base: Base, samples: Iterable[Mapping[str, Any]]) -> list[Part]:
    """The packed sequence of some samples of one page, cut into prefix and samples.

    Raises:
        DataError: A sample does not show exactly one picture.
    """
    rows = list(samples)
    asked = [base.dialogue(row["messages"]) for row in rows]
    prefix = asked[0][0]
    packed = pack(
        prefix, [[each for _, questions in asked for each in questions]], pad=base.tokenizer.pad_token_id
    )
    ids = packed.tokens[0].tolist()
    # Row t is asked for the token at t + 1.
    counts = [False, *(label != IGNORED for label in packed.labels[0].tolist()[:-1])]
    tokens = [
        Token(number, base.tokenizer.decode([number]), counted)
        for number, counted in zip(ids, counts, strict=True)
    ]
    cut = [_part(base, "prefix, shared by all questions of the page", tokens[: len(prefix)], "")]
    at = len(prefix)
    for row, (_, questions) in zip(rows, asked, strict=True):
        length = sum(len(question.prompt) + len(question.answer) for question in questions)
        title = f"{row['sample_id']}: {row['family']}, {row['format']}, fold {row['fold']}"
        cut.append(_part(base, title, tokens[at : at + length], "".join(_answers(row["messages"]))))
        at += length
    return cut


def show(cut: Iterable[Part], console: Console) -> None:
    """Print the parts: green counts in the loss, grey does not; without colours «…» counts.

    A part whose loss does not ask for exactly its answers is named in a line of its own.
    """
    from rich.text import Text

    cut = list(cut)
    every = [token for part in cut for token in part.tokens]
    counted = sum(token.counts for token in every)
    style = "in green" if console.is_terminal else "between « and »"
    console.print(
        f"{len(every)} tokens in one sequence; the {counted} {style} count in the loss.", soft_wrap=True
    )
    for part in cut:
        console.print()
        learnt = sum(token.counts for token in part.tokens)
        title = f"{part.title} ({learnt} of {len(part.tokens)} tokens count)"
        console.print(Text(title, style="bold"), soft_wrap=True)
        console.print(Text.assemble(*_marked(part.tokens, plain=not console.is_terminal)), soft_wrap=True)
        if part.learnt != part.expected:
            told = f"! the loss asks for {part.learnt!r}, the answers are {part.expected!r}"
            console.print(Text(told, style="bold red"), soft_wrap=True)


def preview(base: str, instructions: Path, split: str, count: int, sample_id: str = "") -> bool:
    """Show samples of one page on stdout; whether every loss asks for exactly the answers."""
    from rich.console import Console

    cut = parts(load_tokenizer(base), read_samples(instructions, split, count, sample_id))
    show(cut, Console(highlight=False))
    return all(part.learnt == part.expected for part in cut)


def _marked(tokens: Iterable[Token], *, plain: bool) -> Iterator[tuple[str, str]]:
    for number, token in enumerate(tokens):
        if number:
            yield "│", EDGE
        text = token.text.replace("\n", "⏎")
        yield (f"«{text}»" if token.counts and plain else text), LEARNT if token.counts else GIVEN


def _part(base: Base, title: str, tokens: list[Token], expected: str) -> Part:
    learnt = base.tokenizer.decode([token.id for token in tokens if token.counts])
    return Part(title, tuple(tokens), expected, learnt)


def _answers(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        if message["role"] == "assistant":
            yield "".join(part["text"] for part in message["content"]) + END
