"""Arithmetic of money: Decimal, two places, rounded half-up once."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def rounded(amount: Decimal) -> Decimal:
    """The amount in whole cents, half a cent upwards.

    >>> rounded(Decimal("60.165"))
    Decimal('60.17')
    """
    return amount.quantize(CENT, ROUND_HALF_UP)


def tax_contained(total: Decimal, rate: Decimal) -> Decimal:
    """The tax inside a price that already includes it; ``rate`` in percent.

    >>> tax_contained(Decimal("121.00"), Decimal("21"))
    Decimal('21.00')
    """
    return rounded(total * rate / (100 + rate))
