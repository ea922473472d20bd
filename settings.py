"""What an operator may set, read from the environment (prefix ``PANEL_``) or from a file ``.env``.

``DATABASE_URL`` and ``REDIS_URL`` go without the prefix, since hosting platforms set them under these names.
Every setting is described here; `litestar doctor` says what is wrong with the ones in force.
"""

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).parent
DEFAULT_SECRET = "only-for-development-and-tests"  # noqa: S105 - production refuses to start with it


class Settings(BaseSettings):
    """All settings of one installation. Money is in the provider's currency; days are calendar days."""

    model_config = SettingsConfigDict(env_prefix="PANEL_", env_file=".env", extra="ignore")

    # Where it runs
    production: bool = Field(
        default=False, description="Real clients use it: defaults that are unsafe refuse to start."
    )
    base_url: str = Field(
        default="http://localhost:8000", description="The address clients see; every link is built from it."
    )
    secret_key: SecretStr = Field(
        default=SecretStr(DEFAULT_SECRET),
        description="Signs form tokens; 32 random characters or more, the same in every process.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("DATABASE_URL", "PANEL_DATABASE_URL"),
        description="PostgreSQL, as postgresql://user:password@host/name. Unset: an embedded one, not for production.",
    )
    database_pool: int = Field(default=10, ge=1, le=90, description="Connections each process keeps open at most.")
    redis_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("REDIS_URL", "PANEL_REDIS_URL"),
        description="Redis or Valkey, for waking the workers. Unset: in process, which only the demo uses.",
    )
    data_dir: Path = Field(default=ROOT / ".data", description="Folder of the embedded database.")
    files_dir: Path | None = Field(
        default=None,
        description="Folder of the invoices' PDFs and the receipts of clients; one for all processes and machines, kept"
        " in backups, never served by itself. Unset: the folder files beside the embedded database.",
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=3,
        description="How many reverse proxies of yours stand in front and set X-Forwarded-For.",
    )

    # The provider
    brand_name: str = Field(
        default="Su Proveedor",
        min_length=1,
        max_length=40,
        description="Name shown on every page and message.",
    )
    brand_accent: str = Field(
        default="#0b5c55", description="Accent colour in light mode, contrast 4.5:1 against the paper."
    )
    brand_accent_dark: str = Field(default="#7fd1c7", description="Accent colour in dark mode.")
    brand_paper: str = Field(default="#fbfaf7", description="Background in light mode.")
    brand_ink: str = Field(default="#1d1f21", description="Text in light mode.")
    timezone: str = Field(default="America/Argentina/Buenos_Aires", description="The provider's zone: what day it is.")
    currency: str = Field(default="ARS", pattern="^[A-Z]{3}$", description="Currency of new clients, ISO 4217.")
    tax_rate: Decimal = Field(
        default=Decimal(21), ge=0, le=100, description="Tax contained in every price, in percent."
    )
    receiving_accounts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("banco",),
        description="Short names of the bank accounts that receive transfers, separated by commas.",
    )
    transfer_bank: str = Field(default="Banco de Ejemplo", description="Bank of the account shown for transfers.")
    transfer_holder: str = Field(default="Su Proveedor S.A.", description="Holder of that account.")
    transfer_cbu: str = Field(default="0000000000000000000000", description="CBU of that account.")
    transfer_alias: str = Field(default="SU.PROVEEDOR", description="Alias of that account.")

    # Rules
    renewal_days: int = Field(
        default=10, ge=1, le=60, description="Days before a period starts when its renewal is issued."
    )
    plan_change_days: int = Field(
        default=5, ge=1, le=30, description="Days an upgrade waits for its payment before it lapses."
    )
    payment_report_days: int = Field(
        default=5, ge=1, le=30, description="Days that Informar pago holds a lapse or a suspension."
    )

    night_hour: int = Field(
        default=3, ge=0, le=23, description="Hour, in the provider's zone, when the night may begin."
    )

    # Signing in
    session_idle_minutes: int = Field(default=60 * 12, ge=5, description="A session ends after this long without use.")
    session_days: int = Field(default=14, ge=1, description="A session ends after this long in any case.")

    # WhatsApp (Meta Business Cloud API) and mail
    whatsapp_url: str = Field(default="https://graph.facebook.com", description="Address of the API, without version.")
    whatsapp_version: str = Field(default="v23.0", pattern=r"^v\d+\.\d+$", description="Version of the API.")
    whatsapp_phone_id: str | None = Field(default=None, description="phone_number_id. Unset: alerts go by e-mail only.")
    whatsapp_token: SecretStr = Field(default=SecretStr(""), description="Access token of the API.")
    whatsapp_app_secret: SecretStr = Field(
        default=SecretStr(""), description="App secret: checks the signature of webhooks."
    )
    whatsapp_verify_token: SecretStr = Field(default=SecretStr(""), description="Token of the webhook's verification.")
    whatsapp_language: str = Field(default="es_AR", description="Language code of the approved templates.")
    whatsapp_per_second: float = Field(default=80, gt=0, description="Messages a second of the sending number.")
    whatsapp_recipient_seconds: float = Field(
        default=6, ge=0, description="Seconds between two messages to one recipient."
    )
    smtp_host: str | None = Field(default=None, description="Mail server. Unset: no e-mail is sent, alerts wait.")
    smtp_port: int = Field(default=587, description="Port of the mail server.")
    smtp_username: str | None = Field(default=None, description="User at the mail server.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password at the mail server.")
    smtp_start_tls: bool = Field(default=True, description="Encrypt with STARTTLS.")
    mail_from: str = Field(default="avisos@example.com", description="Sender of the messages.")

    # Pages
    htmx: Literal["cdn", "self"] = Field(
        default="cdn", description="Where browsers fetch htmx: the CDN (pinned, SRI) or the panel itself."
    )
    demo: bool = Field(default=False, description="Set by `litestar demo`: mounts the stand-ins under /demo/.")

    @model_validator(mode="before")
    @classmethod
    def _split_lists(cls, values: dict[str, object]) -> dict[str, object]:
        accounts = values.get("receiving_accounts")
        if isinstance(accounts, str):
            values["receiving_accounts"] = tuple(part.strip() for part in accounts.split(",") if part.strip())
        return values

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def files(self) -> Path:
        """Where PDFs and receipts are kept."""
        return self.files_dir or self.data_dir / "files"

    @property
    def host(self) -> str:
        """The one Host header that requests may carry."""
        return urlsplit(self.base_url).netloc

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")

    def faults(self) -> list[str]:
        """What an operator must mend, each as *what is wrong: what to do*. Empty when all is well."""
        found = []
        if self.whatsapp_phone_id and not self.whatsapp_app_secret.get_secret_value():
            found.append("PANEL_WHATSAPP_APP_SECRET is empty: copy the app secret from Meta's developer console.")
        if not self.receiving_accounts:
            found.append("PANEL_RECEIVING_ACCOUNTS is empty: name at least one account that receives transfers.")
        if self.files.resolve().is_relative_to(ROOT / "static"):
            found.append("PANEL_FILES_DIR is inside static/, which is served to everybody: name another folder.")
        if self.production:
            found += self._production_faults()
        return found

    def _production_faults(self) -> list[str]:
        found = []
        if not self.database_url:
            found.append(
                "DATABASE_URL is not set: the embedded database is for demo and tests; name a PostgreSQL server."
            )
        if not self.redis_url:
            found.append("REDIS_URL is not set: name a Redis or Valkey server, the workers are woken through it.")
        secret = self.secret_key.get_secret_value()
        if secret == DEFAULT_SECRET or len(secret) < 32:
            found.append("PANEL_SECRET_KEY is the default or short: set 32 random characters or more.")
        if not self.https:
            found.append("PANEL_BASE_URL is not https: put the panel behind TLS, its cookies need it.")
        if self.demo:
            found.append("PANEL_DEMO is on: the stand-ins are not for real clients; unset it.")
        if not self.smtp_host:
            found.append("PANEL_SMTP_HOST is not set: no alert can go out by e-mail; name a mail server.")
        return found


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings in force, read once a process."""
    return Settings()
