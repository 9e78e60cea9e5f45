"""The S3 server that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.data.weed import Server, Unavailable, running
from tests.data.wire import Wire


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    """A real S3 server; the test is skipped where none can be run."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        try:
            context = running()
            server = context.__enter__()
        except Unavailable as reason:
            pytest.skip(str(reason))
        try:
            yield server
        finally:
            context.__exit__(None, None, None)


@pytest.fixture
def wire(s3_server: Server) -> Iterator[Wire]:
    """A connection to the server that the test can cut."""
    made = Wire(s3_server.port)
    yield made
    made.close()
