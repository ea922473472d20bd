"""What Piccolo's sign-in asks of the second factor. Setting one up has a page of its own, `/equipo/segundo-factor`.

Piccolo's own provider lets a secret count before any code has confirmed it, and reads and writes the last code in two
steps, between which the same code works twice.
"""

from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

from piccolo.apps.user.tables import BaseUser
from piccolo_api.mfa.provider import MFAProvider

from operations import staff_factors
from operations.refusals import NotFound
from operations.staff import staff_of
from views.access import STAFF_COOKIE
from views.admin.answers import Answer, Scope, request_header

SETUP_PAGE: Final = "/equipo/segundo-factor"


class StaffFactor(MFAProvider):
    """Asks whoever of the staff has a second factor for a code of it, or a recovery code."""

    async def is_user_enrolled(self, user: BaseUser) -> bool:
        return await staff_factors.factor_of(user.id) is not None

    async def authenticate_user(self, user: BaseUser, code: str) -> bool:
        return await staff_factors.is_good(user.id, str(code))

    async def send_code(self, user: BaseUser) -> bool:
        del user
        return False  # it is on their phone

    # The door leads whoever asks for Piccolo's own pages to `SETUP_PAGE`: here there is nothing to register.
    async def get_registration_html(self, user: BaseUser) -> str:
        del user
        raise NotFound

    async def get_registration_json(self, user: BaseUser) -> dict[str, Any]:
        del user
        raise NotFound

    async def delete_registration(self, user: BaseUser) -> None:
        del user
        raise NotFound


async def lacks_factor(scope: Scope) -> bool:
    """Whether somebody of the staff asks who must set up a second factor first."""
    if not staff_factors.is_required():
        return False
    try:
        cookie = SimpleCookie(request_header(scope, b"cookie")).get(STAFF_COOKIE)
    except CookieError:
        return False
    found = await staff_of(cookie.value) if cookie is not None else None
    return found is not None and not found.has_factor


def without_factor() -> Answer:
    """Nothing of the admin, and for its page where to go instead."""
    answer = Answer.text(403, "Active primero su segundo factor.")
    answer.headers.append((b"x-lead-to", SETUP_PAGE.encode()))
    return answer
