"""What a person says of an answer, kept as a line of JSON, and only where the server was told to."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twelvelead.ecg.statement import STATEMENTS
from twelvelead.serving.refusal import Refusal


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    code: str = Field(min_length=1, max_length=16)
    present: bool


class Feedback(BaseModel):
    """The body of POST /v1/feedback."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str = Field(pattern=r"^[0-9a-fA-F-]{36}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    statements: list[_Said] = Field(max_length=len(STATEMENTS))
    note: str = Field(default="", max_length=4000)


class Book:
    """Appends feedback to a file, line by line and safely on disk.

    Args:
        path: The file, or None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._lock = threading.Lock()

    def keep(self, body: bytes, adapter_sha256: str) -> None:
        """Take one.

        Raises:
            Refusal: None is kept here, or it is malformed.
        """
        if self.path is None:
            raise Refusal(
                "not_kept", "feedback is not kept here", fix="start the server with --keep-feedback FILE"
            )
        try:
            said = Feedback.model_validate_json(body)
        except ValidationError as fault:
            first = fault.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise Refusal("bad_request", first["msg"], where=place, expected="see /openapi.json") from None
        unknown = [one.code for one in said.statements if one.code not in STATEMENTS]
        if unknown:
            raise Refusal("bad_request", f"there is no statement {unknown[0]!r}", where="statements")
        entry: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"), "adapter_sha256": adapter_sha256,
            **said.model_dump(),
        }  # fmt: skip
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # What people write down may name a patient: it is for the one who runs the server alone.
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(file, "a", encoding="utf-8") as stream:
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
