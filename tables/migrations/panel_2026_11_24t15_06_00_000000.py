"""The second factor of staff counts once a code has confirmed it, and a code works once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt, Timestamptz
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-24T15:06:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Confirmed second factors of staff"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)
    column = {"table_class_name": "StaffAuthenticator", "tablename": "staff_authenticators", "schema": None}
    plain = {
        "primary_key": False,
        "unique": False,
        "index": False,
        "index_method": IndexMethod.btree,
        "choices": None,
        "db_column_name": None,
        "secret": False,
    }
    manager.add_column(
        **column,
        column_name="confirmed_at",
        db_column_name="confirmed_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={**plain, "default": None, "null": True},
    )
    manager.add_column(
        **column,
        column_name="last_step",
        db_column_name="last_step",
        column_class_name="BigInt",
        column_class=BigInt,
        params={**plain, "default": 0, "null": False},
    )
    return manager
