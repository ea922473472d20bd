"""Changing plans by the provider's rules: the table of cases, every refusal, and what follows from paying."""

import uuid
from datetime import date
from decimal import Decimal

import pytest

from operations import payments, plan_changes, services
from operations.clock import living_on
from operations.plan_quotes import Quote
from tests.people import a_catalogue, a_service, ana, sara

MID_YEAR = date(2027, 7, 2)


@pytest.mark.usefixtures("database")
async def test_upgrade_mid_year_costs_the_difference_and_applies_when_paid() -> None:
    with living_on(MID_YEAR):
        catalogue, actor, staff = await a_catalogue(), await ana(), await sara()
        service = await a_service(actor, catalogue.basic)
        page = await plan_changes.offers_for(service.id, by=actor)
        assert [offer.name for offer in page.offers] == ["Básico", "Pro", "Max"]
        quote = page.offers[1].quote
        assert isinstance(quote, Quote)
        assert quote.due_now == Decimal("50.00")
        change = await plan_changes.confirm(
            service.id, catalogue.pro, shown=quote.fingerprint, form_key=uuid.uuid4(), by=actor
        )
        assert change.quote == quote
        assert change.invoice_id is not None
        await payments.register_payment(
            change.invoice_id, amount=Decimal("50.00"), reference="op 1", received_on=MID_YEAR, by=staff
        )
        after = await services.service_of(service.id, by=actor)
        assert (after.plan_name, after.price, after.ends_on) == ("Pro", Decimal("150.00"), date(2028, 1, 1))
