"""Files that go with invoices: sent out as attachments, and taken in as receipts."""

import asyncio
from dataclasses import dataclass

import structlog
from litestar import Response
from litestar.datastructures import UploadFile

from integrations.storage.client import FileStorage
from operations.documents import MEDIA_TYPES, RECEIPT_MOST_BYTES, Receipt, receipt_kind, receipt_name
from operations.refusals import Invalid
from settings import settings
from views.access import PanelRequest

log = structlog.get_logger()

RECEIPT_FIELD = "comprobante"
# Room for what is too large to keep but small enough to be read and refused with the form as it was typed.
REQUEST_MOST_BYTES = 20_000_000


class FileLost(Exception):  # noqa: N818
    """A file that the database names is not in the storage."""


@dataclass(frozen=True, slots=True)
class SentReceipt:
    """A file that came with a form and is what it may be."""

    name: str
    kind: str
    content: bytes


async def attachment(key: str, name: str) -> Response[bytes]:
    """A stored file to be saved under ``name``, never to be shown by the browser: it may hold anything.

    Raises `FileLost`.
    """
    try:
        content = await asyncio.to_thread(_storage().read, key)
    except KeyError as error:
        log.error("file.lost", key=key)
        raise FileLost from error
    kind = key.rpartition(".")[2]
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"', "Cache-Control": "no-store"}
    return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)


async def read_receipt(request: PanelRequest) -> SentReceipt | None:
    """The receipt in a form; None where no file was chosen. Raises `Invalid` for what is not taken."""
    sent = [part for part in (await request.form()).getall(RECEIPT_FIELD, []) if isinstance(part, UploadFile)]
    if not sent:
        return None
    if len(sent) > 1:
        raise Invalid({RECEIPT_FIELD: "Adjunte un solo archivo."})
    content = await sent[0].read(RECEIPT_MOST_BYTES + 1)
    try:
        return SentReceipt(receipt_name(sent[0].filename), receipt_kind(content), content)
    except Invalid as invalid:
        raise Invalid({RECEIPT_FIELD: invalid.errors["receipt"]}) from invalid


async def keep_receipt(sent: SentReceipt) -> Receipt:
    """Put a receipt into the storage, before anything names it. Raises `Invalid` where it cannot be written."""
    try:
        key = await asyncio.to_thread(_storage().save, sent.content, sent.kind)
    except OSError as error:
        log.error("receipt.not_stored", error=type(error).__name__)
        raise Invalid({RECEIPT_FIELD: "No pudimos guardar el archivo. Informe el pago sin él."}) from error
    return Receipt(sent.name, key)


async def drop_receipt(receipt: Receipt) -> None:
    """Take a receipt away that nothing names in the end."""
    await asyncio.to_thread(_storage().delete, receipt.key)


def _storage() -> FileStorage:
    return FileStorage(settings().files)
