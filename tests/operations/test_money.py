"""Money is whole cents, rounded half-up once; the tax is inside the price."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.money import CENT, rounded, tax_contained

amounts = st.decimals("-9999999", "9999999", places=6)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("0.335", "0.34"), ("0.334999", "0.33"), ("60.164384", "60.16"), ("-0.005", "-0.01"), ("0", "0.00")],
)
def test_half_a_cent_goes_up(amount: str, expected: str) -> None:
    assert str(rounded(Decimal(amount))) == expected


@given(amounts)
def test_rounding_is_within_half_a_cent_and_happens_once(amount: Decimal) -> None:
    assert abs(rounded(amount) - amount) <= CENT / 2
    assert rounded(rounded(amount)) == rounded(amount)


@given(st.decimals("0.00", "9999999", places=2), st.decimals("0", "100", places=2))
def test_the_tax_is_part_of_the_price(total: Decimal, rate: Decimal) -> None:
    tax = tax_contained(total, rate)
    assert 0 <= tax <= total
    assert abs((total - tax) * rate / 100 - tax) <= CENT
