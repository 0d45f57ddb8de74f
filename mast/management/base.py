"""What every command of the archive shares: data on stdout, words on stderr, and exit codes a script can act upon.

0 done · 1 failed · 2 wrong use · 75 (EX_TEMPFAIL) failed for now, worth trying again later

Nothing here, and no command module, imports services at the top: `--help` has to answer at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mast.errors import MastError

FAILED, WRONG_USE, TRY_LATER = 1, 2, 75


class ArchiveCommand(BaseCommand):
    """A command that calls the same services as the pages."""

    # Checks import every page and the API; they are for `manage.py check`.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON, as the REST call answers")
        self.add_options(parser)

    def add_options(self, parser: CommandParser) -> None:
        """The command's own arguments."""

    def handle(self, **options: Any) -> None:
        try:
            self.run(**options)
        except MastError as exc:
            raise CommandError(_sentences(exc), returncode=exit_code(exc)) from exc
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None
        except BrokenPipeError:
            # The reader, `head` say, has seen enough; Python must not try to flush at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as exc:
            # A folder that may not be written, a disk that is full: nothing a trace of calls would explain.
            if exc.filename is None or exc.strerror is None:
                raise
            raise CommandError(f"{exc.filename}: {exc.strerror}.", returncode=FAILED) from exc

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    def say(self, words: str) -> None:
        """Words for a person: never mixed with data."""
        self.stderr.write(words)

    def show_json(self, data: Any) -> None:
        self.stdout.write(json.dumps(data, indent=1, default=_plain))

    def show_table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Columns wide enough for the widest value, the last one as long as it likes."""
        texts = [tuple(heads), *(tuple(map(_cell, row)) for row in rows)]
        widths = [max(len(text[column]) for text in texts) for column in range(len(heads))]
        for text in texts:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(text, widths, strict=True)).rstrip())


def exit_code(exc: MastError) -> int:
    if exc.retryable:
        return TRY_LATER
    return WRONG_USE if exc.http_status == 422 else FAILED


def _sentences(exc: MastError) -> str:
    available = exc.details.get("available")
    return f"{exc.message} Available: {available}" if available else exc.message


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    return "" if value is None else str(value)
