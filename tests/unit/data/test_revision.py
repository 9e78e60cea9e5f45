"""Data by DVC revision: what a name means, what comes, and what is said when nothing does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from twelvelead.data import revision
from twelvelead.data.digest import dvc_md5
from twelvelead.data.revision import ORIGIN, bring, commit_of, parse
from twelvelead.errors import ParamsError, SetupError

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """git in a repository `repo` that tracks `raw/` by DVC."""
    repo = tmp_path / "repo"

    def call(*arguments: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        command = ["git", *who, "-C", str(repo), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    (repo / "raw").mkdir(parents=True)
    (repo / "raw" / "table.csv").write_text("first", encoding="utf-8")
    call("init", "-q", "-b", "main")
    dvc = [str(Path(sys.executable).with_name("dvc"))]
    for words in (["init", "-q"], ["remote", "add", "-q", "-d", "s", str(tmp_path / "store")],
                  ["add", "-q", "raw"], ["push", "-q"]):  # fmt: skip
        subprocess.run([*dvc, *words], cwd=repo, check=True, capture_output=True)
    call("add", ".")
    call("commit", "-q", "-m", "one")
    call("tag", "v1")
    call("tag", "-a", "v1-noted", "-m", "a tag that is an object of its own")
    return call


@pytest.mark.parametrize(
    ("text", "repo", "rev", "path"),
    [
        ("dvc:../data#main:raw/ptb-xl", "../data", "main", "raw/ptb-xl"),
        ("dvc:https://git.example/ecg.git#v2:raw", "https://git.example/ecg.git", "v2", "raw"),
        ("dvc:git@git.example:ecg/data.git#v2:raw", "git@git.example:ecg/data.git", "v2", "raw"),
    ],
)
def test_a_revision_is_read_from_its_name(text: str, repo: str, rev: str, path: str) -> None:
    found = parse(text)
    assert (found.repo, found.revision, found.path) == (repo, rev, path)


@pytest.mark.parametrize(
    "text", ["dvc:repo", "dvc:repo#main", "dvc:#main:raw", "dvc:r#:raw", "dvc:r#m:", "dvc:r#m:../x",
             "dvc:r#m:/x", "dvc:r#--upload-pack=x:raw", "dvc:--help#main:raw", "dvc:r#main:-x"],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParamsError, match="dvc:REPO#REVISION:PATH"):
        parse(text)


def test_branches_and_tags_become_the_commit_they_mean(git: Git, tmp_path: Path) -> None:
    head = git("rev-parse", "HEAD")
    for repo in (tmp_path / "repo", f"file://{tmp_path / 'repo'}"):
        for name in ("main", "v1", "v1-noted", head):
            assert commit_of(parse(f"dvc:{repo}#{name}:raw")) == head, (repo, name)


def test_a_repository_over_http_is_asked_too(git: Git, tmp_path: Path) -> None:
    """Without a program git: images have none."""
    from dulwich.repo import Repo
    from dulwich.server import DictBackend
    from dulwich.web import HTTPGitApplication, WSGIRequestHandlerLogger, WSGIServerLogger, make_server

    app = HTTPGitApplication(DictBackend({"/": Repo(str(tmp_path / "repo"))}))
    server = make_server(
        "127.0.0.1", 0, app, handler_class=WSGIRequestHandlerLogger, server_class=WSGIServerLogger
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        for name in ("main", "v1", "v1-noted"):
            url = f"http://127.0.0.1:{server.server_address[1]}/"
            assert commit_of(parse(f"dvc:{url}#{name}:raw")) == git("rev-parse", "HEAD")
    finally:
        server.shutdown()
        server.server_close()


def test_the_bytes_of_a_commit_come_even_after_the_branch_moved(git: Git, tmp_path: Path) -> None:
    (tmp_path / "repo" / "raw" / "table.csv").write_text("second", encoding="utf-8")
    place, origin = bring(f"dvc:{tmp_path / 'repo'}#v1:raw", tmp_path / "cache")
    assert (place / "table.csv").read_text(encoding="utf-8") == "first"
    assert origin.commit == git("rev-parse", "v1")
    assert origin.dvc_md5 == dvc_md5(place)
    origin.write(tmp_path)
    assert json.loads((tmp_path / ORIGIN).read_text(encoding="utf-8"))["revision"] == "v1"


def test_what_is_here_already_is_not_fetched_again(
    git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"dvc:{tmp_path / 'repo'}#v1:raw"
    first, _ = bring(name, tmp_path / "cache")
    monkeypatch.setattr(revision, "_dvc", lambda: pytest.fail("fetched again"))
    again, _ = bring(name, tmp_path / "cache")
    assert again == first


def test_what_is_not_there_is_said_in_words(git: Git, tmp_path: Path) -> None:
    for repo in (tmp_path / "repo", f"file://{tmp_path / 'repo'}"):
        with pytest.raises(SetupError, match="no such branch or tag"):
            bring(f"dvc:{repo}#nowhere:raw", tmp_path / "cache")
    with pytest.raises(SetupError, match="the repository cannot be read"):
        bring(f"dvc:{tmp_path / 'nowhere'}#v1:raw", tmp_path / "cache")
    with pytest.raises(SetupError, match="the repository cannot be read"):
        bring("dvc:http://127.0.0.1:9/ecg.git#v1:raw", tmp_path / "cache")
    with pytest.raises(SetupError, match="dvc get failed: ERROR: "):
        bring(f"dvc:{tmp_path / 'repo'}#v1:cooked", tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or not [
        path for path in (tmp_path / "cache").rglob("*") if path.is_file()
    ]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"", "the repository wants a password"),
        (403, b"", r"cannot be read.*403"),
        (404, b"", "cannot be read"),
        (407, b"", "the repository wants a password"),
        (500, b"<html>", r"cannot be read.*500"),
        (200, b"<html>Log in</html>", "cannot be read"),
        (200, b"", "no such branch or tag"),
    ],
)
def test_whatever_a_host_answers_becomes_a_sentence(
    status: int, body: bytes, said: str, tmp_path: Path
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(SetupError, match=said):
            commit_of(parse(f"dvc:http://127.0.0.1:{server.server_address[1]}/ecg.git#v1:raw"))
        server.shutdown()


def test_a_token_is_shown_to_its_own_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWELVELEAD_GIT_HOST", "git.example")
    monkeypatch.setenv("TWELVELEAD_GIT_TOKEN", "to/ken")
    ours = parse("dvc:https://git.example/ecg.git#v2:raw")
    assert ours.address == "https://oauth2:to%2Fken@git.example/ecg.git"
    assert "ken" not in ours.shown
    for other in ("https://git.example.evil/ecg.git", "https://evil/git.example/", "http://git.example/ecg.git",
                  "https://me:own@git.example/ecg.git", "git@git.example:ecg.git", "/data/repo"):  # fmt: skip
        assert parse(f"dvc:{other}#v2:raw").address == other


def test_what_dvc_leaves_of_a_killed_try_is_no_obstacle(git: Git, tmp_path: Path) -> None:
    """A file this time: in a pod the next try has the same process id, and so the same name for it."""
    commit = git("rev-parse", "v1")
    half = tmp_path / "cache" / commit[:16] / "raw" / f".tmp-{os.getpid()}-table.csv"
    half.parent.mkdir(parents=True)
    half.write_text("fir", encoding="utf-8")
    place, _ = bring(f"dvc:{tmp_path / 'repo'}#v1:raw/table.csv", tmp_path / "cache")
    assert place.read_text(encoding="utf-8") == "first"


def test_a_password_is_never_shown() -> None:
    found = parse("dvc:https://me:secret@git.example/ecg.git#v2:raw")
    assert "secret" not in found.shown
    assert "git.example/ecg.git" in found.shown
