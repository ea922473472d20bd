"""How much a first visit loads, in bytes over the wire."""

from typing import Any

import pytest

from tests.e2e.conftest import Open
from tests.e2e.visits import Visit

pytestmark = pytest.mark.xdist_group("weight")

MOST_BYTES = 40 * 1024
MOST_REQUESTS = 5


@pytest.mark.parametrize("page", ["/ingresar", "/", "/servicios/1"])
def test_a_first_load_is_light(visit: Open, page: str) -> None:
    """Nothing is in the browser's cache; other hosts are troubles of the visit."""
    visitor = visit()
    if page != "/ingresar":
        cookies = _signed_in_elsewhere(visit)
        visitor.context.add_cookies(cookies)
    sizes = _sizes_of_what_loads(visitor)

    visitor.page.goto(page, wait_until="networkidle")

    assert len(sizes) <= MOST_REQUESTS, sizes
    assert 0 < sum(sizes.values()) <= MOST_BYTES, sizes


def _signed_in_elsewhere(visit: Open) -> Any:
    other = visit()
    other.sign_in("ana@example.com")
    return other.context.cookies()


def _sizes_of_what_loads(visit: Visit) -> dict[str, int]:
    """Bytes over the wire by address, headers and compressed content; filled while the page loads."""
    network = visit.context.new_cdp_session(visit.page)
    network.send("Network.enable")
    addresses: dict[str, str] = {}
    sizes: dict[str, int] = {}
    network.on(
        "Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]})
    )
    network.on(
        "Network.loadingFinished",
        lambda event: sizes.update({addresses[event["requestId"]]: event["encodedDataLength"]}),
    )
    return sizes
