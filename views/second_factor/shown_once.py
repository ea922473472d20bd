"""Recovery codes on their way from the form that made them to the page that shows them.

Only their digests are stored, so the browser itself carries them there, sealed: for ten minutes, in which the page can
be loaded again and printed, and for the one session that made them.
"""

from typing import Final

from litestar.datastructures import Cookie

from operations import one_time_codes
from operations.clock import now
from views.access import PanelRequest, cookie_name
from views.forms import panel_cookie

CODES_COOKIE: Final = "panel_codigos"
SECONDS: Final = 600

_PURPOSE: Final = "recovery codes on their way"


def carrying(codes: list[str], session: str) -> Cookie:
    """The cookie that brings codes to the page of a session."""
    sealed = one_time_codes.sealed("\n".join([session, *codes]), purpose=_PURPOSE, at=now())
    return panel_cookie(CODES_COOKIE, sealed, max_age=SECONDS)


def carried(request: PanelRequest, session: str) -> list[str]:
    """The codes that were made lately in this session; none later, or in another."""
    sealed = request.cookies.get(cookie_name(CODES_COOKIE), "")
    text = one_time_codes.opened_within(sealed, SECONDS, purpose=_PURPOSE, at=now()) if sealed else None
    made_in, *codes = (text or "").split("\n")
    return codes if made_in == session else []
