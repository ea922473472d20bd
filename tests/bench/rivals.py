"""What the panel's pages are measured against: the same framework with nothing around it.

``/bare/PAGE`` renders the very bytes of the panel's page, found in the folder ``BENCH_PAGES``, without a session or a
query. ``/by-hand/…`` is the page as one would write it for itself alone: one handler that reads the session and what
the page shows by statements of its own, as many as the panel's, and renders the panel's template.
"""

import contextlib
import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from jinja2 import DictLoader, Environment
from litestar import Litestar, MediaType, Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from settings import settings
from views.pages import environment

PAGES = ("start", "services", "service")

_bare = Environment(
    autoescape=True,
    loader=DictLoader(
        {name: "{% raw %}" + (Path(os.environ["BENCH_PAGES"]) / name).read_text() + "{% endraw %}" for name in PAGES}
    ),
)


@get("/bare/{name:str}", sync_to_thread=False)
def bare(name: FromPath[str]) -> Response[str]:
    return Response(_bare.get_template(name).render(), media_type=MediaType.HTML)


_SESSION = """
SELECT c.id AS client_id, c.name AS client_name, c.currency, c.credit, s.id AS session_id, s.last_seen_at
FROM user_sessions s JOIN users u ON u.id = s."user" JOIN clients c ON c.id = u.client
WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.active AND c.active
"""

_OPEN_INVOICES = """
SELECT i.id, i.number, i.currency, i.due_on, i.total - i.paid AS owed, i.due_on < $2 AS overdue,
       r.id IS NOT NULL AS reported, CASE WHEN i.due_on < $2 THEN 'overdue' ELSE 'unpaid' END AS chip,
       (SELECT description FROM invoice_lines WHERE invoice = i.id ORDER BY id LIMIT 1) AS concept
FROM invoices i LEFT JOIN payment_reports r ON r.invoice = i.id
WHERE i.client = $1 AND i.status = 'unpaid' AND NOT EXISTS (
    SELECT FROM invoice_lines l JOIN plan_changes c ON c.id = l.plan_change WHERE l.invoice = i.id
    AND c.status = 'awaiting_payment' AND $2 > GREATEST(c.due_on, r.holds_until))
ORDER BY i.due_on, i.id
"""

_SERVICES = """
SELECT s.id, s.name, s.status, p.name AS plan_name, s.price, s.currency, s.cycle,
       (SELECT max(ends_on) FROM periods WHERE service = s.id) AS renews_on
FROM services s JOIN plans p ON p.id = s.plan
WHERE s.client = $1 ORDER BY s.status IN ('cancelled', 'terminated'), s.name, s.id
"""

_SERVICES_AT_A_GLANCE = """
SELECT s.id, s.name, s.status, p.name AS plan_name, s.currency, COALESCE(c.new_price, s.price) AS renewal_price,
       (SELECT max(ends_on) FROM periods WHERE service = s.id) AS renews_on,
       (SELECT reason FROM suspensions WHERE service = s.id AND ended_at IS NULL ORDER BY started_at LIMIT 1) AS reason
FROM services s JOIN plans p ON p.id = s.plan
LEFT JOIN plan_changes c ON c.service = s.id AND c.status = 'scheduled'
WHERE s.client = $1 ORDER BY s.name, s.id
"""

_SERVICE = """
SELECT s.id, s.name, s.status, p.name AS plan_name, s.price, s.currency, s.cycle, now.starts_on, now.ends_on,
       (SELECT max(ends_on) FROM periods WHERE service = s.id) AS renews_on,
       (SELECT reason FROM suspensions WHERE service = s.id AND ended_at IS NULL ORDER BY started_at LIMIT 1) AS reason,
       c.id AS change_id, c.status AS change_status, c.reference, n.name AS new_plan, c.new_price, c.effective_on,
       GREATEST(c.due_on, r.holds_until) AS due_on, r.id IS NOT NULL AS reported
FROM services s JOIN plans p ON p.id = s.plan
LEFT JOIN periods now ON now.service = s.id AND now.starts_on <= $3 AND now.ends_on > $3
LEFT JOIN plan_changes c ON c.service = s.id AND c.status IN ('awaiting_payment', 'scheduled')
LEFT JOIN plans n ON n.id = c.to_plan
LEFT JOIN invoice_lines l ON l.plan_change = c.id
LEFT JOIN payment_reports r ON r.invoice = l.invoice
WHERE s.id = $1 AND s.client = $2
"""

_HAPPENINGS = """
SELECT e.name, e.happened_at, e.details, COALESCE(u.name, '') AS author_name,
       CASE WHEN e.staff IS NOT NULL THEN 'staff' WHEN e."user" IS NOT NULL THEN 'client' ELSE 'panel' END AS author
FROM events e LEFT JOIN users u ON u.id = e."user"
"""

_LAST_NOTICES = (
    f"{_HAPPENINGS} WHERE e.client = $1 AND e.name IN ('invoice.issued', 'invoice.cancelled', 'payment.received',"
    " 'service.suspended', 'service.reactivated', 'plan_change.applied') ORDER BY e.id DESC LIMIT 5"
)
_TIMELINE = f"{_HAPPENINGS} WHERE e.service = $1 AND e.client = $2 ORDER BY e.id DESC LIMIT 30"

_REASONS = {"unpaid": "falta de pago"}
_HEADERS = {"Cache-Control": "no-store", "Vary": "HX-Request"}

AnyRequest = Request[Any, Any, Any]


@get("/by-hand/")
async def start(request: AnyRequest) -> Response[str]:
    viewer = await _signed_in(request)
    client = viewer["client_id"]
    owed = await _pool(request).fetch(_OPEN_INVOICES, client, _today())
    services = await _pool(request).fetch(_SERVICES_AT_A_GLANCE, client)
    renewing = sorted((s for s in services if s["renews_on"] and s["status"] == "active"), key=_by_renewal)
    return _page(
        request,
        "views/start/start.html",
        viewer,
        place="inicio",
        viewer=viewer,
        to_pay=[invoice for invoice in owed if not invoice["reported"]],
        reported=[invoice for invoice in owed if invoice["reported"]],
        suspended=[{**s, "suspended_for": _REASONS[s["reason"]]} for s in services if s["status"] == "suspended"],
        renewing=renewing[:3],
        has_services=bool(services),
        happenings=_told(await _pool(request).fetch(_LAST_NOTICES, client)),
    )


@get("/by-hand/servicios")
async def services(request: AnyRequest) -> Response[str]:
    viewer = await _signed_in(request)
    found = await _pool(request).fetch(_SERVICES, viewer["client_id"])
    return _page(request, "views/services/list.html", viewer, place="servicios", services=found)


@get("/by-hand/servicios/{service_id:int}")
async def service(request: AnyRequest, service_id: FromPath[int]) -> Response[str]:
    viewer = await _signed_in(request)
    row = await _pool(request).fetchrow(_SERVICE, service_id, viewer["client_id"], _today())
    if row is None:
        raise NotFoundException
    change = None
    if row["change_id"]:
        change = {
            "id": row["change_id"],
            "status": row["change_status"],
            "reference": row["reference"],
            "plan_name": row["new_plan"],
            "effective_on": row["effective_on"],
            "due_on": row["due_on"],
            "invoice_reported": row["reported"],
        }
    found = {
        **row,
        "suspended_for": _REASONS.get(row["reason"], ""),
        "change": change,
        "renewal_price": row["new_price"] if row["change_status"] == "scheduled" else row["price"],
    }
    timeline = _told(await _pool(request).fetch(_TIMELINE, service_id, viewer["client_id"]))
    return _page(request, "views/services/service.html", viewer, place="servicios", service=found, timeline=timeline)


async def _signed_in(request: AnyRequest) -> "asyncpg.Record":
    now = datetime.now(UTC)
    token = hashlib.sha256(request.cookies.get("__Host-panel_sesion", "").encode()).hexdigest()
    row = await _pool(request).fetchrow(_SESSION, token, now, now - timedelta(hours=12))
    if row is None:
        raise NotFoundException
    if now - row["last_seen_at"] > timedelta(minutes=1):
        await _pool(request).execute("UPDATE user_sessions SET last_seen_at = $2 WHERE id = $1", row["session_id"], now)
    return row


def _page(request: AnyRequest, template: str, signed_in: "asyncpg.Record", **context: Any) -> Response[str]:
    key = settings().secret_key.get_secret_value().encode()
    seed = request.cookies["__Host-panel_sesion"]
    context |= {
        "account": {"name": signed_in["client_name"]},
        "csrf_token": hmac.new(key, b"form:" + seed.encode(), hashlib.sha256).hexdigest(),
        "flashes": [],
    }
    body = environment().get_template(template).render(**context)
    return Response(body, media_type=MediaType.HTML, headers=_HEADERS)


def _told(rows: "list[asyncpg.Record]") -> list[dict[str, Any]]:
    return [{**row, "details": msgspec.json.decode(row["details"])} for row in rows]


def _by_renewal(service: "asyncpg.Record") -> tuple[Any, int]:
    return service["renews_on"], service["id"]


def _today() -> Any:
    return datetime.now(settings().zone).date()


def _pool(request: AnyRequest) -> "asyncpg.Pool[asyncpg.Record]":
    pool: asyncpg.Pool[asyncpg.Record] = request.app.state.pool
    return pool


@contextlib.asynccontextmanager
async def _connections(app: Litestar) -> AsyncIterator[None]:
    """The panel's own pool options: what is measured is not who knows them."""

    async def keep_as_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
        return None

    options = {"server_settings": {"timezone": "UTC"}, "reset": keep_as_is}
    async with asyncpg.create_pool(settings().database_url, min_size=1, max_size=10, **options) as pool:
        app.state.pool = pool
        yield


app = Litestar([bare, start, services, service], lifespan=[_connections], openapi_config=None, logging_config=None)
