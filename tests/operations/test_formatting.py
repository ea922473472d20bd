"""Numbers, dates and phones read the same on every screen."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from operations import formatting
from tables.choices import Cycle

BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
AMOUNTS = st.decimals(min_value=-(10**10), max_value=10**10, places=2)
DAYS = st.dates(min_value=date(1990, 1, 1), max_value=date(2199, 12, 31))
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0,00"),
        ("0.00", "$0,00"),
        ("-0.00", "$0,00"),
        ("0.05", "$0,05"),
        ("50", "$50,00"),
        ("999.99", "$999,99"),
        ("1000", "$1.000,00"),
        ("12000.5", "$12.000,50"),
        ("1234567.50", "$1.234.567,50"),
        ("-50", "−$50,00"),
        ("-1234.56", "−$1.234,56"),
        ("50.000", "$50,00"),
    ],
)
def test_pesos_have_dots_for_thousands_and_two_decimals(amount: str, shown: str) -> None:
    assert formatting.money(Decimal(amount)) == shown


def test_the_code_stands_where_currencies_can_meet() -> None:
    assert formatting.money(Decimal("1234.50"), "USD") == "USD\N{NO-BREAK SPACE}1.234,50"
    assert formatting.money(Decimal("1234.50"), "ARS", with_code=True) == "ARS\N{NO-BREAK SPACE}1.234,50"
    assert formatting.money(Decimal(-8), "EUR") == "−EUR\N{NO-BREAK SPACE}8,00"


@pytest.mark.parametrize("amount", ["0.335", "0.005", "-0.005", "49.999", "0.001"])
def test_a_fraction_of_a_cent_is_refused_not_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match="not rounded"):
        formatting.money(Decimal(amount))


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_what_is_no_amount_is_never_shown(amount: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        formatting.money(Decimal(amount))


@given(AMOUNTS)
def test_money_reads_as_the_locale_data_says(amount: Decimal) -> None:
    expected = format_currency(amount, "ARS", locale="es_AR").replace("-", "−").replace("\N{NO-BREAK SPACE}", "")
    assert formatting.money(amount) == ("$0,00" if amount == 0 else expected)


def test_dates_are_short_in_tables_and_long_in_text() -> None:
    assert formatting.short_date(date(2027, 2, 28)) == "28/02/2027"
    assert formatting.long_date(date(2027, 2, 28)) == "28 de febrero de 2027"
    assert formatting.long_date(date(2027, 9, 1)) == "1 de septiembre de 2027"


@given(DAYS)
def test_dates_read_as_the_locale_data_says(day: date) -> None:
    assert formatting.short_date(day) == format_date(day, "dd/MM/yyyy", locale="es_AR")
    assert formatting.long_date(day) == format_date(day, "long", locale="es_AR")


def test_an_instant_is_told_in_the_providers_zone_and_in_24_hours() -> None:
    at = datetime(2027, 3, 1, 1, 5, tzinfo=UTC)
    assert formatting.moment(at, BUENOS_AIRES) == "28/02/2027\N{NO-BREAK SPACE}22:05"
    assert formatting.clock(at, BUENOS_AIRES) == "22:05"
    assert formatting.clock(datetime(2027, 3, 1, 3, 0, tzinfo=UTC), BUENOS_AIRES) == "00:00"


@given(INSTANTS)
def test_instants_read_as_the_locale_data_says(at: datetime) -> None:
    expected = format_datetime(at, "dd/MM/yyyy HH:mm", tzinfo=BUENOS_AIRES, locale="es_AR")
    assert formatting.moment(at, BUENOS_AIRES).replace("\N{NO-BREAK SPACE}", " ") == expected
    assert formatting.clock(at, BUENOS_AIRES) == expected[-5:]


def test_an_instant_without_a_zone_is_refused() -> None:
    naive = datetime(2027, 3, 1, 1, 5)  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        formatting.moment(naive, BUENOS_AIRES)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("+5491123456789", "+54 9 11 2345-6789"),
        ("+542614251234", "+54 261 425-1234"),
        ("+59899123456", "+598 99 123 456"),
        ("no number", "no number"),
        ("", ""),
    ],
)
def test_phones_are_grouped_as_their_country_writes_them(stored: str, shown: str) -> None:
    assert formatting.phone(stored) == shown


def test_every_cycle_has_its_words() -> None:
    assert [formatting.cycle_name(cycle) for cycle in Cycle] == [
        "mensual",
        "trimestral",
        "semestral",
        "anual",
        "bienal",
    ]
    assert [formatting.per_cycle(cycle) for cycle in Cycle] == [
        "por mes",
        "por trimestre",
        "por semestre",
        "por año",
        "cada dos años",
    ]


def test_templates_get_every_function_with_the_zone_bound() -> None:
    filters = formatting.filters(BUENOS_AIRES)
    at = datetime(2027, 3, 1, 1, 5, tzinfo=UTC)
    assert filters["moment"](at) == formatting.moment(at, BUENOS_AIRES)
    assert filters["money"](Decimal(50), "USD") == "USD\N{NO-BREAK SPACE}50,00"


@pytest.mark.parametrize(
    ("kept", "read"),
    [("20267565393", "20-26756539-3"), ("12345678", "12.345.678"), ("", ""), ("27-1234-5", "27-1234-5")],
)
def test_a_tax_id_reads_as_people_write_it(kept: str, read: str) -> None:
    assert formatting.tax_id(kept) == read
