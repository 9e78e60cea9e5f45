"""Why an upload is not read: a code that programs understand, a status of HTTP, and a sentence for people."""

from __future__ import annotations

from typing import Any

from twelvelead.errors import Error, RecordError

STATUS = {
    "bad_request": 400,
    "unauthorised": 401,
    "not_found": 404,
    "not_kept": 404,
    "method_not_allowed": 405,
    "timeout": 408,
    "too_large": 413,
    "unsupported": 415,
    "unreadable": 422,
    "not_an_ecg": 422,
    "busy": 429,
    "internal": 500,
    "unavailable": 503,
}


class Refusal(RecordError):
    """An upload, or a whole request, that is not answered.

    Args:
        code: One of STATUS.
        what, where, expected, fix: As of any `Error`.
    """

    def __init__(self, code: str, what: str, *, where: str = "", expected: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, expected=expected, fix=fix)
        self.code = code

    @property
    def status(self) -> int:
        """Of HTTP."""
        return STATUS[self.code]

    @classmethod
    def of(cls, fault: Error, code: str = "unreadable") -> Refusal:
        """Any of our errors as a refusal."""
        if isinstance(fault, cls):
            return fault
        return cls(code, fault.what, where=fault.where, expected=fault.expected, fix=fault.fix)

    @classmethod
    def from_tree(cls, tree: dict[str, Any]) -> Refusal:
        """What `tree` gave."""
        return cls(
            tree["code"], tree["what"], where=tree["where"], expected=tree["expected"], fix=tree["fix"]
        )

    def tree(self) -> dict[str, str]:
        """For JSON."""
        return {
            "code": self.code, "what": self.what, "where": self.where, "expected": self.expected,
            "fix": self.fix,
        }  # fmt: skip
