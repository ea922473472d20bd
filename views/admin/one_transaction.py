"""One transaction around each request of staff that changes something."""

import logging
from typing import Final

import asyncpg

from operations.transactions import transaction
from views.admin.answers import Answer, App, Receive, Scope
from views.admin.refusals import BY_STATUS, heard

NO_ANSWER: Final = "La base de datos no respondió. Mire la lista antes de repetir: puede que se haya guardado."

logger = logging.getLogger(__name__)


async def all_or_nothing(app: App, scope: Scope, receive: Receive) -> Answer:
    """Let the app answer; the answer counts after COMMIT, and a refusal leaves nothing behind.

    The middleware inside runs the app in a task of its own; a task takes its context along, the transaction in it.
    """
    try:
        async with transaction():
            answer = await heard(app, scope, receive)
            if answer.status >= 400:
                raise _Undone
    except _Undone:
        return answer
    except asyncpg.IntegrityConstraintViolationError:  # deferred constraints speak at COMMIT
        logger.exception("A staff request could not be committed")
        return Answer.text(422, BY_STATUS[422])
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        logger.exception("The database did not answer a staff request")
        return Answer.text(503, NO_ANSWER)
    return answer


class _Undone(Exception):  # noqa: N818
    """Roll back what a refused request has done so far."""
