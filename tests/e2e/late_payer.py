"""``python -m tests.e2e.late_payer``: one more client for a running demo, whose month was due eleven days ago."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Final

from dateutil.relativedelta import relativedelta

from commands.demo_data import PASSWORD
from operations import clients, services, users
from operations.actors import PANEL
from operations.clock import living_on, today
from piccolo_conf import close_pool, open_pool
from tables.choices import Cycle, ServiceStatus
from tables.plans import Plan

EMAIL: Final = "diego@example.com"
SERVICE: Final = "diego-paga-tarde.com.ar"
OVERDUE_DAYS: Final = 11


async def arrive() -> None:
    """Diego rents a plan by the month; the period that began `OVERDUE_DAYS` ago is not invoiced yet."""
    await open_pool()
    began = today() - timedelta(days=OVERDUE_DAYS) - relativedelta(months=1)
    plan = await Plan.objects().get(Plan.name == "Básico")
    assert plan is not None
    with living_on(began):
        diego = await clients.register({"name": "Diego Luna", "email": EMAIL, "phone": "+54 9 11 5555-7788"}, by=PANEL)
        await users.create_user(email=EMAIL, name="Diego Luna", password=PASSWORD, client_id=diego.id, by=PANEL)
        await clients.grant_whatsapp(diego.id, "", by=PANEL)
        rented = {
            "client": diego.id,
            "plan": plan.id,
            "name": SERVICE,
            "cycle": Cycle.month,
            "price": Decimal(10),
            "status": ServiceStatus.active,
            "anchor_on": began,
        }
        await services.create(rented, by=PANEL)
    await close_pool()


if __name__ == "__main__":
    asyncio.run(arrive())
