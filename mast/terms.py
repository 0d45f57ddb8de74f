"""The words of the field as code: calibration levels, file kinds by suffix, the file-name grammar, job states.

Pure: no Django, no sockets, no files. Sources: JWST user documentation (file naming, data products), the pipeline's
`lib/suffix.py`, and 65,000 recorded MAST rows, all of which a test runs through `parse_name`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NewType

Obsid = NewType("Obsid", str)
"""MAST's product-group number (`obsid` of an observation, `obsID` of a product); never an `obs_id`."""


class CalibLevel(IntEnum):
    """CAOM calibration level. Not the pipeline's stage: `rate` is Stage 1 but level 2."""

    PLANNED = -1
    RAW = 0
    UNCALIBRATED = 1
    CALIBRATED = 2
    SCIENCE = 3
    CONTRIBUTED = 4

    @property
    def label(self) -> str:
        return _LEVEL_LABELS[self]


_LEVEL_LABELS: Final = {
    CalibLevel.PLANNED: "planned",
    CalibLevel.RAW: "raw",
    CalibLevel.UNCALIBRATED: "uncalibrated",
    CalibLevel.CALIBRATED: "calibrated",
    CalibLevel.SCIENCE: "combined",
    CalibLevel.CONTRIBUTED: "contributed",
}
SEARCH_LEVELS: Final = (CalibLevel.SCIENCE,)
ALL_IMPORT_LEVELS: Final = (CalibLevel.UNCALIBRATED, CalibLevel.CALIBRATED, CalibLevel.SCIENCE)


class Rights(StrEnum):
    PUBLIC = "PUBLIC"
    EXCLUSIVE = "EXCLUSIVE_ACCESS"


class SourceChoice(StrEnum):
    """What a user asks for; `auto` is S3 where path lookup knows the file, HTTP for the rest."""

    AUTO = "auto"
    S3 = "s3"
    HTTP = "http"


class Source(StrEnum):
    """Where the bytes of a file came from; `existing` were on disk already."""

    S3 = "s3"
    HTTP = "http"
    EXISTING = "existing"


class Proof(StrEnum):
    """How a file was proven whole, weakest first."""

    LENGTH = "length"
    STRUCTURE = "structure"
    FITS_SUMS = "FITS sums"
    CHECKSUM = "independent checksum"


# --- jobs -------------------------------------------------------------------------------------------------------


class JobState(StrEnum):
    """Where a job, or one of its files, is. `error_code` says why it stopped.

    queued -> downloading -> verifying -> complete
                  |  ^           |
                  v  |           v
               waiting        failed          paused and cancelled from any live state;
                                              queued again from paused, failed, cancelled
    """

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    WAITING = "waiting"
    PAUSED = "paused"
    VERIFYING = "verifying"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({JobState.COMPLETE, JobState.FAILED, JobState.CANCELLED})
LIVE: Final = frozenset(JobState) - ENDED
"""Live jobs are those a second import with the same choices joins."""
ACTIVE: Final = frozenset({JobState.QUEUED, JobState.DOWNLOADING, JobState.WAITING, JobState.VERIFYING})
"""Work a worker may do or is doing; a paused job is live but not active."""
RUNNING: Final = frozenset({JobState.DOWNLOADING, JobState.VERIFYING})
CLAIMABLE: Final = frozenset({JobState.QUEUED, JobState.WAITING, JobState.DOWNLOADING, JobState.VERIFYING})
"""What a worker may claim, the running ones only once their lease ran out."""
RESUMABLE: Final = frozenset({JobState.PAUSED, JobState.FAILED, JobState.CANCELLED})

ENDED_BY_HAND: Final = frozenset({JobState.PAUSED, JobState.CANCELLED})

STAGES: Final = {
    JobState.QUEUED: "Starting",
    JobState.DOWNLOADING: "Downloading",
    JobState.WAITING: "Downloading",
    JobState.VERIFYING: "Verifying",
    JobState.PAUSED: "Paused",
    JobState.COMPLETE: "Complete",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}
SAVING_STAGE: Final = "Saving records"


# --- file kinds -------------------------------------------------------------------------------------------------


class Badge(StrEnum):
    """The badge a file wears, colour second to the word."""

    IMAGE = "image"
    TABLE = "table"
    PREVIEW = "preview"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True)
class Suffix:
    """One kind of product. `levels` are the CAOM levels it is archived at, the first the usual one."""

    name: str
    badge: Badge
    levels: tuple[int, ...]
    meaning: str


def _suffixes(badge: Badge, rows: str) -> dict[str, Suffix]:
    table = {}
    for line in rows.strip().splitlines():
        names, levels, meaning = (part.strip() for part in line.split("|"))
        for name in names.split():
            table[name] = Suffix(name, badge, tuple(int(level) for level in levels.split()), meaning)
    return table


SUFFIXES: Final[dict[str, Suffix]] = _suffixes(
    Badge.IMAGE,
    """
    uncal             | 1   | uncalibrated raw data, 4-D
    ramp              | 2   | corrected ramps, 4-D
    dark              | 2   | dark current exposure
    trapsfilled       | 2   | charge traps filled at the end of an exposure
    rate              | 2   | count rate image
    rateints          | 2   | count rate per integration
    fitopt            | 2   | optional results of the ramp fit
    bsub bsubints mbsub | 2 | background-subtracted exposure
    cal               | 2   | calibrated exposure
    calints           | 2   | calibrated exposure, per integration
    flat              | 2   | interpolated flat field
    crf crfints       | 2   | calibrated exposure with outliers flagged
    i2d               | 3 2 | resampled, combined image
    s2d               | 3 2 | resampled 2-D spectrum
    s3d               | 3 2 | spectral cube
    segm              | 3   | segmentation map of detected sources
    psfstack psfalign | 3   | reference PSFs, stacked or aligned
    psfsub            | 3   | PSF-subtracted exposure
    amilg             | 3   | fringe model and residual images
    wfscmb            | 3   | combined wavefront-sensing image
    blot median snr   | 3   | intermediate product of outlier detection
    cal-image original pre-image stacked image | 2 | guide-star or preparatory image
    """,
) | _suffixes(
    Badge.TABLE,
    """
    x1d               | 3 2 | extracted 1-D spectrum
    x1dints           | 2 3 | extracted 1-D spectra, per integration
    c1d               | 3   | combined 1-D spectrum
    cat               | 3   | source catalogue
    phot              | 3   | photometric light curve
    whtlt             | 3   | white-light curve
    ami ami-oi amiavg amimulti-oi aminorm aminorm-oi psf-ami-oi psf-amiavg psf-amimulti-oi | 3 | interferometric observables
    stream            | 1   | guide-star centroid stream
    msa               | 2 1 | micro-shutter configuration
    asn               | 3 2 | association: which exposures make a product
    pool              | 3 2 | association pool
    """,
)


@dataclass(frozen=True, slots=True)
class ProductName:
    """What a JWST file name says. Parts that its form does not have are None."""

    form: str
    """`exposure`, `stage3`, `association`, `pool`, `msa` or `guidestar`"""
    program: str
    root: str
    """the name without `_<suffix>.<ext>`: what a file and its previews share"""
    suffix: str
    extension: str
    obs: str | None = None
    visit: str | None = None
    exposure: str | None = None
    segment: str | None = None
    detector: str | None = None
    candidate: str | None = None
    target: str | None = None
    instrument: str | None = None
    optics: str | None = None
    is_thumbnail: bool = False

    @property
    def is_preview(self) -> bool:
        return self.extension in {"jpg", "jpeg", "png"}


_CAND = r"(?:o\d{3}|[ac]\d{4}|r\d{4})"
_SUF = r"[a-z0-9]+(?:-oi)?"
_EXT = r"fits(?:\.gz)?|jpe?g|png|ecsv|json|csv|asdf"
_FORMS: Final = {
    "guidestar": rf"jw(?P<program>\d{{5}})(?P<obs>\d{{3}})(?P<visit>\d{{3}})_gs-(?P<kind>id|acq1|acq2|track|fg)_(?P<stamp>\d+)"
    rf"(?:_(?P<image>image|stacked))?(?:-seg(?P<segment>\d{{3}}))?[_-](?P<suffix>uncal|cal|stream)(?P<thumb>_thumb)?\.(?P<extension>{_EXT})",
    "association": rf"jw(?P<program>\d{{5}})-(?P<candidate>{_CAND})_(?P<stamp>\d{{8}}t\d{{6}})_(?P<atype>[a-z0-9\-]+)_(?P<number>\d{{3,5}})_(?P<suffix>asn)\.(?P<extension>{_EXT})",
    "pool": rf"jw(?P<program>\d{{5}})_(?P<stamp>\d{{8}}t\d{{6}})_(?P<suffix>pool)\.(?P<extension>{_EXT})",
    "msa": rf"jw(?P<program>\d{{5}})(?P<obs>\d{{3}})(?P<visit>\d{{3}})_(?P<configuration>\d{{2}})_(?P<suffix>msa)\.(?P<extension>{_EXT})",
    "exposure": rf"jw(?P<program>\d{{5}})(?P<obs>\d{{3}})(?P<visit>\d{{3}})_(?P<group>\d{{2}})(?P<sequence>\d)(?P<activity>[0-9a-z]{{2}})_(?P<exposure>\d{{5}})"
    rf"(?:-seg(?P<segment>\d{{3}}))?_(?P<detector>[a-z0-9]+)(?:_(?P<candidate>{_CAND}))?_(?P<suffix>{_SUF})(?P<thumb>_thumb)?\.(?P<extension>{_EXT})",
    "stage3": rf"jw(?P<program>\d{{5}})-(?P<candidate>{_CAND})_(?P<target>t\d{{3}}(?:-[sbv]\d{{5,9}})?|[sbv]\d{{5,9}})(?:-epoch(?P<epoch>[0-9a-z]+))?"
    rf"_(?P<instrument>nircam|niriss|nirspec|miri|fgs)(?:_(?P<optics>[a-z0-9_\-]+?))?_(?P<suffix>{_SUF})(?:-(?P<activity>[0-9a-z]{{2}}))?(?P<thumb>_thumb)?\.(?P<extension>{_EXT})",
}
_PATTERNS: Final = {form: re.compile(pattern) for form, pattern in _FORMS.items()}
_FIELDS: Final = frozenset(ProductName.__slots__) - {"form", "root", "is_thumbnail"}


def parse_name(file_name: str) -> ProductName | None:
    """Read a JWST file name by its grammar, or None when it follows none of its forms."""
    for form, pattern in _PATTERNS.items():
        match = pattern.fullmatch(file_name)
        if match:
            parts = match.groupdict()
            root = file_name[: match.start("suffix") - 1]
            known = {key: value for key, value in parts.items() if key in _FIELDS}
            return ProductName(form=form, root=root, is_thumbnail=bool(parts.get("thumb")), **known)
    return None


_EXTENSIONS: Final = (".fits", ".fits.gz", ".json", ".ecsv", ".csv", ".asdf")
_PICTURES: Final = (".jpg", ".jpeg", ".png")


def suffix_of(file_name: str) -> str:
    """The product suffix, `i2d` of `…_i2d.fits`; empty when the name has none."""
    parsed = parse_name(file_name)
    if parsed:
        return parsed.suffix
    # Parsed from the right: optical elements may hold underscores of their own.
    stem = file_name.lower()
    for extension in (*_EXTENSIONS, *_PICTURES):
        if stem.endswith(extension):
            stem = stem.removesuffix(extension).removesuffix("_thumb")
            return stem.rpartition("_")[2] if "_" in stem else ""
    return ""


def badge_of(file_name: str) -> Badge:
    """The badge by name alone. Whether a file can be viewed is decided by its inspection, not by this."""
    if file_name.lower().endswith(_PICTURES):
        return Badge.PREVIEW
    known = SUFFIXES.get(suffix_of(file_name))
    return known.badge if known else Badge.UNCLASSIFIED


SAFE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def is_safe_name(name: str) -> bool:
    """Whether a name from outside may become a file or directory name as it is."""
    return SAFE_NAME.fullmatch(name) is not None


def program_of(program: str | int) -> str:
    """`2733`, `02733` and `jw02733` as MAST writes it: `2733`."""
    digits = str(program).strip().lower().removeprefix("jw").lstrip("0")
    return digits if digits.isdigit() else str(program).strip()


def split_instrument(instrument_name: str) -> tuple[str, str]:
    """`NIRCAM/IMAGE` as instrument and mode."""
    instrument, _, mode = instrument_name.partition("/")
    return instrument, mode


def filters_of(filters: str | None) -> list[str]:
    """`F444W;CLEAR` as a list without the clear positions."""
    return [part for part in re.split(r"[;,]\s*", filters or "") if part and part.upper() not in {"CLEAR", "CLEARP"}]
