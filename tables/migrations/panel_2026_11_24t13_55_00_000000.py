"""What must never be false of contacts, links, notices and second factors."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables import choices
from tables.database import engine

ID = "2026-11-24T13:55:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Constraints of people"


def listed(values: type[choices.StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


CONTACTS = [
    "ALTER TABLE services ADD CONSTRAINT services_id_client UNIQUE (id, client)",
    "ALTER TABLE contacts ADD CONSTRAINT contacts_id_client UNIQUE (id, client)",
    f"ALTER TABLE contacts ADD CONSTRAINT contacts_rights_known CHECK"
    f" (rights <@ ARRAY[{listed(choices.Right)}]::varchar[])",
    "ALTER TABLE contacts ADD CONSTRAINT contacts_email_small CHECK (email = lower(email) AND email LIKE '%_@_%')",
    "ALTER TABLE contacts ADD CONSTRAINT contacts_name_present CHECK (btrim(name) <> '')",
    "ALTER TABLE contacts ADD CONSTRAINT contacts_phone_e164 CHECK (phone ~ '^([+][1-9][0-9]{6,14})?$')",
    # Nobody acts on an account before accepting, and who does not sign in has no rights to act with.
    "ALTER TABLE contacts ADD CONSTRAINT contacts_act_when_accepted CHECK"
    " (CASE WHEN signs_in THEN (\"user\" IS NOT NULL) = (accepted_at IS NOT NULL)"
    " ELSE \"user\" IS NULL AND rights = '{}' END)",
    "CREATE UNIQUE INDEX contacts_one_address ON contacts (client, email) WHERE revoked_at IS NULL",
    "CREATE UNIQUE INDEX contacts_one_user ON contacts (client, \"user\")"
    " WHERE revoked_at IS NULL AND \"user\" IS NOT NULL",
    "CREATE INDEX contacts_user ON contacts (\"user\") WHERE revoked_at IS NULL",
    # A limited contact reaches services of its own client alone, and none that has left it.
    "ALTER TABLE contact_services ADD CONSTRAINT contact_services_own_contact FOREIGN KEY (contact, client)"
    " REFERENCES contacts (id, client) ON DELETE CASCADE",
    "ALTER TABLE contact_services ADD CONSTRAINT contact_services_own_service FOREIGN KEY (service, client)"
    " REFERENCES services (id, client)",
    "CREATE UNIQUE INDEX contact_services_once ON contact_services (contact, service)",
    "CREATE INDEX contact_services_service ON contact_services (service)",
    """
    CREATE FUNCTION contacts_never_the_holder() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.revoked_at IS NULL AND (EXISTS (SELECT FROM clients WHERE id = NEW.client AND email = NEW.email)
            OR EXISTS (SELECT FROM users WHERE id = NEW."user" AND client = NEW.client)) THEN
            RAISE EXCEPTION 'the holder of client % cannot be a contact of it', NEW.client
                USING ERRCODE = 'check_violation', CONSTRAINT = 'contacts_never_the_holder';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER contacts_never_the_holder BEFORE INSERT OR UPDATE ON contacts"
    " FOR EACH ROW EXECUTE FUNCTION contacts_never_the_holder()",
]

NOTICES = [
    f"ALTER TABLE notice_choices ADD CONSTRAINT notice_choices_category_known CHECK"
    f" (category IN ({listed(choices.NoticeCategory)}))",
    f"ALTER TABLE notice_choices ADD CONSTRAINT notice_choices_channel_known CHECK"
    f" (channel IN ({listed(choices.Channel)}))",
    "ALTER TABLE notice_choices ADD CONSTRAINT notice_choices_own_contact FOREIGN KEY (contact, client)"
    " REFERENCES contacts (id, client) ON DELETE CASCADE",
    "CREATE UNIQUE INDEX notice_choices_once ON notice_choices (client, coalesce(contact, 0), category, channel)",
    "ALTER TABLE whatsapp_consents ADD CONSTRAINT whatsapp_consents_own_contact FOREIGN KEY (contact, client)"
    " REFERENCES contacts (id, client)",
    "DROP INDEX whatsapp_consents_one_open",
    "CREATE UNIQUE INDEX whatsapp_consents_one_open ON whatsapp_consents (client, coalesce(contact, 0))"
    " WHERE ended_at IS NULL",
    "CREATE INDEX whatsapp_consents_phone ON whatsapp_consents (phone) WHERE ended_at IS NULL",
    # Told once to each recipient by each channel; where a link goes to nobody's account, by its address.
    "DROP INDEX alerts_told_once",
    "CREATE UNIQUE INDEX alerts_told_once ON alerts (event, channel, coalesce(client, 0), coalesce(contact, 0), address)",
    *(
        f"ALTER TABLE alerts ADD CONSTRAINT alerts_{column}_fkey FOREIGN KEY ({column}) REFERENCES {table} (id)"
        " ON DELETE SET NULL"
        for column, table in (("link", "mail_links"), ("phone_check", "phone_checks"))
    ),
    "ALTER TABLE alerts ADD CONSTRAINT alerts_own_contact FOREIGN KEY (contact, client) REFERENCES contacts (id, client)",
]

LINKS = [
    f"ALTER TABLE mail_links ADD CONSTRAINT mail_links_purpose_known CHECK"
    f" (purpose IN ({listed(choices.LinkPurpose)}))",
    "ALTER TABLE mail_links ADD CONSTRAINT mail_links_forward CHECK (expires_at > created_at)",
    "ALTER TABLE mail_links ADD CONSTRAINT mail_links_used_or_voided CHECK (used_at IS NULL OR voided_at IS NULL)",
    "ALTER TABLE mail_links ADD CONSTRAINT mail_links_token_digest CHECK (token_hash ~ '^[0-9a-f]{64}$')",
    """
    CREATE FUNCTION mail_links_are_used_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the link % was used or voided', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'mail_links_are_used_once';
    END $$
    """,
    "CREATE TRIGGER mail_links_are_used_once BEFORE UPDATE OF used_at, voided_at ON mail_links FOR EACH ROW"
    " WHEN (OLD.used_at IS NOT NULL OR OLD.voided_at IS NOT NULL) EXECUTE FUNCTION mail_links_are_used_once()",
    "CREATE INDEX mail_links_live ON mail_links (purpose, address, id) WHERE used_at IS NULL AND voided_at IS NULL",
    "CREATE INDEX phone_checks_live ON phone_checks (client, id) WHERE used_at IS NULL AND voided_at IS NULL",
    "ALTER TABLE phone_checks ADD CONSTRAINT phone_checks_e164 CHECK (phone ~ '^[+][1-9][0-9]{6,14}$')",
]

SECOND_FACTORS = [
    "ALTER TABLE users ADD CONSTRAINT users_second_factor_has_secret CHECK"
    " (totp_confirmed_at IS NULL OR totp_secret <> '')",
    "CREATE UNIQUE INDEX recovery_codes_once ON recovery_codes (\"user\", code_hash)",
    "ALTER TABLE staff_authenticators ADD CONSTRAINT staff_authenticators_of_staff FOREIGN KEY (user_id)"
    " REFERENCES staff (id) ON DELETE CASCADE",
    "CREATE INDEX staff_authenticators_user ON staff_authenticators (user_id)",
    "ALTER TABLE staff_views ADD CONSTRAINT staff_views_say_why CHECK (btrim(reason) <> '')",
    "ALTER TABLE staff_views ADD CONSTRAINT staff_views_time_boxed CHECK"
    " (ends_at > started_at AND ends_at <= started_at + interval '1 hour')",
    # From where a user signed in before: what keeps a stranger's tries from locking its owner out.
    "CREATE INDEX events_sign_ins ON events (\"user\", network_address) WHERE name = 'user.signed_in'",
    "CREATE INDEX staff_views_client ON staff_views (client, id DESC)",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for statement in [*CONTACTS, *NOTICES, *LINKS, *SECOND_FACTORS]:
            await engine().run_ddl(statement)

    manager.add_raw(run)
    return manager
