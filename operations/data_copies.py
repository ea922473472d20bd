"""*Descargar mis datos*: everything that the panel keeps of an account and that is its holder's to know.

No password, key, token or code goes along, nor what staff note for themselves. The holder's right to it is that of Ley
25.326, article 14.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from operations import limits
from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.refusals import Refusal, WayOut
from operations.transactions import transaction
from tables.database import fetch_row

GOOD_FOR = timedelta(minutes=10)
AN_HOUR = timedelta(hours=1)
MOST_AN_HOUR = 10


class CopyFormat(StrEnum):
    """What a copy is made as: everything, for programs; or the essence, to read and print."""

    json = "json"
    pdf = "pdf"


# Each part is one statement; its columns are named as they are read in the file. $1 is the client.
PARTS: Final[Mapping[str, str]] = {
    "titular": """
        SELECT c.name AS nombre, c.company AS empresa, c.tax_id AS cuit_o_cuil, c.email AS e_mail, c.phone AS telefono,
               c.phone_confirmed_at AS telefono_confirmado_el, c.currency AS moneda, c.credit AS saldo_a_favor,
               s.first_name AS ejecutivo_de_cuentas, c.created_at AS cliente_desde
        FROM clients c LEFT JOIN staff s ON s.id = c.account_executive WHERE c.id = $1""",
    "usuario": """
        SELECT name AS nombre, email AS e_mail, created_at AS creado_el, security_key_set_at AS
               clave_de_seguridad_elegida_el, totp_confirmed_at AS segundo_factor_desde
        FROM users WHERE client = $1""",
    "sesiones_abiertas": """
        SELECT s.created_at AS desde, s.last_seen_at AS ultimo_uso, s.network_address AS direccion_de_red,
               s.user_agent AS navegador
        FROM user_sessions s JOIN users u ON u.id = s."user" WHERE u.client = $1 ORDER BY s.id""",
    "servicios": """
        SELECT s.name AS nombre, p.name AS plan, s.cycle AS ciclo, s.price AS precio, s.currency AS moneda,
               s.status AS estado, s.anchor_on AS primer_periodo_desde, s.created_at AS creado_el,
               s.ended_at AS dado_de_baja_el
        FROM services s JOIN plans p ON p.id = s.plan WHERE s.client = $1 ORDER BY s.id""",
    "periodos": """
        SELECT s.name AS servicio, d.starts_on AS desde, d.ends_on AS hasta, d.state AS estado
        FROM periods d JOIN services s ON s.id = d.service WHERE s.client = $1 ORDER BY s.id, d.starts_on""",
    "suspensiones": """
        SELECT s.name AS servicio, u.reason AS motivo, u.started_at AS desde, u.ended_at AS hasta
        FROM suspensions u JOIN services s ON s.id = u.service WHERE s.client = $1 ORDER BY u.id""",
    "cambios_de_plan": """
        SELECT g.reference AS referencia, s.name AS servicio, f.name AS plan_anterior, t.name AS plan_nuevo,
               g.kind AS tipo, g.status AS estado, g.amount AS importe, g.new_price AS precio_nuevo,
               g.requested_at AS pedido_el, g.due_on AS se_paga_hasta, g.effective_on AS rige_desde
        FROM plan_changes g JOIN services s ON s.id = g.service JOIN plans f ON f.id = g.from_plan
        JOIN plans t ON t.id = g.to_plan WHERE s.client = $1 ORDER BY g.id""",
    "pedidos_al_ejecutivo": """
        SELECT s.name AS servicio, r.wish AS pedido, r.requested_at AS pedido_el
        FROM plan_requests r JOIN services s ON s.id = r.service WHERE s.client = $1 ORDER BY r.id""",
    "facturas": """
        SELECT i.number AS numero, i.status AS estado, i.issued_on AS emitida_el, i.due_on AS vence_el,
               i.total, i.tax AS iva_contenido, i.paid AS pagado, i.currency AS moneda, i.paid_at AS pagada_el,
               i.cancelled_at AS anulada_el, i.billed_to AS a_nombre_de,
               (SELECT json_agg(json_build_object('concepto', l.description, 'importe', l.amount) ORDER BY l.id)
                FROM invoice_lines l WHERE l.invoice = i.id) AS renglones,
               (SELECT json_build_object('fecha', r.paid_on, 'nota', r.note, 'comprobante', r.receipt)
                FROM payment_reports r WHERE r.invoice = i.id) AS pago_informado
        FROM invoices i WHERE i.client = $1 AND i.status <> 'draft' ORDER BY i.number""",
    "pagos": """
        SELECT p.received_on AS fecha, p.amount AS importe, i.currency AS moneda, i.number AS factura,
               p.method AS medio, p.reference AS referencia
        FROM payments p JOIN invoices i ON i.id = p.invoice WHERE p.client = $1 ORDER BY p.id""",
    "movimientos_de_saldo": """
        SELECT e.entered_at AS fecha, e.kind AS tipo, e.amount AS importe, i.number AS factura
        FROM ledger_entries e LEFT JOIN invoices i ON i.id = e.invoice WHERE e.client = $1 ORDER BY e.id""",
    "contactos": """
        SELECT k.name AS nombre, k.email AS e_mail, k.phone AS telefono, k.signs_in AS ingresa_al_panel,
               k.rights AS permisos, CASE WHEN k.limited THEN COALESCE((SELECT json_agg(s.name ORDER BY s.id)
               FROM contact_services n JOIN services s ON s.id = n.service WHERE n.contact = k.id), '[]') END
               AS solo_los_servicios, k.invited_at AS invitado_el, k.accepted_at AS acepto_el,
               k.revoked_at AS quitado_el
        FROM contacts k WHERE k.client = $1 ORDER BY k.id""",
    "avisos_elegidos": """
        SELECT COALESCE(k.name, 'titular') AS destinatario, n.category AS tema, n.channel AS medio,
               n.wanted AS los_recibe, n.chosen_at AS elegido_el
        FROM notice_choices n LEFT JOIN contacts k ON k.id = n.contact WHERE n.client = $1 ORDER BY n.id""",
    "consentimientos_de_whatsapp": """
        SELECT COALESCE(k.name, 'titular') AS destinatario, w.phone AS telefono, w.text AS texto,
               w.text_version AS version, w.network_address AS direccion_de_red, w.granted_at AS otorgado_el,
               w.ended_at AS terminado_el, w.ended_reason AS motivo_del_fin
        FROM whatsapp_consents w LEFT JOIN contacts k ON k.id = w.contact WHERE w.client = $1 ORDER BY w.id""",
    "mensajes": """
        SELECT COALESCE(k.name, 'titular') AS destinatario, e.name AS aviso, a.channel AS medio,
               a.address AS direccion, a.status AS estado, a.reason AS motivo, a.created_at AS creado_el,
               a.sent_at AS enviado_el
        FROM alerts a JOIN events e ON e.id = a.event LEFT JOIN contacts k ON k.id = a.contact
        WHERE a.client = $1 ORDER BY a.id""",
}

_COPY = "SELECT json_build_object({})::text AS copy".format(
    ", ".join(f"'{name}', (SELECT COALESCE(json_agg(p), '[]') FROM ({part}) p)" for name, part in PARTS.items())
)


async def copy_of(*, by: Actor) -> dict[str, msgspec.Raw]:
    """The parts of an account's data by name, each a list in JSON, all as of one moment. Its events: `activity`.

    Amounts are written out exactly, instants are in UTC.
    """
    row = await fetch_row(_COPY, by.client_id)
    assert row is not None
    return msgspec.json.decode(row["copy"], type=dict[str, msgspec.Raw])


async def ask(copy_format: CopyFormat, *, by: Actor) -> None:
    """Note that a holder takes a copy of the account's data away; the file can be fetched during the next 10 minutes.

    Raises `Refusal` after ten an hour.
    """
    if await limits.count(f"data-copies:{by.client_id}", AN_HOUR) > MOST_AN_HOUR:
        raise Refusal(
            "too_many_attempts",
            "Descargó sus datos muchas veces en esta hora. Espere un rato e intente otra vez.",
            WayOut("Ver mis datos", "/datos"),
        )
    async with transaction():
        await record("client.data_downloaded", by=by, client_id=by.client_id, details={"format": copy_format})


async def was_asked(copy_format: CopyFormat, *, by: Actor) -> bool:
    """Whether this very user asked for a copy just now: no file is given out that the activity does not name."""
    row = await fetch_row(
        "SELECT FROM events WHERE name = 'client.data_downloaded' AND client = $1 AND \"user\" = $2"
        " AND details ->> 'format' = $3 AND happened_at > $4 LIMIT 1",
        by.client_id,
        by.user_id,
        copy_format,
        now() - GOOD_FOR,
    )
    return row is not None
