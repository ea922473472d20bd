"""What staff see of the night: its figures and why something failed, and notes that wait until somebody saw them."""

from datetime import date

from operations import night
from operations.clock import living_on
from operations.notes import note
from tables.choices import Role
from tables.database import fetch
from tests.people import Rental
from tests.views.admin.conftest import Browser, SignedIn, complaints, events

# What a fault in one row looks like to the night, wherever it comes from.
_NO_RENEWALS = """
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the disk is full'; END $$
"""
_ON_PERIODS = "CREATE TRIGGER no_renewals BEFORE INSERT ON periods FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()"


async def test_a_night_tells_its_figures_in_spanish(desk: Browser, rental: Rental) -> None:
    with living_on(date(2027, 12, 22)):
        await night.run()
    row = (await desk.get("Noches")).json()["rows"][0]
    assert (row["ran_on"], row["done"], row["failed"], row["why"]) == ("22/12/2027", 1, 0, "")
    assert row["steps"] == "Renovaciones: 1"
    assert (await desk.get("Notas")).json()["rows"] == []


async def test_every_step_of_a_night_has_its_words(database: None) -> None:
    assert set((await night.run()).steps) <= set(night.STEP_WORDS)


async def test_a_failed_night_says_why_and_leaves_one_note(desk: Browser, rental: Rental) -> None:
    await fetch(_NO_RENEWALS)
    await fetch(_ON_PERIODS)
    with living_on(date(2027, 12, 22)):
        await night.run()
    row = (await desk.get("Noches")).json()["rows"][0]
    assert (row["done"], row["failed"], row["steps"]) == (0, 1, "Renovaciones: 0 (fallas: 1)")
    assert row["why"] == f"Renovaciones: cliente N.º {rental.ana.client_id}: RaiseError: the disk is full"
    notes = (await desk.get("Notas")).json()["rows"]
    assert [found["sentence"] for found in notes] == [
        f"La noche del 22/12/2027 tuvo 1 falla. El porqué está en Noches, N.º {row['id']}."
    ]


async def test_a_note_waits_first_until_it_is_marked_as_seen(
    desk: Browser, rental: Rental, signed_in: SignedIn
) -> None:
    for sentence in ("La primera.", "La segunda."):
        await note(sentence, service_id=rental.service_id)
    first, second = [row["id"] for row in await fetch("SELECT id FROM staff_notes ORDER BY id")]
    before = await events()
    answer = await desk.edit("Notas", second, seen_at="2020-01-01T00:00:00Z")
    assert answer.status_code == 200, answer.text
    assert answer.json()["seen_at"].startswith("2027-07-02")
    assert await events() == [*before, "staff_note.seen"]
    rows = await desk.listed("Notas")
    assert [(row["id"], row["seen_at"] is None) for row in rows] == [(first, True), (second, False)]
    assert (await desk.edit("Notas", second, seen_at="2020-01-01T00:00:00Z")).status_code == 200
    assert await events() == [*before, "staff_note.seen"], "seen once is seen"
    assert (await desk.edit("Notas", second, seen_at=None)).json()["seen_at"] is None
    assert await events() == [*before, "staff_note.seen", "staff_note.reopened"]
    assert "Vista el" in complaints(await desk.edit("Notas", first, sentence="Otra."))["Qué pasó"]
    support = await signed_in(Role.soporte)
    assert (await support.edit("Notas", first, seen_at="2027-07-02T00:00:00Z")).status_code == 403
