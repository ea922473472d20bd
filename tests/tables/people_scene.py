"""Ana's contacts and what comes with people, written down as the operations would."""

from tables.database import fetch
from tests.tables.scene import one


async def people_of(ana: int, service: int, sara: int) -> dict[str, int]:
    """Ids by name: Bruno, who reaches one service of Ana's, a contact who only gets notices, links and codes."""
    bruno = await one(
        "INSERT INTO users (name, email, password_hash, created_at) VALUES ('Bruno', 'bruno@example.com', '', now())"
        " RETURNING id"
    )
    contact = await one(
        'INSERT INTO contacts (client, "user", name, email, rights, limited, invited_at, accepted_at)'
        " VALUES ($1, $2, 'Bruno', 'bruno@example.com', '{services.view}', true, now(), now()) RETURNING id",
        ana,
        bruno,
    )
    look = await one(
        "INSERT INTO staff_views (staff, client, reason, token_hash, started_at, ends_at)"
        " VALUES ($1, $2, 'Pidió ayuda', 'digest', now(), now() + interval '30 minutes') RETURNING id",
        sara,
        ana,
    )
    return {
        "contact": contact,
        "silent_contact": await one(
            "INSERT INTO contacts (client, name, email, signs_in, invited_at)"
            " VALUES ($1, 'Estudio', 'estudio@example.com', false, now()) RETURNING id",
            ana,
        ),
        "reached": service,
        "contact_service": await one(
            "INSERT INTO contact_services (client, contact, service) VALUES ($1, $2, $3) RETURNING id",
            ana,
            contact,
            service,
        ),
        "choice": await one(
            "INSERT INTO notice_choices (client, contact, category, channel, chosen_at)"
            " VALUES ($1, $2, 'invoices', 'email', now()) RETURNING id",
            ana,
            contact,
        ),
        "link": await _a_link("1"),
        "used_link": await _a_link("2", used=True),
        "phone_check": await one(
            "INSERT INTO phone_checks (client, phone, nonce, created_at, expires_at)"
            " VALUES ($1, '+5491123456789', 'nonce', now(), now() + interval '30 minutes') RETURNING id",
            ana,
        ),
        "recovery_code": await one(
            "INSERT INTO recovery_codes (\"user\", code_hash) VALUES ($1, 'digest') RETURNING id", bruno
        ),
        "look": look,
        "access_link": await one(
            "INSERT INTO access_links (client, sent_by, sent_at) VALUES ($1, $2, now()) RETURNING id", ana, sara
        ),
    }


async def _a_link(digit: str, *, used: bool = False) -> int:
    link = await one(
        "INSERT INTO mail_links (purpose, address, nonce, token_hash, details, created_at, expires_at)"
        " VALUES ('password', 'bruno@example.com', $1, $2, '{}', now(), now() + interval '1 hour') RETURNING id",
        f"nonce {digit}",
        digit * 64,
    )
    if used:
        await fetch("UPDATE mail_links SET used_at = now() WHERE id = $1", link)
    return link
