"""The *clave de seguridad*: what the holder types again for acts that cannot be undone. It is never mailed or shown."""

from datetime import timedelta

from operations import limits, links, passwords, users
from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.refusals import Invalid, Refusal, WayOut
from operations.sessions import Person
from operations.transactions import transaction
from tables.choices import LinkPurpose
from tables.database import fetch, fetch_row

KEY_LENGTH = 8
WINDOW = timedelta(hours=1)
MOST_TRIES = 5

_NEW_ONE = WayOut("Poner una clave de seguridad nueva", "/seguridad/clave-de-seguridad")


async def ask(person: Person, password: str, *, network_address: str) -> None:
    """Send the link by which somebody signed in sets a key, their first or a new one, after their password.

    Whatever was tried with the old one. Raises `Invalid` (field ``password``), and `Refusal` after too many passwords.
    """
    known = await users.prove_again(person, password)
    await links.send(
        LinkPurpose.security_key,
        person.email,
        event="security_key_link.sent",
        by=Actor(user_id=person.user_id, client_id=known.client_id, network_address=network_address),
        user_id=person.user_id,
        client_id=known.client_id,
        told={"name": person.user_name},
    )


async def look_at(token: str, person: Person) -> None:
    """Whether a link is good for this person; nothing happens yet. Raises `Refusal` when it is over or another's."""
    _refuse_others(await links.look_at(LinkPurpose.security_key, token), person)


async def set_key(token: str, person: Person, key: str, *, network_address: str) -> None:
    """Set a key by a link, for the person signed in whom it was sent to. Once; they are told. Tries begin anew.

    Raises `Invalid` (field ``security_key``) and `Refusal`.
    """
    _refuse_others(await links.look_at(LinkPurpose.security_key, token), person)
    await _refuse_unfit(person, key)
    key_hash = await passwords.hashed(key)
    async with transaction():
        link = await links.use(LinkPurpose.security_key, token)
        await fetch(
            "UPDATE users SET security_key_hash = $2, security_key_set_at = $3 WHERE id = $1",
            person.user_id,
            key_hash,
            now(),
        )
        by = Actor(user_id=person.user_id, client_id=link.client_id, network_address=network_address)
        await links.write_to(
            person.email,
            event="security_key.set",
            by=by,
            client_id=link.client_id,
            told={"name": person.user_name},
        )
        if link.client_id is not None:
            await limits.forget(_subject(person.user_id, link.client_id), WINDOW)


async def check(user_id: int, client_id: int, key: str, *, network_address: str) -> None:
    """Let the holder prove an act on an account by the key. Five tries an hour, over all processes.

    Call it before the act's own transaction: a try must stay counted when the act is refused. Wrong, and never set:
    one `Refusal`, in the same time, with the way to a new key; another after too many tries.
    """
    if await limits.count(_subject(user_id, client_id), WINDOW) > MOST_TRIES:
        raise Refusal(
            "too_many_attempts",
            "Hubo demasiados intentos con la clave de seguridad. Espere una hora, o ponga una nueva.",
            _NEW_ONE,
        )
    row = await fetch_row("SELECT security_key_hash FROM users WHERE id = $1 AND client = $2", user_id, client_id)
    if not await passwords.matches(row["security_key_hash"] if row else None, key):
        by = Actor(user_id=user_id, client_id=client_id, network_address=network_address)
        await record("security_key.refused", by=by, client_id=client_id)
        raise Refusal(
            "wrong_security_key",
            "La clave de seguridad no es correcta. Si no la recuerda o nunca puso una, ponga una nueva.",
            _NEW_ONE,
        )
    await limits.take_back(_subject(user_id, client_id), WINDOW)


async def is_set(user_id: int) -> bool:
    """Whether somebody has a key."""
    row = await fetch_row("SELECT security_key_hash <> '' AS set FROM users WHERE id = $1", user_id)
    assert row is not None
    return bool(row["set"])


def _subject(user_id: int, client_id: int) -> str:
    return f"security-key:{user_id}:{client_id}"


async def _refuse_unfit(person: Person, key: str) -> None:
    row = await fetch_row("SELECT password_hash FROM users WHERE id = $1", person.user_id)
    assert row is not None
    fault = None
    if len(key) < KEY_LENGTH:
        fault = f"Elija una clave de seguridad de {KEY_LENGTH} caracteres o más."
    elif await passwords.is_easy_to_guess(key, (person.user_name, person.email)):
        fault = "Esa clave es fácil de adivinar. Elija otra."
    elif await passwords.matches(row["password_hash"], key):
        fault = "Esa es su clave para ingresar. Elija otra: la de seguridad debe ser distinta."
    if fault is not None:
        raise Invalid({"security_key": fault})


def _refuse_others(link: links.Link, person: Person) -> None:
    if link.user_id != person.user_id:
        raise Refusal(
            "link_of_another",
            "Este enlace es para otra persona. Cierre su sesión, ingrese con el e-mail al que llegó y ábralo otra vez.",
            WayOut("Ir al inicio", "/"),
        )
