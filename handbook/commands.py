"""Every command of `twelvelead` and `python -m pipelines`, from the typer applications."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import typer

from handbook.table import code, document, table


def page() -> str:
    """The reference of commands."""
    from pipelines.__main__ import app as pipelines

    from twelvelead.cli import app as twelvelead

    parts = [
        "Errors go to standard error as one message that says what, where and how to fix it; [exit "
        "codes](errors.md). What a command found out is printed as JSON on standard output, unless it is a "
        "table for people. `--help` behind any command says the same as this page."
    ]
    for program, app in (("twelvelead", twelvelead), ("python -m pipelines", pipelines)):
        group = typer.main.get_command(app)
        parts.append(f"## `{program}`\n\n{_about(group)}")
        parts += [_command(name, command) for name, command in walk(program, group)]
    return document("Commands", *parts)


def walk(program: str, group: Any) -> Iterator[tuple[str, Any]]:
    """Every command below a group with its whole name; a group that does something itself is one too."""
    for name, command in group.commands.items():
        whole = f"{program} {name}"
        yield whole, command
        if getattr(command, "commands", None):
            yield from walk(whole, command)


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.opts == [one.name]]
    options = [one for one in command.params if one not in arguments and one.name != "help"]
    usage = " ".join([name, *(_placeholder(one) for one in arguments), *(["[OPTIONS]"] if options else [])])
    parts = [f"### `{name}`", _about(command), f"```text\n{usage}\n```"]
    if rows := [_row(one) for one in options]:
        parts.append(table(("option", "takes", "default", "meaning"), rows))
    return "\n\n".join(parts)


def _placeholder(argument: Any) -> str:
    word = (argument.metavar or argument.name).upper()
    return word if argument.required else f"[{word}]"


def _row(option: Any) -> tuple[str, str, str, str]:
    names = ", ".join(
        code(name) for name in (*sorted(option.opts, key=len, reverse=True), *option.secondary_opts)
    )
    takes = "" if option.is_flag else _type(option) + (", repeatable" if option.multiple else "")
    bounds = [
        f"{sign} {bound}" for sign, bound in (("≥", option.min), ("≤", option.max)) if bound is not None
    ]
    default = "required" if option.required else "" if option.is_flag else code(_plain(option.default))
    return names, " ".join([takes, *bounds]), default, option.help or ""


def _type(option: Any) -> str:
    annotation = option.type_descriptor.annotation
    annotation = next(iter(get_args(annotation)), annotation)  # list[str] takes a text, several times
    names = {Path: "path", int: "whole number", float: "number", str: "text"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _plain(value: object) -> object:
    if value is None or value == [] or value == ():
        return ""
    return value.value if isinstance(value, Enum) else value


def _about(command: Any) -> str:
    return " ".join((command.help or "").split())
