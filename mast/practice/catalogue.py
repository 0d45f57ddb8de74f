"""The practice archive's own holdings: facts of real observations in `catalogue.txt`, made into full rows.

The table is short because most of a MAST row follows from its id, program, target and instrument. Lines are
`P` programs, `T` targets, `O` observations; the head of the file says what their parts are.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from mast.practice import optics, sphere
from mast.practice.columns import Row

TABLE: Final = Path(__file__).with_name("catalogue.txt")
PRODUCT_URI: Final = "mast:JWST/product/"


@dataclass(frozen=True, slots=True)
class Program:
    number: str
    category: str
    pi: str
    title: str
    stamp: str
    """when its associations were made, `20230127t104421`"""

    @property
    def prefix(self) -> str:
        return f"jw{int(self.number):05d}"


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    ra_deg: float | None
    dec_deg: float | None
    classification: str
    scene: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """One detector's exposure, a member of an observation; segments of one exposure are exposures of their own."""

    obs_id: str
    detector: str
    dither: int
    number: int
    """its place among the exposures of its program, from 1"""

    @property
    def obsid(self) -> str:
        # Stable and apart from the recorded numbers, which stay below 4e8.
        return str(1_000_000_000 + zlib.crc32(self.obs_id.encode()))

    @property
    def visit_id(self) -> str:
        return self.obs_id[:13]


@dataclass(frozen=True)
class Observation:
    """One row of MAST's observation table with what its product list is made from."""

    obs_id: str
    obsid: str
    program: Program
    target: Target
    instrument_name: str
    t_min: float | None
    t_max: float | None
    exposure_s: float | None
    release: float | None
    footprint: str
    members_text: str
    number: int
    """its place among the observations of its program, from 1"""
    flags: frozenset[str]
    members: tuple[Exposure, ...] = ()
    """filled by `with_members`: thousands of them, and most are never asked for"""

    @property
    def instrument(self) -> str:
        return self.instrument_name.partition("/")[0].lower()

    @property
    def mode(self) -> str:
        return self.instrument_name.partition("/")[2]

    @cached_property
    def level(self) -> int:
        if "planned" in self.flags:
            return -1
        if "-" in self.obs_id.partition("_")[0]:
            return 3
        return 1 if "raw" in self.flags else 2

    @cached_property
    def candidate(self) -> str:
        """`o001`, `c1006`; of an exposure the observation it belongs to."""
        head = self.obs_id.partition("_")[0]
        return head.partition("-")[2] or f"o{self.obs_id[7:10]}"

    @cached_property
    def optics(self) -> str:
        """The optical elements of a stage-3 id, `clear-f090w`; of an exposure those its line names."""
        named = next((flag.removeprefix("optics=") for flag in self.flags if flag.startswith("optics=")), "")
        return named or self.obs_id.partition(f"_{self.instrument}_")[2]

    @cached_property
    def filters(self) -> str:
        return optics.filters_of(self.optics)

    @property
    def is_exclusive(self) -> bool:
        return "exclusive" in self.flags

    @cached_property
    def s_region(self) -> str | None:
        """`=` and corners as recorded, or `2.2x2.1@112`: arcminutes and angle of a field about the target."""
        ra, dec = self.target.ra_deg, self.target.dec_deg
        if self.footprint.startswith("="):
            return "POLYGON " + self.footprint[1:]
        if not self.footprint or ra is None or dec is None:
            return None
        size, _, angle = self.footprint.rpartition("@")
        if size:
            width, height = (float(part) / 60 for part in size.split("x"))
        else:
            width, height = (part / 3600 for part in optics.field_arcsec(self.instrument, self.mode))
        return sphere.polygon_text(sphere.box(ra, dec, width, height, float(angle)))

    @property
    def dataproduct_type(self) -> str:
        if "series" in self.flags or self.mode in {"SOSS", "SLITLESS", "GRISM"}:
            return "timeseries"
        if self.mode == "IFU":
            return "cube"
        if self.mode in {"MSA", "SLIT", "WFSS"}:
            return "spectrum"
        return "image"

    def row(self, preview: str | None, data: str | None) -> Row:
        """The observation as `Mast.Caom.*` sends it; `preview` and `data` are file names."""
        low, high = optics.wavelengths_nm(self.filters)
        return {
            "intentType": "calibration" if self.program.category == "CAL" else "science",
            "obs_collection": "JWST",
            "provenance_name": "CALJWST" if self.level > 0 else "APT" if self.level < 0 else "CALJWST",
            "instrument_name": self.instrument_name,
            "project": "JWST",
            "filters": self.filters or None,
            "wave_region": "INFRARED",
            "target_name": self.target.name,
            "target_classification": self.target.classification or None,
            "obs_id": self.obs_id,
            "s_ra": self.target.ra_deg,
            "s_dec": self.target.dec_deg,
            "dataproduct_type": self.dataproduct_type,
            "proposal_pi": self.program.pi,
            "calib_level": self.level,
            "t_min": self.t_min,
            "t_max": self.t_max,
            "t_exptime": self.exposure_s,
            "wavelength_region": "INFRARED",
            "em_min": low,
            "em_max": high,
            "obs_title": self.program.title,
            "t_obs_release": self.release,
            "proposal_id": self.program.number,
            "proposal_type": self.program.category,
            "sequence_number": None,
            "s_region": self.s_region,
            "jpegURL": PRODUCT_URI + preview if preview else None,
            "dataURL": PRODUCT_URI + data if data else None,
            "dataRights": "EXCLUSIVE_ACCESS" if self.is_exclusive else "PUBLIC",
            "mtFlag": "moving" in self.flags,
            "srcDen": None,
            "obsid": self.obsid,
            "objID": str(1_000_000_000 + zlib.crc32(b"plane " + self.obs_id.encode()) % 1_000_000_000),
            "wave_min": low,
            "wave_max": high,
        }


def read(text: str) -> list[Observation]:
    """Every observation of a catalogue table."""
    programs: dict[str, Program] = {}
    targets: dict[tuple[str, str], Target] = {}
    found: list[Observation] = []
    program = ""
    counts: dict[str, int] = {}
    for kind, parts in _lines(text):
        if kind == "P":
            program = parts[0]
            programs[program] = Program(*parts)
        elif kind == "T":
            name, position, classification, scene = parts
            ra, dec = (float(part) for part in position.split()) if position else (None, None)
            targets[program, name] = Target(name, ra, dec, classification, scene)
        else:
            counts[program] = counts.get(program, 0) + 1
            found.append(_observation(parts, programs[program], targets, counts[program]))
    return found


def with_members(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """The observations of one program with their exposures, counted through; a shared exposure keeps its number."""
    numbers: dict[str, int] = {}
    made = []
    for one in observations:
        parts = _members(one.members_text, one.program, one.obs_id)
        members = [Exposure(*part, numbers.setdefault(part[0], len(numbers) + 1)) for part in parts]
        made.append(replace(one, members=tuple(members)))
    return tuple(made)


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            kind, *parts = (part.strip() for part in line.split("|"))
            yield kind, parts


def _observation(
    parts: list[str], program: Program, targets: dict[tuple[str, str], Target], number: int
) -> Observation:
    tail, obsid, instrument_name, target, times, exposure, release, footprint, members, flags = parts
    start, end = (float(part) for part in times.split()) if times else (None, None)
    obs_id = f"{program.prefix}{'-' if tail[0] in 'oca' else ''}{tail}"
    return Observation(
        obs_id,
        obsid or str(1_000_000_000 + zlib.crc32(b"group " + obs_id.encode())),
        program,
        targets[program.number, target],
        instrument_name,
        start,
        end,
        float(exposure) if exposure else None,
        float(release) if release else None,
        footprint,
        members,
        number,
        frozenset(flags.split()),
    )


def _members(text: str, program: Program, obs_id: str) -> Iterator[tuple[str, str, int]]:
    """`001001_02105*8:swb` is observation 001, visit 001, activity 02105, eight dithers, four detectors each;
    `*1/3` is one exposure in three segments, detectors may be named one by one, `self` is the row itself."""
    if text == "self":
        yield obs_id, obs_id.rpartition("_")[2], 0
        return
    for one in text.split():
        where, _, names = one.partition(":")
        activity, _, count = where.partition("*")
        dithers, _, segments = count.partition("/")
        for dither in range(int(dithers)):
            for segment in [f"-seg{number + 1:03d}" for number in range(int(segments))] if segments else [""]:
                for detector in optics.DETECTORS.get(names) or names.split(","):
                    stem = f"{program.prefix}{activity}_{dither + 1:05d}{segment}"
                    yield f"{stem}_{detector}", detector, dither
