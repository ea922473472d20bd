"""A year in the life of a provider, straight into an empty migrated database: what the measured pages read."""

import asyncpg

CLIENTS = 200
SERVICES_EACH = 5

_CATALOGUE = """
WITH plan_group AS (INSERT INTO plan_groups (name, upgrade_policy) VALUES ('Hosting', 'difference') RETURNING id),
offered AS (
    INSERT INTO plans (plan_group, name, description, position, changes_automatically, retired)
    SELECT plan_group.id, name, '', position, true, false
    FROM plan_group, (VALUES ('Básico', 1), ('Pro', 2), ('Max', 3)) AS p (name, position) RETURNING id, position
)
INSERT INTO plan_prices (plan, cycle, currency, amount) SELECT id, 'month', 'ARS', 5000 * position FROM offered
"""

_PEOPLE = f"""
WITH people AS (
    INSERT INTO clients (name, company, email, phone, tax_id, currency, credit, active, folded_name, created_at)
    SELECT 'Cliente N.º ' || n, 'Empresa ' || n, 'cliente' || n || '@example.com', '+54911' || 20000000 + n, '', 'ARS',
           0, true, 'cliente n.º ' || n, now() - interval '1 year'
    FROM generate_series(1, {CLIENTS}) AS n RETURNING id, name, email, created_at
),
consents AS (
    INSERT INTO whatsapp_consents (client, phone, text_version, text, network_address, granted_at, ended_reason)
    SELECT id, '+54911' || 20000000 + substr(email, 8, strpos(email, '@') - 8)::int, '1', 'Acepto', '', created_at, ''
    FROM people
),
holders AS (
    INSERT INTO users (name, email, password_hash, client, active, created_at)
    SELECT name, email, '', id, true, created_at FROM people RETURNING id, email
)
INSERT INTO user_sessions ("user", token_hash, created_at, last_seen_at, expires_at, network_address, user_agent)
SELECT id, encode(sha256(convert_to('session of ' || email, 'UTF8')), 'hex'), now(), now(), now() + interval '1 day',
       '198.51.100.7', 'bench'
FROM holders
"""

_SERVICES = f"""
INSERT INTO services (client, plan, name, cycle, currency, price, status, anchor_on, created_at)
SELECT c.id, p.id, 'sitio' || n || '.cliente' || c.id || '.com.ar', 'month', 'ARS', 5000 * p.position,
       CASE WHEN n = 5 AND c.id % 10 = 0 THEN 'suspended' ELSE 'active' END,
       current_date - (c.id + 7 * n) % 28 - interval '11 months', c.created_at
FROM clients c CROSS JOIN generate_series(1, {SERVICES_EACH}) AS n JOIN plans p ON p.position = 1 + (c.id + n) % 3
"""

_SUSPENSIONS = """
INSERT INTO suspensions (service, reason, note, started_at)
SELECT id, 'unpaid', '', now() - interval '2 days' FROM services WHERE status = 'suspended'
"""

_PERIODS = """
INSERT INTO periods (service, starts_on, ends_on, state, paid_before, reason)
SELECT s.id, s.anchor_on + n * interval '1 month', s.anchor_on + (n + 1) * interval '1 month', 'billed', 0, ''
FROM services s CROSS JOIN generate_series(0, 11) AS n
"""

_INVOICES = """
WITH billed AS (
    SELECT row_number() OVER (ORDER BY p.starts_on, p.id) AS number, p.id AS period, p.starts_on, s.id AS service,
           s.name, s.price, s.client
    FROM periods p JOIN services s ON s.id = p.service
),
series AS (UPDATE invoice_series SET last_number = (SELECT count(*) FROM billed)),
issued AS (
    INSERT INTO invoices (client, number, status, currency, total, tax_rate, tax, line_count, paid, billed_to,
                          issued_on, due_on, created_at, cancelled_reason, pdf_key)
    SELECT client, number, 'unpaid', 'ARS', price, 21, round(price * 21 / 121, 2), 1, 0, '{}', starts_on,
           starts_on + 10, starts_on, '', 'none'
    FROM billed RETURNING id, number
)
INSERT INTO invoice_lines (invoice, kind, service, period, description, amount, stands)
SELECT issued.id, 'renewal', service, period, name || ': renovación', price, true FROM billed JOIN issued USING (number)
"""

# Everything is paid but the last month of each client's first service.
_PAYMENTS = """
INSERT INTO payments (invoice, client, method, account, reference, amount, received_on, note, registered_at)
SELECT i.id, i.client, 'transfer', 'banco', 'OP' || i.id, i.total, i.issued_on, '', i.created_at + interval '1 minute'
FROM invoices i JOIN invoice_lines l ON l.invoice = i.id JOIN services s ON s.id = l.service
JOIN periods p ON p.id = l.period
WHERE NOT (s.name LIKE 'sitio1.%' AND p.ends_on > current_date)
"""

_CREDIT = """
INSERT INTO ledger_entries (client, kind, amount, payment, entered_at)
SELECT client, 'payment', amount, id, registered_at FROM payments
"""
_SETTLED = """
INSERT INTO ledger_entries (client, kind, amount, invoice, entered_at)
SELECT client, 'settlement', -amount, invoice, registered_at FROM payments
"""

# One client in four has a downgrade waiting for its day.
_CHANGES = """
INSERT INTO plan_changes (service, from_plan, to_plan, kind, status, reference, form_key, quote, amount, new_price,
                          effective_on, requested_at)
SELECT s.id, s.plan, p.id, 'downgrade', 'scheduled', 'CP-' || s.id, gen_random_uuid(), '{}', 0, 5000,
       (SELECT max(ends_on) FROM periods WHERE service = s.id), now()
FROM services s JOIN plans p ON p.position = 1
WHERE s.name LIKE 'sitio2.%' AND s.client % 4 = 0 AND s.plan <> p.id
"""

_EVENTS = """
INSERT INTO events (name, client, service, invoice, "user", network_address, details, happened_at)
SELECT * FROM (
    SELECT 'service.created', client, id, NULL::int, NULL::int, '', jsonb_build_object('service', name),
           created_at AS at
    FROM services
    UNION ALL
    SELECT 'invoice.issued', i.client, l.service, i.id, NULL, '',
           jsonb_build_object('number', i.number, 'total', i.total::text, 'currency', i.currency), i.created_at
    FROM invoices i JOIN invoice_lines l ON l.invoice = i.id
    UNION ALL
    SELECT 'payment.received', i.client, l.service, i.id, NULL, '',
           jsonb_build_object('number', i.number, 'amount', p.amount::text, 'currency', i.currency), p.registered_at
    FROM payments p JOIN invoices i ON i.id = p.invoice JOIN invoice_lines l ON l.invoice = i.id
    UNION ALL
    SELECT 'invoice.paid', client, NULL, invoice, NULL, '', '{}', registered_at FROM payments
    UNION ALL
    SELECT 'service.suspended', client, id, NULL, NULL, '',
           jsonb_build_object('service', name, 'reason', 'falta de pago'), now()
    FROM services WHERE status = 'suspended'
    UNION ALL
    SELECT 'user.signed_in', u.client, NULL, NULL, u.id, '198.51.100.7', '{}', now() - n * interval '7 days'
    FROM users u CROSS JOIN generate_series(1, 50) AS n
) AS happened ORDER BY at
"""


# The night has been run, so that no worker runs it, or makes a year's PDFs, beside what is measured.
_NIGHTS = """
INSERT INTO night_runs (ran_on, started_at, finished_at, done, skipped, failed, why, steps)
SELECT current_date + n, now(), now(), 0, 0, 0, '', '{}' FROM generate_series(-1, 1) AS n
"""


def session_token(number: int) -> str:
    """The token that signs in client ``number``, counted from 1."""
    return f"session of cliente{number}@example.com"


async def live_a_year(dsn: str) -> None:
    """Fill the database: `CLIENTS` clients with `SERVICES_EACH` monthly services, each billed and paid twelve times.

    One month of each client is still to be paid, every tenth client has a service suspended, and a few wait for a
    downgrade. Goes around the operations, which would take minutes, but by every constraint and trigger.
    """
    connection = await asyncpg.connect(dsn)
    for people in (_CATALOGUE, _PEOPLE):
        await connection.execute(people)
    async with connection.transaction():
        await connection.execute(_SERVICES)
        await connection.execute(_SUSPENSIONS)
    for statement in (_PERIODS, _INVOICES, _PAYMENTS, _CREDIT, _SETTLED, _CHANGES, _EVENTS, _NIGHTS):
        await connection.execute("ANALYZE")
        await connection.execute(statement)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
