"""The application that all commands hang on."""

from __future__ import annotations

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="12-lead ECG archives to a judged multimodal LLM that reads ECG pictures. Not a medical device.",
)
