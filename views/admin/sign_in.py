"""Before Piccolo checks a password: tries are counted in PostgreSQL, for all processes; too many are turned away."""

import json
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qs

from operations import limits
from operations.actors import Actor
from operations.events import record
from tables.staff import StaffSession
from views.admin.answers import Answer, App, Receive, Scope, read_body, replayed
from views.admin.hooks import caller_address
from views.admin.refusals import heard

WINDOW: Final = timedelta(minutes=15)
TRIES_BY_NAME_AND_NETWORK: Final = 5
TRIES_BY_NETWORK: Final = 40
LARGEST_FORM: Final = 8_192
SESSION_COOKIE: Final = b"id="

TOO_MANY: Final = "Hubo demasiados intentos. Espere 15 minutos e intente otra vez."


async def limited_sign_in(app: App, scope: Scope, receive: Receive) -> Answer:
    """Let a try through to Piccolo unless there were too many; a good one is not counted, but recorded as an event.

    It is counted before the password is checked, so that many at once cannot all slip under the limit.
    """
    body = await read_body(receive, LARGEST_FORM)
    if body is None:
        return Answer.text(413, "El formulario es demasiado grande.")
    subjects = _subjects(_typed_name(body), caller_address(scope))
    for subject, allowed in subjects:
        if await limits.count(subject, WINDOW) > allowed:
            return Answer.text(429, TOO_MANY)
    answer = await heard(app, scope, replayed(body))
    # Only a session says that it was right: Piccolo's HTML form answers 200 to a wrong password too. 403 is a page
    # whose token was missing: no password was looked at. And who is asked for a code has given the right password;
    # what the codes may be tried is counted by itself.
    signed_in = answer.header(b"set-cookie").startswith(SESSION_COOKIE)
    if answer.status == 403 or signed_in or _asks_for_code(answer):
        for subject, _ in subjects:
            await limits.take_back(subject, WINDOW)
    if signed_in:
        await _record(answer, scope)
    return answer


def _asks_for_code(answer: Answer) -> bool:
    said = answer.data() if answer.status == 401 else None
    return isinstance(said, dict) and said.get("detail") == "MFA code required"


async def _record(answer: Answer, scope: Scope) -> None:
    """Who came in, and from where. Only then does the session's cookie leave."""
    token = answer.header(b"set-cookie").removeprefix(SESSION_COOKIE).split(b";")[0].decode()
    staff_id = await StaffSession.get_user_id(token)
    await record("staff.signed_in", by=Actor(staff_id=staff_id, network_address=caller_address(scope)))


def _typed_name(body: bytes) -> str:
    """The user name of a form, JSON or not, as it is counted."""
    try:
        typed = json.loads(body)
        name = typed.get("username") if isinstance(typed, dict) else None
    except ValueError:
        name = parse_qs(body.decode("utf-8", "replace")).get("username", [""])[0]
    return name.strip().casefold()[:100] if isinstance(name, str) else ""


def _subjects(name: str, network: str) -> tuple[tuple[str, int], ...]:
    return (
        (f"staff-sign-in:{name}:{network}", TRIES_BY_NAME_AND_NETWORK),
        (f"staff-sign-in:{network}", TRIES_BY_NETWORK),
    )
