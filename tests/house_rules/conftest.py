"""The same panel and the same people as in `tests/views`."""

from tests.views.conftest import ana, anonymous, mid_year, panel, scene, stranger

__all__ = ["ana", "anonymous", "mid_year", "panel", "scene", "stranger"]
