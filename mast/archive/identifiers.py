"""Every form in which people give an observation: its id, part of it, or the name of one of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from mast import terms

_DETECTORS: Final = {
    "nrc": "NIRCAM",
    "mir": "MIRI",
    "nrs": "NIRSPEC",
    "nis": "NIRISS",
    "gui": "FGS",
}
_EXPOSURE: Final = re.compile(
    r"(?P<visit>jw(?P<program>\d{5})(?P<obs>\d{3})\d{3})_(?P<group>\d{5}|\d{3}[0-9a-z]{2})_(?P<number>\d{5})"
    r"(?P<segment>-seg\d{3})?(?:_(?P<detector>[a-z0-9]+))?(?:_(?P<candidate>(?:o\d{3}|[acr]\d{4})))?"
)
_VISIT: Final = re.compile(r"jw(?P<program>\d{5})(?P<obs>\d{3})(?:\d{3})?")
_PROGRAM: Final = re.compile(r"(?:jw)?(?P<program>\d{1,5})")
_CANDIDATE: Final = re.compile(r"jw(?P<program>\d{5})-(?:o\d{3}|[acr]\d{4})")


@dataclass(frozen=True)
class Wanted:
    """How to ask MAST for what somebody wrote.

    Parameters
    ----------
    pattern : an obs_id, or one with `*`; empty when only the program says anything
    program : without leading zeros; empty when unknown
    exposure : the id of a single exposure, which has no row of its own once an observation combines it
    read_as : what the text was taken for, for the answer; empty when it was an id as it stands
    """

    pattern: str
    program: str = ""
    exposure: str = ""
    obs: str = ""
    instrument: str = ""
    read_as: str = ""


def read_identifier(text: str) -> Wanted:
    """An observation id of any form, an exposure id, a file name, a `mast:` URI, with `*` or cut short."""
    name = text.strip().lower().rpartition("/")[2]
    parsed = terms.parse_name(name)
    if parsed:
        return _from_file(name, parsed)
    root, suffix = _without_suffix(name)
    wanted = _from_id(root)
    if suffix and not wanted.read_as:
        return replace(wanted, read_as=f"a file of {wanted.pattern}")
    return wanted


def _from_file(name: str, parsed: terms.ProductName) -> Wanted:
    program = terms.program_of(parsed.program)
    if parsed.form == "stage3":
        return Wanted(parsed.root, program, read_as=f"a file of {parsed.root}")
    if parsed.form == "exposure":
        return _from_id(parsed.root, read_as=f"a file of an exposure of program {program}")
    if parsed.form == "association":
        start = f"jw{parsed.program}-{parsed.candidate}"
        return Wanted(f"{start}_*", program, read_as=f"an association of {start}")
    if parsed.form == "pool":
        return Wanted("", program, read_as=f"the association pool of program {program}")
    visit = f"jw{parsed.program}{parsed.obs}{parsed.visit}"
    kind = "the shutter configuration" if parsed.form == "msa" else "guide-star data"
    return Wanted(f"{visit}*", program, exposure=visit, obs=parsed.obs or "", read_as=f"{kind} of visit {visit}")


def _from_id(root: str, *, read_as: str = "") -> Wanted:
    if "*" in root:
        found = re.match(r"jw(\d{5})", root)
        return Wanted(root, terms.program_of(found[1]) if found else "", read_as=read_as)
    exposure = _EXPOSURE.fullmatch(root)
    if exposure:
        return _exposure(exposure, read_as)
    visit = _VISIT.fullmatch(root)
    if visit:
        read_as = read_as or f"everything that begins with {root}"
        return Wanted(f"{root}*", terms.program_of(visit["program"]), exposure=root, obs=visit["obs"], read_as=read_as)
    program = _PROGRAM.fullmatch(root)
    if program:
        number = terms.program_of(program["program"])
        return Wanted("", number, read_as=f"program {number}")
    candidate = _CANDIDATE.fullmatch(root)
    if candidate:
        return Wanted(f"{root}_*", terms.program_of(candidate["program"]), read_as=f"everything of {root}")
    known = re.match(r"jw(\d{5})", root)
    return Wanted(root, terms.program_of(known[1]) if known else "", read_as=read_as)


def _exposure(match: re.Match[str], read_as: str) -> Wanted:
    detector = match["detector"] or ""
    start = f"{match['visit']}_{match['group']}_{match['number']}"
    exposure = f"{start}{match['segment'] or ''}" + (f"_{detector}" if detector else "")
    # Segments of one exposure are one thing to people; without a detector every one of them is meant.
    pattern = exposure if detector else f"{exposure}*"
    return Wanted(
        pattern,
        terms.program_of(match["program"]),
        exposure=exposure,
        obs=match["obs"],
        instrument=_DETECTORS.get(detector[:3], ""),
        read_as=read_as,
    )


def _without_suffix(name: str) -> tuple[str, str]:
    """An id with a product suffix but no extension: `jw…_i2d` as `jw…` and `i2d`."""
    stem = re.sub(r"\.(?:fits(?:\.gz)?|jpe?g|png|ecsv|json|csv|asdf)$", "", name).removesuffix("_thumb")
    root, joint, suffix = stem.rpartition("_")
    # Only real suffixes: the last part of `jw02733-o002_t001_miri_f770w` is a filter.
    return (root, suffix) if joint and suffix in terms.SUFFIXES else (stem, "")
