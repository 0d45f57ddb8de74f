"""Bugs that the tests must find: each is put into a copy of the tree, and the tests named beside it must fail there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.stack.archive import OURS, ROOT

PARTS = ("mast", "jwstarchive", "dashboard", "templates", "static", "tests", "manage.py", "pyproject.toml", "Procfile")
LEASES = "tests/integration/test_jobs_leases.py"


@dataclass(frozen=True)
class Edit:
    """Text of one file that is replaced by other text; it must be there exactly once."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A bug, and the tests that are to catch it."""

    bug: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


MUTANTS = [
    Mutant(
        "resume trusts the journal without checking its CRCs",
        (
            Edit("mast/transfer/partfile.py", " and crc32c(data) == record.crc", ""),
            Edit("mast/transfer/readback.py", " or crc32c(data) != record.crc", ""),
        ),
        ("tests/fault/test_storage.py::test_bytes_edited_in_the_part_are_not_trusted",),
    ),
    Mutant(
        "accept 200 for a range",
        (
            Edit("mast/transfer/reply.py", "return self._response.status == 206", "return True"),
            Edit(
                "mast/transfer/reply.py",
                "return Reply(response, endpoint, 0, response.length, response.length, sums)",
                "return Reply(response, endpoint, start, stop or response.length, response.length, sums)",
            ),
        ),
        ("tests/fault/test_ranges.py::test_a_200_to_a_later_range_is_never_appended",),
    ),
    Mutant(
        "no validator check",
        (
            Edit("mast/transfer/sources.py", '"If-Range": validator.etag', '"X-Not-Asked": validator.etag'),
            Edit("mast/transfer/admission.py", "not pinned.allows(reply.validator)", "False"),
        ),
        (
            "tests/fault/test_ranges.py::test_a_file_replaced_while_it_comes_is_fetched_anew",
            "tests/fault/test_ranges.py::test_a_part_is_not_completed_from_a_newer_version",
        ),
    ),
    Mutant(
        "write at the final name",
        (
            Edit(
                "mast/transfer/session.py",
                "wanted.partial_dir, wanted.file_name,",
                "wanted.final_path.parent, wanted.file_name,",
            ),
            Edit("mast/transfer/partfile.py", 'f"{file_name}.{_tag(total, source, validator)}{PART}"', "file_name"),
        ),
        ("tests/fault/test_storage.py::test_a_full_disk_stops_the_transfer_and_keeps_what_is_there",),
    ),
    Mutant(
        "at least so long, instead of exactly so long",
        (Edit("mast/transfer/verify.py", "size != expected_bytes", "size < expected_bytes"),),
        ("tests/fault/test_storage.py::test_a_file_at_its_place_that_goes_on_after_its_end_is_not_taken_for_whole",),
    ),
    Mutant(
        "416 means done",
        (
            Edit(
                "mast/transfer/engine.py",
                "if isinstance(exc, SourceChanged | _DAMAGED):\n            self._restart(exc)",
                'if exc.details.get("status") == 416 and self._part:\n'
                "            self._part.end_at(self._part.done.size_bytes)\n"
                "        elif isinstance(exc, SourceChanged | _DAMAGED):\n            self._restart(exc)",
            ),
        ),
        ("tests/fault/test_ranges.py::test_a_416_does_not_end_a_file_that_only_its_length_proves",),
    ),
    Mutant(
        "no fsync before the final name",
        (Edit("mast/transfer/partfile.py", "        self._disk.sync(self._fd)\n", ""),),
        ("tests/fault/test_power_loss.py::test_what_was_registered_outlives_any_power_cut",),
    ),
    Mutant(
        "registration without unique constraint",
        (
            Edit(
                "mast/models/holdings.py",
                'max_length=300, unique=True, help_text="mast:JWST/product/<file name>"',
                'max_length=300, help_text="mast:JWST/product/<file name>"',
            ),
            Edit(
                "mast/migrations/0001_initial.py",
                "help_text='mast:JWST/product/<file name>', max_length=300, unique=True",
                "help_text='mast:JWST/product/<file name>', max_length=300",
            ),
        ),
        ("tests/fault/test_workers.py::test_the_database_refuses_a_second_record_of_a_product_or_a_place",),
    ),
    Mutant(
        "lease without owner and epoch",
        (Edit("mast/imports/leases.py", "pk=self.id, owner=self.owner, epoch=self.epoch", "pk=self.id"),),
        (f"{LEASES}::test_a_lease_that_ran_out_may_be_taken_over_and_its_holder_can_write_no_more",),
    ),
    Mutant(
        "heartbeat not tied to progress",
        (Edit("mast/imports/heart.py", 'is_alive=moved or seen.phase != "downloading"', "is_alive=True"),),
        ("tests/fault/test_workers.py::test_a_download_that_hangs_loses_its_lease_though_its_worker_lives",),
    ),
]


def copy_of_the_tree(folder: Path) -> Path:
    """The tree, with what was compiled from it: ten runs need not compile it again."""
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy2(source, folder / name)
    return folder


def apply(mutant: Mutant, tree: Path) -> None:
    """Put the bug in. `AssertionError` where its place has changed: then the mutant has to be written anew."""
    for edit in mutant.edits:
        path = tree / edit.path
        text = path.read_text()
        assert text.count(edit.old) == 1, (
            f"{mutant.bug}: {edit.path} holds this {text.count(edit.old)} times: {edit.old}"
        )
        path.write_text(text.replace(edit.old, edit.new))


@dataclass(frozen=True)
class Verdict:
    """How a run of some tests in a tree ended."""

    code: int
    failed: list[str]
    output: str


def run(tests: tuple[str, ...], tree: Path) -> Verdict:
    """These tests in that tree, on SQLite, each stopped after two minutes: a mutant may hang."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith((*OURS, "FAULT_", "COV"))}
    words = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--timeout=120", "-rf", "--tb=line"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *tests],
        cwd=tree,
        env=environment | {"DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^FAILED \S+::(test_\w+)", done.stdout, re.MULTILINE)
    return Verdict(done.returncode, list(dict.fromkeys(failed)), done.stdout[-4000:] + done.stderr[-2000:])
