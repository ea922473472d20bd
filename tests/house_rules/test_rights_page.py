"""`docs/rights.md` says what the table of rights and the routes say; print it anew by running this module."""

import sys
from pathlib import Path

from operations.rights import PRESETS, RIGHTS
from tables.choices import Right
from tests.house_rules.routes import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "rights.md"

_HEAD = """# What a contact may do

Each right is granted by itself, none by default. Only the holder cancels or transfers a service and changes the
account's e-mail, password and security key: no right grants that. A contact can be limited to named services; the
others then answer like what does not exist.

| right | on screen | what it lets a contact do | brings along | pages and acts |
|---|---|---|---|---|
"""


def rights_page() -> str:
    """The page, made from `operations.rights` and the table of routes."""
    rows = "".join(_row(right) for right in Right)
    presets = "".join(
        f"- *{name}*: {', '.join(f'`{right}`' for right in Right if right in granted)}\n"
        for name, granted in PRESETS.values()
    )
    return f"{_HEAD}{rows}\n## Presets\n\n{presets}"


def _row(right: Right) -> str:
    words = RIGHTS[right]
    needs = ", ".join(f"`{need}`" for need in words.needs) or "–"
    routes = "<br>".join(f"`{route}`" for route in ROUTES if route.access == right) or "none yet"
    return f"| `{right}` | {words.name} | {words.consequence} | {needs} | {routes} |\n"


def test_the_page_of_rights_is_that_of_the_code() -> None:
    assert PAGE.read_text() == rights_page(), "run: python -m tests.house_rules.test_rights_page > docs/rights.md"


if __name__ == "__main__":
    sys.stdout.write(rights_page())
