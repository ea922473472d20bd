"""How far a contact reaches: what it may do, on which services, and what it is told of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from operations.actors import Actor
from operations.refusals import Refusal, WayOut
from operations.rights import with_needs
from tables.choices import Channel, NoticeCategory, Right


class Notice(NamedTuple):
    """Notices of one category by one channel. Written ``invoices:email``."""

    category: NoticeCategory
    channel: Channel

    def __str__(self) -> str:
        return f"{self.category}:{self.channel}"


def notice(written: str) -> Notice:
    """A notice from how it is written. Raises `ValueError` for one that there is not."""
    category, _, channel = written.partition(":")
    return Notice(NoticeCategory(category), Channel(channel))


EVERY_NOTICE = tuple(Notice(category, channel) for category in NoticeCategory for channel in Channel)

# Notices tell what these rights show: who lacks one sends nobody the notices either, a second address of theirs least.
NOTICE_RIGHTS: Mapping[NoticeCategory, Right] = {
    NoticeCategory.general: Right.profile_edit,
    NoticeCategory.invoices: Right.invoices_view,
    NoticeCategory.services: Right.services_view,
    NoticeCategory.quotes: Right.quotes_view,
    NoticeCategory.domains: Right.domains_view,
    NoticeCategory.tickets: Right.tickets_view,
}


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """A category of notices as people read it: its name, and what comes under it."""

    name: str
    content: str


NOTICE_WORDS: Mapping[NoticeCategory, NoticeWords] = {
    NoticeCategory.general: NoticeWords("Cuenta", "Cambios en los datos de la cuenta."),
    NoticeCategory.invoices: NoticeWords("Facturas", "Facturas nuevas, vencimientos y pagos."),
    NoticeCategory.services: NoticeWords("Servicios", "Suspensiones, reactivaciones, bajas y precios nuevos."),
    NoticeCategory.quotes: NoticeWords("Presupuestos", "Presupuestos disponibles."),
    NoticeCategory.domains: NoticeWords("Dominios", "Vencimientos y dominios borrados."),
    NoticeCategory.tickets: NoticeWords("Tickets", "Respuestas de su proveedor."),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """The rights, the services that they and the notices concern (``None``: all), and the notices."""

    rights: frozenset[Right] = frozenset()
    services: frozenset[int] | None = None
    notices: frozenset[Notice] = frozenset()

    def is_within(self, actor: Actor) -> bool:
        """Whether somebody has all of this, and so may give it and manage who has it."""
        needed = self.rights | {NOTICE_RIGHTS[one.category] for one in self.notices}
        return all(actor.may(right) for right in needed) and (
            actor.services is None or (self.services is not None and self.services <= set(actor.services))
        )


def reach_of(rights: Iterable[str], services: Iterable[int] | None, notices: Iterable[str]) -> Reach:
    """A reach from how it is stored or typed, the rights completed by those without which they are of no use."""
    return Reach(
        with_needs(frozenset(Right(right) for right in rights)),
        None if services is None else frozenset(services),
        frozenset(notice(written) for written in notices),
    )


class BeyondReach(Refusal):
    """Somebody wants to give, or to manage, more than they have. Trying it is recorded, nothing changes."""

    def __init__(self, sentence: str) -> None:
        super().__init__("beyond_reach", sentence, WayOut("Ver los contactos", "/contactos"))
