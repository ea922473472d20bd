"""What the demos of these tests leave in the temporary folder goes with the session."""

from collections.abc import Iterator

import pytest

from tests.commands.demo_process import AT_THE_END


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """xdist ends its workers without giving the interpreter its turn."""
    yield
    AT_THE_END.close()
