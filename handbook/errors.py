"""The error tree and the exit codes, from errors.py."""

from __future__ import annotations

import inspect

from handbook.table import code, document, table
from twelvelead import errors

_CODES = {
    0: "done; of a run: it worked, whatever the verdict",
    1: "a bug, or a fault nobody expected: please report it with the log",
    2: "params.yaml or the command line is wrong",
    3: "the data was rejected",
    errors.GATE_REJECTED: "kept for a gate's refusal; no command ends in it, for a refusal is a value in "
    "`verdict.json`",
    5: "something is missing in the environment, or the registry refused",
    143: "stopped on request (SIGTERM) after a checkpoint; the same command goes on",
}


def page() -> str:
    """The reference of errors."""
    tree = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    found = [one for one in vars(errors).values() if inspect.isclass(one) and issubclass(one, errors.Error)]
    unknown = {one.exit_code for one in found} - set(_CODES)
    if unknown:
        raise ValueError(f"exit codes without words here: {sorted(unknown)}")
    rows = [(code(one.__name__), one.exit_code, _first(one)) for one in found]
    return document(
        "Errors and exit codes",
        "A message says what is wrong, where, what was expected and how to fix it:",
        "```text\n" + "twelvelead: ParamsError: params.yaml: 1 fault(s)\n"
        "  train_lora.rnak: unknown key; did you mean 'rank'?\n```",
        table(("exit code", "means"), sorted(_CODES.items())),
        "## The tree",
        f"```text\n{inspect.cleandoc(tree)}\n```",
        table(("error", "exit code", "when"), rows),
    )


def _first(one: type) -> str:
    return inspect.cleandoc(one.__doc__ or "").split("\n\n")[0]
