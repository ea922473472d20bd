"""Making the PDFs of invoices: in workers alone, since setting one takes the processor, and a page must not wait."""

import asyncio
import time
from dataclasses import asdict

import msgspec
import structlog

from integrations.storage.client import FileStorage
from integrations.typst.client import NotRendered, render_invoice
from operations import documents
from operations.refusals import NotFound
from settings import settings

log = structlog.get_logger()

BATCH = 50
ROUND_SECONDS = 15.0

_turn = asyncio.Lock()


async def make_pdfs() -> int:
    """Make the PDFs that are missing, for a quarter of a minute at most; gives how many were made.

    One that cannot be set is logged and stops no other; where files cannot be written, the round ends. The next round
    tries again: what is missing is known by the database alone.
    """
    ends, made = time.monotonic() + ROUND_SECONDS, 0
    failed: set[int] = set()
    while waiting := [found for found in await documents.without_pdf(BATCH + len(failed)) if found not in failed]:
        for invoice_id in waiting:
            if time.monotonic() > ends:
                return made
            try:
                await invoice_pdf(invoice_id)
                made += 1
            except NotRendered as error:
                failed.add(invoice_id)
                log.error("document.not_rendered", invoice=invoice_id, detail=str(error)[:300])
            except OSError as error:
                log.error("document.not_stored", invoice=invoice_id, detail=str(error)[:300])
                return made
    return made


async def make_pdf(invoice_id: int) -> None:
    """Make one invoice's PDF that somebody waits for; where it cannot be, that is logged."""
    try:
        await invoice_pdf(invoice_id)
    except (NotRendered, NotFound, OSError) as error:
        log.error("document.not_made", invoice=invoice_id, detail=str(error)[:300])


async def invoice_pdf(invoice_id: int) -> bytes:
    """The PDF of an issued invoice, made now if it is not made yet; one whose file was lost is made again.

    It says the same again, but for a due date that a reversal has moved since. One at a time in a process, so that two
    who want the same make it once; of two processes the first one's counts. Raises `NotRendered`, or OSError where it
    cannot be written or read.
    """
    storage = FileStorage(settings().files)
    async with _turn:
        key = await documents.pdf_key(invoice_id)
        if not key:
            content = await _set(invoice_id)
            # The file first: a key in the database always has its file. The other way round a crash would lose it.
            made = await asyncio.to_thread(storage.save, content, "pdf")
            key = await documents.keep_pdf(invoice_id, made)
            if key != made:
                await asyncio.to_thread(storage.delete, made)
        try:
            return await asyncio.to_thread(storage.read, key)
        except KeyError:
            log.error("document.lost", invoice=invoice_id, key=key)
            content = await _set(invoice_id)
            await asyncio.to_thread(storage.put_back, key, content)
            return content


async def _set(invoice_id: int) -> bytes:
    try:
        document = await documents.invoice_document(invoice_id)
    except (ValueError, msgspec.MsgspecError) as error:  # a row that was brought in from elsewhere may hold anything
        raise NotRendered(f"what the invoice holds cannot be read: {error}") from error
    return await asyncio.to_thread(render_invoice, asdict(document))
