"""From a form's values to an operation: the one place where columns of a form become its arguments.

Each of these creates a row and gives its id. What is missing or wrong is said by the operation.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from operations import clients, password_resets, payments, plans, prices, registrations, servers, services, suspensions
from operations.actors import Actor
from tables.choices import Cycle, PaymentMethod, SuspensionReason

Values = Mapping[str, Any]
Create = Callable[[Values, Actor], Awaitable[int]]
Update = Callable[..., Awaitable[object]]


async def register_client(values: Values, by: Actor) -> int:
    """The client gets a link to set the password."""
    return (await registrations.take_in(values, by=by)).id


async def send_access(values: Values, by: Actor) -> int:
    """*Enlace de acceso*."""
    return (await password_resets.send_access(values["client"], by=by)).id


async def create_service(values: Values, by: Actor) -> int:
    return (await services.create(values, by=by)).id


async def create_group(values: Values, by: Actor) -> int:
    return (await plans.create_group(values, by=by)).id


async def create_plan(values: Values, by: Actor) -> int:
    return (await plans.create_plan(values, by=by)).id


async def create_price(values: Values, by: Actor) -> int:
    return (await plans.create_price(values, by=by)).id


async def register_payment(values: Values, by: Actor) -> int:
    """*Pago*."""
    payment = await payments.register_payment(
        values["invoice"],
        amount=values["amount"],
        reference=values["reference"],
        received_on=values["received_on"],
        account=values.get("account"),
        method=PaymentMethod(values.get("method", PaymentMethod.transfer)),
        note=values.get("note", ""),
        by=by,
    )
    return payment.id


async def reverse_payment(values: Values, by: Actor) -> int:
    """*Reversión de pago*."""
    return (await payments.reverse_payment(values["payment"], values["reason"], by=by)).id


async def increase_prices(values: Values, by: Actor) -> int:
    """*Aumento*."""
    act = await prices.increase(
        values["plan"],
        Cycle(values["cycle"]),
        values["new_price"],
        values["from_on"],
        note=values.get("note", ""),
        by=by,
    )
    return act.id


async def complete_task(values: Values, by: Actor) -> int:
    """*Tarea hecha*."""
    return (await servers.complete(values["task"], note=values.get("note", ""), by=by)).id


async def suspend(values: Values, by: Actor) -> int:
    """*Suspensión*."""
    reason = SuspensionReason(values["reason"])
    [suspension_id] = await suspensions.suspend([values["service"]], reason, note=values.get("note", ""), by=by)
    return suspension_id


async def reactivate(values: Values, by: Actor) -> int:
    """*Reactivación*."""
    row = await suspensions.reactivate(
        values["service"], note=values.get("note", ""), promised_on=values.get("promised_on"), by=by
    )
    return row.id


async def grant_whatsapp(values: Values, by: Actor) -> int:
    """The proof of a client's consent; without a number, for the phone on their account."""
    return (await clients.grant_whatsapp(values["client"], values.get("phone", ""), by=by)).id
