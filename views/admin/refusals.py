"""Every no of the staff door in one sentence that the admin's page shows: never English, never SQL.

The page shows a text as it is, and of JSON: with 405 the ``detail``; with 422 a list of ``loc`` and ``msg``.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from tables.staff import Staff
from views.admin.answers import Answer, App, Receive, Scope
from views.admin.words import COLUMNS

BY_STATUS: Final[Mapping[int, str]] = {
    400: "Revise los datos: hay un valor que no sirve.",
    401: "Ingrese otra vez: su sesión terminó.",
    403: "La página estuvo abierta mucho tiempo. Recárguela e intente otra vez.",
    404: "Eso no existe, o ya no existe.",
    405: "Eso no se puede hacer acá.",
    422: "La base de datos no admite ese cambio. No se guardó nada.",
    500: "Hubo un error nuestro y no se guardó nada. Intente otra vez; si sigue, avise a sistemas.",
}

# What Piccolo says in English where a person reads it.
BY_PHRASE: Final[Mapping[str, str]] = {
    "Login failed": "El usuario o la clave no son correctos.",
    "Missing username or password": "Escriba usuario y clave.",
    "MFA code required": "MFA code required",  # the page waits for these very words
    "MFA failed": "El código no es correcto o ya se usó.",
    "Form is invalid. Missing one or more fields.": "Complete los tres datos.",
    "Passwords do not match.": "La clave nueva no es igual las dos veces.",
    "Incorrect password.": "La clave actual no es correcta.",
    f"Password must be at least {Staff._min_password_length} characters long.": (
        f"Elija una clave de {Staff._min_password_length} caracteres o más."
    ),
    "The session cookie wasn't found.": BY_STATUS[401],
    "Unauthorized": BY_STATUS[401],
    "Bad Request": BY_STATUS[400],
    "Validation error": BY_STATUS[400],
    "Method Not Allowed": BY_STATUS[405],
    "Only superusers can perform these actions.": BY_STATUS[405],
    "Not Found": BY_STATUS[404],
    "No such form found": BY_STATUS[404],
    "No such table found.": BY_STATUS[404],
}

BY_DATABASE_FAULT: Final[Mapping[str, str]] = {
    "unique constraint": "Ya existe una fila con esos datos. No se guardó nada.",
    "foreign key constraint": "Se refiere a una fila que no existe. No se guardó nada.",
}

# The kinds of pydantic's errors that a form can meet.
BY_KIND: Final[Mapping[str, str]] = {
    "missing": "Complete este dato.",
    "string_too_long": "Es demasiado largo.",
    "string_type": "Complete este dato.",
    "decimal_max_digits": "El número es demasiado grande.",
    "decimal_whole_digits": "El número es demasiado grande.",
    "decimal_max_places": "Use dos decimales como máximo.",
    "decimal_parsing": "Escriba un número, por ejemplo 1250.50.",
    "decimal_type": "Escriba un número, por ejemplo 1250.50.",
    "int_parsing": "Escriba un número entero.",
    "int_type": "Elija una de la lista.",
    "date_from_datetime_parsing": "Escriba una fecha.",
    "date_type": "Escriba una fecha.",
    "bool_type": "Elija sí o no.",
}


logger = logging.getLogger(__name__)


async def heard(app: App, scope: Scope, receive: Receive) -> Answer:
    """What Piccolo Admin answers, its refusals in our words; where it breaks, that is said too."""
    try:
        return spoken(await Answer.of(app, scope, receive))
    except Exception:
        logger.exception("Piccolo Admin broke")
        return Answer.text(500, BY_STATUS[500])


def spoken(answer: Answer) -> Answer:
    """The same refusal in our words; what is no refusal passes as it is."""
    if answer.status < 400:
        return answer
    data = answer.data()
    said = data if isinstance(data, dict) else {}
    detail = said.get("detail")
    if isinstance(detail, list):
        return answer.saying({"detail": [_field_error(error) for error in detail]})
    sentence = _sentence(answer.status, said)
    if answer.status in (401, 405) or (answer.status == 422 and detail is not None):
        return answer.saying({"detail": sentence})
    return Answer.text(answer.status, sentence)


def _sentence(status: int, said: Mapping[str, Any]) -> str:
    """Ours come as the detail; what frameworks say there is known; their plain texts are all replaced."""
    if "db_error" in said:
        return _database_fault(said["db_error"])
    if isinstance(said.get("detail"), str):
        return BY_PHRASE.get(said["detail"], said["detail"])
    return BY_STATUS.get(status, BY_STATUS[500])


def _field_error(error: Mapping[str, Any]) -> dict[str, Any]:
    column = str(error["loc"][-1])
    sentence = BY_KIND.get(error.get("type", ""), BY_STATUS[400]) if "type" in error else error["msg"]
    return {"loc": ["body", COLUMNS.get(column, column)], "msg": sentence}


def _database_fault(message: str) -> str:
    return next((ours for part, ours in BY_DATABASE_FAULT.items() if part in message), BY_STATUS[422])
