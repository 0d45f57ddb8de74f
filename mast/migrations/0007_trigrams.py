"""PostgreSQL finds a part of a name by trigrams, where its extension for them may be had; SQLite reads through."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, migrations, transaction

INDEXES = {
    "file_trigrams": ("mast_datafile", ["file_name"]),
    "observation_trigrams": (
        "mast_observation",
        ["obs_id", "target_name", "obs_title", "proposal_pi", "notes"],
    ),
}


def _add(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        # The owner of a database may add this one; where its files are not installed, text is read through as before.
        try:
            with transaction.atomic(connection.alias):
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except DatabaseError:
            return
        cursor.execute("SET LOCAL statement_timeout = 0")
        for name, (table, columns) in INDEXES.items():
            parts = ", ".join(f"UPPER({column}::text) gin_trgm_ops" for column in columns)
            cursor.execute(f"CREATE INDEX {name} ON {table} USING gin ({parts})")


def _remove(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [("mast", "0006_exclusive_trash")]
    operations = [migrations.RunPython(_add, _remove)]
