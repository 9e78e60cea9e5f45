"""Data under version control: `dvc:REPO#REVISION:PATH` names what a DVC repository tracks at a commit.

DVC is a command here, never imported. Its remote's address lies in the repository; credentials come from the
environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on), as for every other S3 access. So does a token for
git over HTTPS: TWELVELEAD_GIT_TOKEN, shown to the host in TWELVELEAD_GIT_HOST alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from twelvelead.data.digest import dvc_md5
from twelvelead.errors import ParamsError, SetupError
from twelvelead.progress import say

SCHEME = "dvc:"
FORM = "dvc:REPO#REVISION:PATH, as in dvc:https://git.example/ecg.git#v2:raw/ptb-xl"
ORIGIN = "origin.json"  # in an artifact: which revision its raw data was
HOST, TOKEN = "TWELVELEAD_GIT_HOST", "TWELVELEAD_GIT_TOKEN"
SECONDS = 6 * 3600  # for one transfer of an archive
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Revision:
    """A path that a DVC repository tracks, at a branch, tag or commit.

    Attributes:
        repo: Folder or URL of the git repository.
        revision: Branch, tag or commit.
        path: Relative path within it.
    """

    repo: str
    revision: str
    path: str

    @property
    def shown(self) -> str:
        """For messages and files: a password in the URL is left out."""
        return f"{SCHEME}{_masked(self.repo)}#{self.revision}:{self.path}"

    @property
    def address(self) -> str:
        """The repository, with the environment's token where that is meant for its host."""
        host, token = os.environ.get(HOST, ""), os.environ.get(TOKEN, "")
        if not (host and token and self.repo.startswith(f"https://{host}/")):
            return self.repo
        # GitLab wants this name beside a token; others take any.
        return self.repo.replace("https://", f"https://oauth2:{quote(token, safe='')}@", 1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an artifact's raw data came from: the exact commit, and DVC's hash of the bytes."""

    repo: str
    revision: str
    commit: str
    path: str
    dvc_md5: str

    def write(self, folder: Path) -> None:
        """Keep it in the artifact, for its lineage."""
        (folder / ORIGIN).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def is_revision(text: str) -> bool:
    """Whether a source's path is a DVC revision."""
    return text.startswith(SCHEME)


def parse(text: str) -> Revision:
    """Read `dvc:REPO#REVISION:PATH`.

    Raises:
        ParamsError: A part is missing, or the path leaves the repository.
    """
    repo, hash_, rest = text.removeprefix(SCHEME).rpartition("#")
    revision, colon, path = rest.partition(":")
    if not (is_revision(text) and hash_ and colon and repo and revision and path):
        raise ParamsError(f"{text!r} names no DVC revision", expected=FORM)
    if path.startswith("/") or ".." in Path(path).parts:
        raise ParamsError(f"{text!r} leaves its repository", expected=FORM)
    if any(part.startswith("-") for part in (repo, revision, path)):  # an option to the program that reads it
        raise ParamsError(f"{text!r} has a part that begins with a dash", expected=FORM)
    return Revision(repo, revision, path)


def commit_of(revision: Revision) -> str:
    """The commit that a branch, tag or abbreviated name means now. No program git is needed.

    Raises:
        SetupError: The repository cannot be read, or has no such revision.
    """
    if _COMMIT.fullmatch(revision.revision):
        return revision.revision
    try:
        from dulwich.client import HTTPProxyUnauthorized, HTTPUnauthorized, get_transport_and_path
        from dulwich.errors import GitProtocolError, NotGitRepository
        from dulwich.objectspec import parse_commit
        from dulwich.repo import Repo
        from urllib3.exceptions import HTTPError
    except ImportError as missing:
        raise SetupError(
            f"dulwich is missing ({missing})", fix="pip install 'twelvelead[versions]'"
        ) from None
    here = Path(revision.repo.removeprefix("file://"))
    try:
        if here.is_dir():
            with Repo(str(here)) as repo:
                return parse_commit(repo, revision.revision).id.decode()
        client, path = get_transport_and_path(revision.address)
        found = {bytes(ref): oid for ref, oid in client.get_refs(path.encode()).refs.items() if oid}
    except KeyError:
        found = {}
    except (HTTPUnauthorized, HTTPProxyUnauthorized) as fault:
        raise SetupError(
            f"the repository wants a password: {_masked(str(fault))}",
            where=revision.shown,
            fix=f"name its host in {HOST} and a token in {TOKEN}: on a cluster, the secret `git`",
        ) from None
    except (GitProtocolError, NotGitRepository, HTTPError, OSError, ValueError) as fault:
        raise SetupError(
            f"the repository cannot be read: {_masked(str(fault) or type(fault).__name__)}",
            where=revision.shown,
            fix="check its address, and that a token or key for it is at hand",
        ) from fault
    # A tag that is an object of its own is listed twice: as itself, and with ^{} as the commit it is put on.
    name = revision.revision.encode()
    for ref in (b"refs/tags/%s^{}" % name, b"refs/tags/" + name, b"refs/heads/" + name):
        if found.get(ref):
            return found[ref].decode()
    raise SetupError("the repository has no such branch or tag", where=revision.shown, expected=FORM)


def bring(text: str, cache: Path) -> tuple[Path, Origin]:
    """Fetch what a revision tracks; what a killed run fetched of the same commit is not fetched again.

    Args:
        text: `dvc:REPO#REVISION:PATH`.
        cache: Folder that holds one folder a commit and path.

    Returns:
        The local file or folder, and its origin.

    Raises:
        ParamsError: The text names no revision.
        SetupError: dvc is missing, or the repository or its remote cannot be read.
    """
    revision = parse(text)
    commit = commit_of(revision)
    place = cache / commit[:16] / revision.path
    if not place.exists():
        say(f"{revision.shown}: commit {commit[:12]}")
        place.parent.mkdir(parents=True, exist_ok=True)
        half = place.with_name(f".tmp-{os.getpid()}-{place.name}")
        shutil.rmtree(half, ignore_errors=True)  # in a pod a killed try had the same process id
        half.unlink(missing_ok=True)
        _run([_dvc(), "get", revision.address, revision.path, "--rev", commit, "--out", str(half)], revision)
        half.rename(place)
    return place, Origin(_masked(revision.repo), revision.revision, commit, revision.path, dvc_md5(place))


def run_dvc(arguments: list[str], cwd: Path, where: str) -> str:
    """Run dvc in a folder.

    Returns:
        What it printed.

    Raises:
        SetupError: It is missing or failed; carries its last words.
    """
    return _call([_dvc(), *arguments], where, cwd)


def _dvc() -> str:
    """DVC of this environment, else the one on the PATH."""
    beside = Path(sys.executable).with_name("dvc")
    found = str(beside) if beside.is_file() else shutil.which("dvc")
    if not found:
        raise SetupError("dvc is missing", fix="pip install 'twelvelead[versions]'")
    return found


def _run(command: list[str], revision: Revision) -> str:
    return _call(command, revision.shown, None)


def _call(command: list[str], where: str, cwd: Path | None) -> str:
    environment = {
        "DVC_NO_ANALYTICS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "PYTHONWARNINGS": "ignore",
        # DVC's own place is /var/tmp, which a pod with a read-only root does not have.
        "DVC_SITE_CACHE_DIR": str(Path(tempfile.gettempdir()) / f"dvc-{os.getuid()}"),
    }
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment | os.environ, capture_output=True, encoding="utf-8",
            errors="replace", timeout=SECONDS, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise SetupError(f"{command[0]} is missing", where=where, fix=f"install {command[0]}") from None
    except subprocess.TimeoutExpired:
        raise SetupError(
            f"no end after {SECONDS} s", where=where, fix="see that its remote answers, and try again"
        ) from None
    if done.returncode:
        said = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.startswith("ERROR")]
        said = said or [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise SetupError(
            f"{Path(command[0]).name} {command[1]} failed: {_masked(' '.join(said[-3:]))[:500]}",
            where=where,
            fix="check the revision, the DVC remote in its .dvc/config, and AWS_ENDPOINT_URL, "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    return done.stdout


def _masked(text: str) -> str:
    return re.sub(r"(?<=://)[^/@\s]*@", "***@", text)
