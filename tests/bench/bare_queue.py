"""What the alert pipeline is measured against: arq, tuned like the panel's worker, doing the same call to the provider.

No database, no claim, no text to write, nothing to settle: a job that is lost is lost.
"""

from typing import Any

import httpx
from arq.worker import func

from integrations.whatsapp.client import template_payload
from settings import settings
from tests.bench.alerts import BARE_QUEUE
from workers.settings import WorkerSettings as Panel


async def spread(ctx: dict[str, Any], jobs: int) -> None:
    """Enqueue as many calls, as the relay does."""
    for number in range(jobs):
        await ctx["redis"].enqueue_job("call", number, _queue_name=BARE_QUEUE)


async def call(ctx: dict[str, Any], number: int) -> None:
    """One message, asked for as the panel's worker asks."""
    parameters = {"nombre": "Cliente", "numero": str(number), "importe": "$5.000,00"}
    payload = template_payload(
        f"+5491120{number:06}", "factura_generada", "es_AR", parameters, "facturas/1", callback_data=f"alert:{number}"
    )
    response = await ctx["http"].post(f"/v23.0/{settings().whatsapp_phone_id}/messages", json=payload)
    response.raise_for_status()


async def open_worker(ctx: dict[str, Any]) -> None:
    ctx["http"] = httpx.AsyncClient(base_url=settings().whatsapp_url, trust_env=False)


async def close_worker(ctx: dict[str, Any]) -> None:
    await ctx["http"].aclose()


# The panel's own options, on a queue of its own. A dictionary, since arq does not look into parent classes.
WorkerSettings = {
    **{name: value for name, value in vars(Panel).items() if not name.startswith("_")},
    "functions": [func(spread, timeout=60, max_tries=1), func(call, timeout=30, max_tries=2)],
    "cron_jobs": [],
    "on_startup": open_worker,
    "on_shutdown": close_worker,
    "queue_name": BARE_QUEUE,
}
