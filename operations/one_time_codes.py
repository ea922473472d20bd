"""The arithmetic of a second factor: six digits that a phone and the panel make of one secret and the time.

And recovery codes, which stand in for a lost phone. Pure: whether a code was used before is the tables' to say.
"""

import base64
import hmac
import re
import secrets
from datetime import datetime
from typing import Final

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from settings import settings

STEP_SECONDS: Final = 30
RECOVERY_CODES: Final = 10

# Phones' clocks are a little off, and people take a while to type.
_WINDOW = (0, -1, 1)
# Nothing that reads like something else on paper: no i, l, o, 0 or 1.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """A secret for a phone, in the letters that people can type into it."""
    return pyotp.random_base32()


def step_of(secret: str, typed: str, at: datetime) -> int | None:
    """The step of 30 seconds that six digits belong to, the one of ``at`` or one beside it; None for a wrong code."""
    digits = re.sub(r"[\s-]", "", typed)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    current, totp = int(at.timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    steps = [
        current + away for away in _WINDOW if hmac.compare_digest(totp.at((current + away) * STEP_SECONDS), digits)
    ]
    return steps[0] if steps else None


def setup_address(secret: str, account: str) -> str:
    """What a phone reads from the square code: the secret, whose it is, and where it is for."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=settings().brand_name)


def new_recovery_codes() -> list[str]:
    """Ten codes of ten letters, 49 bits each."""
    return [f"{_letters()}-{_letters()}" for _ in range(RECOVERY_CODES)]


def recovery_digest(owner: str, typed: str) -> str:
    """What is stored of a recovery code of ``owner``, however it is typed.

    It takes the panel's secret to make one: who has only a copy of the database cannot try codes on it.
    """
    code = re.sub(r"[^a-z0-9]", "", typed.lower())
    return hmac.digest(_key("recovery codes"), f"{owner}:{code}".encode(), "sha256").hex()


def sealed(text: str, *, purpose: str, at: datetime) -> str:
    """A text encrypted with a key that only the panel has; nobody can make or read one by a copy of the database."""
    return _fernet(purpose).encrypt_at_time(text.encode(), int(at.timestamp())).decode()


def opened(token: str, *, purpose: str) -> str:
    """The text that was sealed. Raises ``ValueError`` where the panel's secret is another one by now."""
    try:
        return _fernet(purpose).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise ValueError(f"sealed for {purpose} with another PANEL_SECRET_KEY") from error


def is_readable(token: str, *, purpose: str) -> bool:
    """Whether the panel, with the secret it has now, can open what was sealed."""
    try:
        opened(token, purpose=purpose)
    except ValueError:
        return False
    return True


def opened_within(token: str, seconds: int, *, purpose: str, at: datetime) -> str | None:
    """The text that was sealed at most so many seconds before ``at``; None for an older one or no such thing."""
    try:
        return _fernet(purpose).decrypt_at_time(token.encode(), seconds, int(at.timestamp())).decode()
    except InvalidToken:
        return None


def _letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


def _fernet(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(purpose)))


def _key(purpose: str) -> bytes:
    """A key for one purpose, derived from the panel's secret."""
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"panel: {purpose}".encode())
    return derivation.derive(settings().secret_key.get_secret_value().encode())
