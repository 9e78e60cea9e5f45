"""The exceptions Twelvelead raises on purpose, and the exit codes they end a command with.

    Error                 1  something we could name but did not expect
    ├── ParamsError       2  params.yaml or the command line is wrong
    ├── DataError         3  the data was rejected
    │   ├── RecordError   3  one record is unreadable or malformed
    │   └── LeakageError  3  a patient, fold or label crosses where it must not
    ├── SetupError        5  a package, base model, folder or server is missing
    ├── RegistryError     5  the model registry refused or cannot be reached
    └── Interrupted     143  somebody asked us to stop (SIGTERM); what was done is kept

Exit code 4 (gate rejected) has no exception: a refusal is a verdict, a value.
"""


class Error(Exception):
    """A fault with a sentence a user can act on.

    Args:
        what: What is wrong, as a sentence.
        where: Record id, file or dotted params key.
        expected: What would have been right.
        fix: What to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", expected: str = "", fix: str = "") -> None:
        self.what, self.where, self.expected, self.fix = what, where, expected, fix
        parts = [f"{where}: {what}" if where else what]
        if expected:
            parts.append(f"Expected: {expected}")
        if fix:
            parts.append(f"Fix: {fix}")
        super().__init__("\n  ".join(parts))


class ParamsError(Error):
    """params.yaml, a --set option or the command line is wrong."""

    exit_code = 2


class DataError(Error):
    """The data as a whole was rejected."""

    exit_code = 3


class RecordError(DataError):
    """One record is unreadable or malformed; callers quarantine it with this reason."""


class LeakageError(DataError):
    """Something crosses a border that keeps evaluation honest."""


class SetupError(Error):
    """The environment lacks something: a package, a base model, a folder, a server."""

    exit_code = 5


class RegistryError(Error):
    """The model registry refused, or cannot be reached."""

    exit_code = 5


class Interrupted(Error):
    """Stopped on request, after a checkpoint; the same command goes on from there."""

    exit_code = 143  # 128 + SIGTERM, what a shell and a pod report


GATE_REJECTED = 4
