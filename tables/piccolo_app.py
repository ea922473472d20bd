"""Every table of the panel, in one app with one migration history."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="panel",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder(
        modules=[
            "tables.access_links",
            "tables.alerts",
            "tables.clients",
            "tables.consents",
            "tables.contacts",
            "tables.events",
            "tables.invoices",
            "tables.ledger",
            "tables.limits",
            "tables.links",
            "tables.night",
            "tables.notices",
            "tables.plan_changes",
            "tables.plans",
            "tables.services",
            "tables.staff",
            "tables.staff_views",
            "tables.users",
        ],
        exclude_imported=True,
    ),
)
