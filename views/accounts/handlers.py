"""*Cuentas*: the accounts that a person may act on, and changing from one to another."""

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from operations import sessions
from views.access import PERSON, PanelRequest, person
from views.forms import ButtonAlone, read_form
from views.pages import respond


@get("/cuentas", opt=PERSON)
async def my_accounts(request: PanelRequest) -> Response[str]:
    """Every account the person may act on; the one they act on now is marked."""
    found = await sessions.accounts_of(person(request).user_id)
    return respond(request, "views/accounts/accounts.html", place="mas", accounts=found)


@post("/cuentas/{client_id:int}", opt=PERSON, status_code=303)
async def act_on_account(request: PanelRequest, client_id: FromPath[int]) -> Redirect:
    """Act on this account from now on, in this browser."""
    await read_form(request, ButtonAlone)
    await sessions.switch_account(person(request), client_id)
    return Redirect("/?aviso=cuenta-cambiada", status_code=303)
