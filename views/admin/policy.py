"""What every answer of the staff door carries: its own content policy, no copies kept, cookies bound to TLS."""

from typing import Final

from settings import settings
from views.admin.answers import Answer, Scope
from views.headers import security_headers

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The page injects its styles and draws its icons from ``data:``; everything else comes from here."""


def carrying_policy(scope: Scope, answer: Answer) -> Answer:
    """The answer with its headers. Browsers keep the page's files, asking whether they changed, and nothing else."""
    ours = {name.lower(): value for name, value in security_headers().items()}
    ours["content-security-policy"] = CONTENT_POLICY
    ours["cache-control"] = "no-cache" if scope["path"].startswith("/assets/") else "no-store"
    names = {name.encode() for name in ours}
    kept = [
        (name, _bound(value) if name == b"set-cookie" else value) for name, value in answer.headers if name not in names
    ]
    return Answer(
        answer.status, [*kept, *((name.encode(), value.encode()) for name, value in ours.items())], answer.body
    )


def _bound(cookie: bytes) -> bytes:
    """A cookie for TLS alone; without TLS (the demo, a test) browsers would refuse such a one."""
    bare = b"; ".join(part for part in cookie.split(b"; ") if part.lower() != b"secure")
    return bare + b"; Secure" if settings().https else bare
