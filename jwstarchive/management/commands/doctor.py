"""Look at everything the archive needs and say what is well and what is not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from mast.management.base import FAILED, TRY_LATER, ArchiveCommand

# What may come back by itself, or be started; the rest needs a person.
PASSING = {"redis", "worker", "queue", "mast", "resolver", "s3"}


class Command(ArchiveCommand):
    help = "Say what is reachable, which versions run, how full the disk is, what waits; exit 0 when all is well."

    def run(self, **options: Any) -> None:
        from jwstarchive.run import diagnosis

        found = list(diagnosis.findings())
        if options["as_json"]:
            self.show_json({"ok": all(part.ok for part in found), "parts": [part.to_dict() for part in found]})
        else:
            rows = [(part.name, "well" if part.ok else "NOT WELL", part.message) for part in found]
            self.show_table(["part", "state", "finding"], rows)
        ill = [part.name for part in found if not part.ok]
        if ill:
            returncode = TRY_LATER if PASSING.issuperset(ill) else FAILED
            raise CommandError(f"Not well: {', '.join(ill)}.", returncode=returncode)
