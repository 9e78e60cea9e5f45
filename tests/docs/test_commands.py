"""Every command in README and tutorial is run here, or says why not; those of all other pages are read.

To read a command is to hand its words to the parser that would take them: an option that is no more, a
missing argument or a value of the wrong type falls. What runs, runs in one workspace, a copy of a small
finished run, in the order of the page.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "make", "twelvelead", "python", "dvc", "kubectl", "podman", "sh", "export", "unzip",
}  # fmt: skip
RECORD = "runs/latest/artifacts/records/records500/00000/00007_hr"

# A command of README or tutorial that is not run as it stands → what is run instead, or why nothing is.
CHEAPER: dict[str, tuple[str, ...]] = {
    "twelvelead page RECORD -o page.png": (f"twelvelead page {RECORD} -o page.png",),
    "twelvelead contact-sheet RECORD -o sheet.html": (f"twelvelead contact-sheet {RECORD} -o sheet.html",),
    "twelvelead instruct preview | card | export | import": (
        "twelvelead instruct preview --count 1",
        "twelvelead instruct card",
        "twelvelead instruct export ecg-qa exported --split test",
        "twelvelead instruct import ecg-qa exported taken",
    ),
    "twelvelead interpret FILE": (f"twelvelead page {RECORD} -o first.png", "twelvelead interpret first.png"),
    "twelvelead ecgbench OUTPUTS --gold FOLDER": ("twelvelead ecgbench OUTPUTS --gold GOLD",),
    # the small run's version is the champion already; for another alias the policy in force is asked
    "twelvelead promote 1": ("twelvelead promote 1 --alias second",),
    "twelvelead photos FOLDER --adapter ADAPTER": (
        "twelvelead photos PHOTOS --adapter artifacts/adapter --scorecard runs/latest/scorecard.json",
    ),
}
_RUN = "the fixture `small_run` makes such a run, with fewer records; the recipe is read here"
NOT_RUN = {
    "make run": "20 to 30 minutes",
    "make run PARAMS=params.smoke.yaml": _RUN,
    "make run PARAMS=params.smoke.yaml SET='name=wider train_lora.rank=32'": _RUN,
    "make run SOURCE=/path/to/ptb-xl": "needs PTB-XL; tests/stages/test_ingest_sources.py reads a part of it",
    "make test": "this is it",
    "make images test-containers": "needs a container engine; tests/containers does it where there is one",
    "make site": "tests/docs/test_site.py builds it, without making an environment first",
    "twelvelead serve": "does not end; tests/serving starts and stops it",
    "twelvelead serve --model out/reader": "does not end; tests/serving starts and stops it",
}
ENDS_IN = {"twelvelead promote 1": 5}  # the page says that it is refused


@dataclass(frozen=True, slots=True)
class Line:
    """One command of a page."""

    page: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.number} {self.text}"


def lines_of(page: Path) -> Iterator[Line]:
    """The commands of a page's fenced blocks: those of `sh` blocks, and of plain ones that begin with one."""
    block: list[tuple[int, str]] = []
    language: str | None = None
    for number, raw in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if not raw.lstrip().startswith("```"):
            block.append((number, raw.strip()))
        elif language is None:
            block, language = [], raw.strip().removeprefix("```")
        else:
            if language == "sh" or (not language and block and _program(block[0][1]) in PROGRAMS):
                yield from _joined(str(page.relative_to(ROOT)), block)
            language = None


def _joined(page: str, block: list[tuple[int, str]]) -> Iterator[Line]:
    whole = ""
    for number, raw in block:
        text = re.sub(r"(^|\s+)#\s.*$", "", raw)
        whole = f"{whole} {text}".strip()
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip()
        elif whole:
            yield Line(page, number, whole)
            whole = ""


def _words(text: str) -> tuple[dict[str, str], list[str]]:
    """Assignments in front, and the words of the command."""
    words = shlex.split(text)
    settings = {}
    while words and re.fullmatch(r"[A-Z_0-9]+=.*", words[0]):
        name, _, value = words.pop(0).partition("=")
        settings[name] = value
    return settings, words


def _program(text: str) -> str:
    words = [word for word in text.split() if not re.match(r"[A-Z_0-9]+=", word)]
    return words[0] if words else ""


FRONT = [
    line
    for page in (ROOT / "README.md", *sorted((ROOT / "docs/tutorial").glob("*.md")))
    for line in lines_of(page)
]
OTHERS = [
    line
    for folder in ("how-to", "guides", "explanation", "cards", ".")
    for page in sorted((ROOT / "docs" / folder).glob("*.md"))
    for line in lines_of(page)
]


def test_the_pages_have_commands_and_the_tables_no_other() -> None:
    texts = {line.text for line in FRONT}
    assert len(FRONT) > 20
    assert set(CHEAPER) | set(NOT_RUN) | set(ENDS_IN) <= texts, "a table speaks of a command that no page has"
    assert not set(CHEAPER) & set(NOT_RUN)


@pytest.mark.parametrize("line", [*FRONT, *OTHERS], ids=str)
def test_a_command_is_one_that_its_program_would_take(line: Line) -> None:
    for text in CHEAPER.get(line.text, (line.text,)):
        read(text)


@pytest.mark.parametrize("line", [line for line in FRONT if line.text not in NOT_RUN], ids=str)
def test_a_command_of_readme_and_tutorial_does_what_it_is_there_for(line: Line, workspace: Workspace) -> None:
    for text in CHEAPER.get(line.text, (line.text,)):
        unmerged(text)
        workspace.run(text, ENDS_IN.get(line.text, 0))


def test_files_that_the_tutorial_sends_people_to_are_there(workspace: Workspace) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs/tutorial").glob("*.md"))
    named = set(re.findall(r"`(runs/latest/[\w./-]+)`", text))
    assert len(named) >= 2
    for name in named:
        assert (workspace.folder / name).exists(), name


def read(text: str) -> None:
    """Fail unless the program of a command knows every option of it."""
    settings, words = _words(text)
    program, *rest = words or ["export", *settings]
    if program == "twelvelead":
        from twelvelead.cli import app

        unmerged(text)
        parse(app, rest)
    elif program == "python" and rest[:2] == ["-m", "pipelines"]:
        from pipelines.__main__ import app

        parse(app, rest[2:])
    elif program == "python":
        script = rest[:2] if rest[0] == "-m" else rest[:1]
        known([sys.executable, *script], rest[len(script) :])
    elif program == "make":
        read_make(rest)
    elif program in ("dvc", "kubectl", "podman"):
        found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if found is None:
            pytest.skip(f"{program} is absent, so its options cannot be looked up")
        known([found], rest[2:] if rest[0] == "-n" else rest)
    else:
        assert program in PROGRAMS, f"nobody here knows how to read {program}"


def parse(app: typer.Typer, words: list[str]) -> None:
    """Hand the words to the typer application's own parser, down to the last command, and run nothing."""
    command, name = typer.main.get_command(app), "program"
    while True:
        context = command.make_context(name, list(words))
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if not getattr(command, "commands", None) or not rest:
            return
        name, words = rest[0], rest[1:]
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]


def known(program: list[str], words: list[str]) -> None:
    """Look every option up in what the program's command says of itself."""
    command = words[: next((at for at, word in enumerate(words) if word.startswith("-")), len(words))]
    call = [*program, *command, "--help"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    told = done.stdout + done.stderr
    for word in words:
        option = word.split("=")[0]
        if re.match(r"--?[a-zA-Z]", option):
            assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told), f"{call} knows no {option}"


def read_make(words: list[str]) -> None:
    """Targets exist, variables are used, and what `make run` would call is itself a command that parses."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        name, is_variable, _ = word.partition("=")
        wanted = rf"\$\({name}\)|\$\({name}," if is_variable else rf"(?m)^{name}:"
        assert re.search(wanted, makefile), f"the Makefile does not know {word}"
    done = subprocess.run(
        ["make", "-n", "STAMP=", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 or "no container engine" in done.stderr, done.stderr
    for line in done.stdout.splitlines():
        if " -m pipelines " in line:
            read(re.sub(r"^\S+/python", "python", line.strip()))


def unmerged(text: str) -> None:
    words = _words(text)[1]
    absent = not (ROOT / "src/twelvelead/serving").is_dir()
    if absent and words[:1] == ["twelvelead"] and words[1] in ("interpret", "serve", "reader"):
        pytest.skip(f"this tree has no src/twelvelead/serving, so no `twelvelead {words[1]}` yet")


@dataclass
class Workspace:
    """A folder in which the commands of the pages run, as a checkout after its first small run."""

    folder: Path
    environment: dict[str, str]

    def run(self, text: str, code: int) -> None:
        """Run a command as a shell would, and keep what it exports."""
        if text.startswith("export "):
            name, _, value = text.removeprefix("export ").partition("=")
            self.environment[name] = (
                os.path.expandvars(shlex.split(value)[0]) if name != "PATH" else self.environment["PATH"]
            )
            return
        done = subprocess.run(
            ["bash", "-ec", text], cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == code, f"{text}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def workspace(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("checkout")
    for path in ROOT.iterdir():
        if path.name not in ("runs", "artifacts") and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    run = folder / "runs" / small_run.name
    run.mkdir(parents=True)
    for path in small_run.iterdir():
        if path.name == "artifacts":
            shutil.copytree(path, run / "artifacts")  # follows the links of `gather`: own files, own folder
        elif path.is_file():
            shutil.copy(path, run)
    (folder / "runs/latest").symlink_to(run.name)
    shutil.copy(small_run.parent / "mlflow.db", folder / "runs")
    (folder / "artifacts").symlink_to("runs/latest/artifacts")
    shutil.copy(run / "predictions.parquet", folder)
    _loose_record(run / "artifacts/records/records500-000.zip", folder / "IN")
    _photographs(folder)
    _ecgbench(folder)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "HOME": str(tmp_path_factory.mktemp("home")),
    }
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment["NUMBA_CACHE_DIR"] = os.environ.get("NUMBA_CACHE_DIR", "")
    return Workspace(folder, {name: value for name, value in environment.items() if value})


def _loose_record(volume: Path, to: Path) -> None:
    to.mkdir()
    with zipfile.ZipFile(volume) as archive:
        for name in archive.namelist():
            if "00007_hr" in name:
                (to / Path(name).name).write_bytes(archive.read(name))


def _photographs(folder: Path) -> None:
    import pyarrow.parquet as pq

    photos = folder / "PHOTOS"
    photos.mkdir()
    rows = ["image,patient_id,scp_codes"]
    shard = next((folder / "artifacts/pages").glob("pages-*.parquet"))
    for number, image in enumerate(pq.read_table(shard, columns=["image"]).slice(0, 8).to_pylist()):
        (photos / f"{number}.png").write_bytes(image["image"]["bytes"])
        rows.append(f"{number}.png,{number},\"{{'{'NORM' if number % 2 else 'AFIB'}': 100.0}}\"")
    (photos / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _ecgbench(folder: Path) -> None:
    import json

    (folder / "OUTPUTS").mkdir()
    (folder / "GOLD").mkdir()
    asked = [
        {"id": str(number), "image": f"{number}.png",
         "conversations": [{"from": "human", "value": "<image>\nWhich?"}, {"from": "gpt", "value": label}]}
        for number, label in enumerate(["NORM", "MI", "NORM", "STTC"])
    ]  # fmt: skip
    (folder / "GOLD/ptb-test.json").write_text(json.dumps(asked), encoding="utf-8")
    said = [{"question_id": str(number), "text": "NORM"} for number in range(4)]
    (folder / "OUTPUTS/ptb-test.jsonl").write_text("\n".join(map(json.dumps, said)) + "\n", encoding="utf-8")
