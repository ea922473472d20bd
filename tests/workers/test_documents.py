"""PDFs made by workers: once each, whatever happens beside, and on their way with the invoice's mail."""

import asyncio
import io
import shutil
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as parser_policy
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from integrations.smtp.client import SmtpClient
from integrations.smtp.stand_in import Mailbox
from integrations.storage.client import FileStorage
from operations import alerts, documents
from settings import settings
from tables.choices import Channel
from tables.database import fetch, fetch_row
from tests.people import an_invoice, ana, carla
from workers import settings as worker
from workers.delivery import deliver
from workers.documents import invoice_pdf, make_pdfs
from workers.outside import Outside
from workers.queue import Wake, open_queue


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage of the test's own."""
    monkeypatch.setattr(settings(), "files_dir", tmp_path / "files")
    return tmp_path / "files"


def block(folder: Path) -> None:
    """Let nothing be written there."""
    folder.write_text("a file where the folder should be")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\xa0", " ")


async def key_of(invoice_id: int) -> str:
    return await documents.pdf_key(invoice_id)


@pytest.mark.usefixtures("database")
async def test_a_pdf_is_made_once_and_kept(folder: Path) -> None:
    invoice_id = await an_invoice(await ana(sign_in=False), "1234.50")
    first = await invoice_pdf(invoice_id)
    key = await key_of(invoice_id)
    assert first == await invoice_pdf(invoice_id) == FileStorage(folder).read(key)
    assert await key_of(invoice_id) == key
    assert len(files(folder)) == 1
    said = text_of(first)
    for words in ("Factura N.º 1", "Documento no válido como factura", "Ana Suárez", "Trabajo a pedido", "$1.234,50"):
        assert words in said


@pytest.mark.usefixtures("database")
async def test_a_pdf_that_was_lost_is_made_again_under_the_key_it_had(folder: Path) -> None:
    invoice_id = await an_invoice(await ana(sign_in=False), "1234.50")
    first, key = await invoice_pdf(invoice_id), await key_of(invoice_id)
    await asyncio.to_thread(files(folder)[0].unlink)
    await worker.make_pdf({}, invoice_id)
    assert FileStorage(folder).read(key) == first
    assert await key_of(invoice_id) == key
    assert len(files(folder)) == 1


@pytest.mark.usefixtures("database")
async def test_one_that_cannot_be_made_again_is_logged_and_fails_no_job(folder: Path) -> None:
    invoice_id = await an_invoice(await ana(sign_in=False), "10.00")
    await invoice_pdf(invoice_id)
    await asyncio.to_thread(shutil.rmtree, folder)
    block(folder)
    await worker.make_pdf({}, invoice_id)
    await worker.make_pdf({}, 2_000_000_001)


async def test_a_lost_pdf_is_asked_for_by_a_job_that_workers_know() -> None:
    queue = await open_queue()  # in memory: no Redis is configured
    for _ in range(2):
        await Wake(queue).for_pdf(7)
    [job] = await queue.queued_jobs()
    await queue.flushall()
    await queue.aclose()
    assert (job.function, *job.args, job.job_id) == ("make_pdf", 7, "pdf:7")
    assert "make_pdf" in [known.name for known in worker.WorkerSettings.functions]


@pytest.mark.usefixtures("committed")
async def test_ten_who_want_it_at_once_get_the_same_one(folder: Path) -> None:
    invoice_id = await an_invoice(await ana(sign_in=False), "10.00")
    got = await asyncio.gather(*(invoice_pdf(invoice_id) for _ in range(10)))
    assert len(set(got)) == 1
    assert len(files(folder)) == 1


@pytest.mark.usefixtures("database")
async def test_where_another_process_was_first_its_file_counts_and_ours_goes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice_id = await an_invoice(await ana(sign_in=False), "10.00")
    theirs = FileStorage(folder).save(b"%PDF-theirs", "pdf")
    look = documents.pdf_key

    async def look_too_early(asked: int) -> str:
        found = await look(asked)
        await documents.keep_pdf(asked, theirs)
        return found

    monkeypatch.setattr(documents, "pdf_key", look_too_early)
    assert await invoice_pdf(invoice_id) == b"%PDF-theirs"
    assert await key_of(invoice_id) == theirs
    assert len(files(folder)) == 1


@pytest.mark.usefixtures("database")
async def test_a_round_makes_all_that_are_missing_and_the_next_none(folder: Path) -> None:
    holder = await ana(sign_in=False)
    ids = [await an_invoice(holder, "10.00") for _ in range(3)]
    await fetch("UPDATE clients SET name = '#read(\"/etc/passwd\") *x*' WHERE id = $1", holder.client_id)
    ids.append(await an_invoice(holder, "10.00"))
    assert await make_pdfs() == 4
    assert await make_pdfs() == 0
    assert len({await key_of(each) for each in ids}) == len(files(folder)) == 4
    assert '#read("/etc/passwd") *x*' in text_of(await invoice_pdf(ids[-1]))


@pytest.mark.usefixtures("database")
async def test_one_that_cannot_be_set_stops_no_other_and_stays_to_be_made() -> None:
    holder = await ana(sign_in=False)
    fine, bad, newest = [await an_invoice(holder, "10.00") for _ in range(3)]
    await fetch("ALTER TABLE invoices DISABLE TRIGGER invoices_fixed")
    await fetch("UPDATE invoices SET billed_to = '[1]' WHERE id = $1", bad)
    assert await make_pdfs() == 2
    assert [bool(await key_of(each)) for each in (fine, bad, newest)] == [True, False, True]


@pytest.mark.usefixtures("database")
async def test_where_files_cannot_be_written_the_round_ends_and_nothing_is_claimed(folder: Path) -> None:
    block(folder)
    invoice_id = await an_invoice(await ana(sign_in=False), "10.00")
    assert await make_pdfs() == 0
    assert await key_of(invoice_id) == ""
    await asyncio.to_thread(folder.unlink)
    assert await make_pdfs() == 1


@pytest.mark.usefixtures("database")
async def test_the_relay_finds_a_missing_pdf_by_itself_and_asks_for_it_once() -> None:
    asked: list[tuple[Any, ...]] = []

    class Queue:
        async def enqueue_job(self, name: str, *args: Any, _job_id: str) -> None:
            asked.append((name, *args, _job_id))

    ctx = {"outside": Outside(None, None), "redis": Queue()}
    await worker.relay(ctx)
    assert asked == []
    await an_invoice(await ana(sign_in=False), "10.00")
    await an_invoice(await carla(sign_in=False), "10.00")
    await worker.relay(ctx)
    assert asked == [("make_pdfs", "pdfs")]
    await worker.make_pdfs(ctx)
    await worker.relay(ctx)
    assert asked == [("make_pdfs", "pdfs")]


async def mailed(mailbox: Mailbox) -> EmailMessage:
    """The one mail of the one invoice, sent by a worker."""
    row = await fetch_row("SELECT id FROM alerts WHERE channel = 'email' AND status = 'queued'")
    assert row is not None
    smtp = SmtpClient("127.0.0.1", mailbox.port, None, None, False, "Avisos <avisos@example.com>", 5)
    await deliver(Outside(None, smtp), row["id"])
    [letter] = mailbox.letters
    assert await alerts.due([Channel.email], 10) == []
    return message_from_bytes(letter.raw, policy=parser_policy)


@pytest.mark.usefixtures("database")
async def test_the_mail_of_an_invoice_carries_its_pdf_made_on_the_way() -> None:
    invoice_id = await an_invoice(await ana(sign_in=False), "10.00")
    async with Mailbox() as mailbox:
        message = await mailed(mailbox)
    [pdf] = message.iter_attachments()
    assert (pdf.get_filename(), pdf.get_content_type()) == ("factura-1.pdf", "application/pdf")
    assert pdf.get_content() == await invoice_pdf(invoice_id)
    assert await make_pdfs() == 0
    body = message.get_body(("plain",))
    assert body is not None
    assert "Generamos su factura N.º 1" in body.get_content()


@pytest.mark.usefixtures("database")
async def test_without_room_for_the_pdf_the_mail_goes_alone_and_the_pdf_is_made_later(folder: Path) -> None:
    block(folder)
    invoice_id = await an_invoice(await ana(sign_in=False), "10.00")
    async with Mailbox() as mailbox:
        message = await mailed(mailbox)
    assert list(message.iter_attachments()) == []
    assert await documents.without_pdf(10) == [invoice_id]
