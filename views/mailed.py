"""*Le enviamos un e-mail a …*: the page after a form that anybody may send. It says the same whoever the address is.

The address travels in a cookie of the browser that typed it: in the page's own address it would end up in logs.
"""

from urllib.parse import quote, unquote

from litestar.response import Redirect

from views.access import PanelRequest, cookie_name
from views.forms import panel_cookie

MAILED_COOKIE = "panel_escrito"
MINUTES_KEPT = 10


def lead_to_mailed(path: str, address: str) -> Redirect:
    """To the page at ``path`` that says where the e-mail went."""
    kept = panel_cookie(MAILED_COOKIE, quote(address, safe="@"), max_age=MINUTES_KEPT * 60)
    return Redirect(path, status_code=303, cookies=[kept], headers={"Cache-Control": "no-store"})


def mailed_to(request: PanelRequest) -> str:
    """The address that this browser typed a moment ago, or nothing."""
    return unquote(request.cookies.get(cookie_name(MAILED_COOKIE), ""))[:254]
