"""Files made on demand: their length by formula, their bytes when somebody fetches them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import IO, Final

from mast.practice import texts
from mast.practice.catalogue import Exposure, Observation
from mast.practice.fits_layout import BLOCK
from mast.practice.kinds import layout_of
from mast.practice.products import association_name
from mast.practice.subject import Subject

PREVIEW_BYTES: Final = {"png": 30_000, "jpg": 90_000}
THUMB_BYTES: Final = 12_000


@dataclass(frozen=True)
class Program:
    """What associations and pools of a program are written from: its observations with their members."""

    observations: tuple[Observation, ...]

    @cached_property
    def exposures(self) -> list[tuple[Observation, Exposure]]:
        """Every exposure once, with the first observation that has it."""
        pairs = ((one, member) for one in self.observations for member in one.members)
        return list({member.obs_id: (one, member) for one, member in reversed(list(pairs))}.values())[::-1]

    @cached_property
    def associations(self) -> dict[str, tuple[Observation, Exposure | None]]:
        """Associations by name, with the exposure they were made for, None for those of a whole observation."""
        found: dict[str, tuple[Observation, Exposure | None]] = {}
        for one in self.observations:
            found[association_name(one)] = (one, None)
            for member in one.members:
                found.setdefault(association_name(one, member), (one, member))
        return found


_NO_PROGRAM: Final = Program(())


def size_of(subject: Subject, program: Program) -> int:
    """Length in bytes of a file that need not exist yet."""
    if subject.extension in PREVIEW_BYTES:
        return THUMB_BYTES if "_thumb." in subject.file_name else PREVIEW_BYTES[subject.extension]
    if subject.extension == "fits":
        return layout_of(subject).size_bytes
    return len(_text(subject, program))


def write(subject: Subject, program: Program, size_bytes: int, stream: IO[bytes]) -> None:
    """Write the file; numpy and Pillow are loaded with the first picture only, so that the server starts at once."""
    if subject.extension in PREVIEW_BYTES:
        from mast.practice import previews

        stream.write(previews.make(subject, size_bytes))
    elif subject.extension == "fits":
        from mast.practice import fits_factory

        fits_factory.write(subject, stream)
    else:
        stream.write(_text(subject, program))


def _text(subject: Subject, program: Program) -> bytes:
    if subject.extension == "ecsv":
        return texts.ecsv(subject)
    if subject.extension == "csv":
        rows = [(member.obs_id, member.detector, one) for one, member in program.exposures]
        return texts.pool(
            [(obs_id, detector, one.instrument, one.mode, one.target.name) for obs_id, detector, one in rows]
        )
    return _association(subject.file_name, program)


def _association(file_name: str, program: Program) -> bytes:
    """Of a whole observation (`image3`) or of one exposure (`image2`)."""
    if file_name not in program.associations:
        return texts.association(file_name, [], file_name.partition("_")[0], "", file_name.split("_")[1])
    one, member = program.associations[file_name]
    if member is None:
        members = [(f"{member.obs_id}_cal.fits", "science") for member in one.members]
        return texts.association(file_name, members, one.obs_id, one.target.name, one.program.stamp)
    return texts.association(
        file_name, [(f"{member.obs_id}_rate.fits", "science")], member.obs_id, one.target.name, one.program.stamp
    )


def size_filled(subject: Subject, recorded_bytes: int | None) -> int:
    """Length of a stand-in for a file that is recorded in a list only: the recorded one where that can be had."""
    if recorded_bytes is None:
        return size_of(subject, _NO_PROGRAM)
    if subject.extension == "fits":
        natural = layout_of(subject).size_bytes
        return recorded_bytes if natural <= recorded_bytes and not recorded_bytes % BLOCK else natural
    return recorded_bytes


def fill(subject: Subject, size_bytes: int, stream: IO[bytes]) -> None:
    """Write a file of the right kind and of exactly this length."""
    if subject.extension == "fits":
        from mast.practice import fits_factory

        fits_factory.write(subject, stream, layout_of(subject).filled(size_bytes))
    elif subject.extension in PREVIEW_BYTES:
        write(subject, _NO_PROGRAM, size_bytes, stream)
    else:
        stream.write(_text(subject, _NO_PROGRAM)[:size_bytes].ljust(size_bytes))
