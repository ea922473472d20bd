"""What tests look at after an act."""

from decimal import Decimal

from operations import plan_changes, services
from operations.plan_changes import ConfirmedChange
from operations.services import ServiceSummary
from tables.database import fetch_row
from tests.people import Rental


async def service_now(rental: Rental) -> ServiceSummary:
    return await services.service_of(rental.service_id, by=rental.ana)


async def plan_and_price(rental: Rental) -> tuple[str, Decimal]:
    service = await service_now(rental)
    return service.plan_name, service.price


async def status_of(rental: Rental, change: ConfirmedChange) -> str:
    return (await plan_changes.change_of(rental.service_id, change.id, by=rental.ana)).status


async def stored_status(change: ConfirmedChange) -> str:
    """What the row says, before anything compared its dates."""
    row = await fetch_row("SELECT status FROM plan_changes WHERE id = $1", change.id)
    assert row is not None
    return str(row["status"])
