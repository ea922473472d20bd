"""What people prove themselves by, kept as Argon2id: passwords, and the *clave de seguridad*.

Hashing takes a processor a tenth of a second or so: everything here that hashes or judges runs beside the loop.
"""

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from zxcvbn import zxcvbn

from operations.clients import folded
from settings import settings

PASSWORD_LENGTH = 12

# Of zxcvbn's five scores: 3 stands for 10^8 guesses or more.
GOOD_ENOUGH = 3
# Words of our clients' own, which the judge's English lists do not know.
_OUR_WORDS = (
    *("clave", "contraseña", "contrasena", "panel", "cliente", "hosting", "dominio", "correo", "bienvenido", "secreto"),
    *("argentina", "buenos aires", "cordoba", "rosario", "mendoza", "mundial", "boca", "juniors", "river", "plate"),
    *("messi", "maradona", "hola", "amor", "teamo", "familia", "perro", "gato", "verano", "invierno"),
)
# What is judged of a long one: the judge takes long over long ones full of signs, and more letters only make it better.
_JUDGED = 24
# What must be left of a secret without what others know of the person.
_OF_ITS_OWN = 6

_WORDS = re.compile(r"\w{3,}")

_hasher = PasswordHasher()
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe())


async def hashed(secret: str) -> str:
    """A secret as it is stored."""
    return await asyncio.to_thread(_hasher.hash, _normal(secret))


async def matches(stored: str | None, secret: str) -> bool:
    """Whether a secret is the one that was stored. Where none was, it is not, and saying so takes the same time."""
    found = await asyncio.to_thread(_verifies, stored or _NOBODYS_HASH, _normal(secret))
    return found and bool(stored)


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with weaker parameters than those of today: to be made anew when its owner comes."""
    return _hasher.check_needs_rehash(stored)


async def password_fault(password: str, about: Iterable[str]) -> str | None:
    """Why this cannot be somebody's password, as a sentence; None if it can.

    ``about``: what others know of the person, such as name and address.
    """
    if len(_normal(password)) < PASSWORD_LENGTH:
        return f"Elija una clave de {PASSWORD_LENGTH} caracteres o más."
    if await asyncio.to_thread(_score, password, tuple(about)) < GOOD_ENOUGH:
        return "Esa clave es fácil de adivinar. Elija otra, por ejemplo cuatro palabras que no vayan juntas."
    return None


async def is_easy_to_guess(secret: str, about: Iterable[str]) -> bool:
    """Whether a secret that is asked for only a few times an hour would be found even so."""
    return await asyncio.to_thread(_score, secret, tuple(about)) < GOOD_ENOUGH - 1


def _normal(secret: str) -> str:
    # One keyboard sends ñ as one character, another as n and a tilde.
    return unicodedata.normalize("NFC", secret)


def _verifies(stored: str, secret: str) -> bool:
    try:
        return _hasher.verify(stored, secret)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _score(secret: str, about: tuple[str, ...]) -> int:
    texts = {text.casefold() for text in (*about, settings().brand_name)}
    texts |= {folded(text) for text in texts}
    known = {word for text in texts for word in (text, *_WORDS.findall(text)) if word}
    left = _normal(secret).casefold()
    for word in sorted(known, key=len, reverse=True):
        left = left.replace(word, "")
    if len(left) < _OF_ITS_OWN:
        return 0
    return int(zxcvbn(_normal(secret)[:_JUDGED], user_inputs=sorted({*known, *_OUR_WORDS}))["score"])
