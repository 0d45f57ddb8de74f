"""Cards of primary headers: what the pipeline writes, filled from a file's subject."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from mast.practice.columns import MJD_EPOCH
from mast.practice.fits_writer import Card
from mast.practice.subject import Subject

CAL_VER: Final = "1.17.1"
CRDS_CTX: Final = "jwst_1322.pmap"
_MODELS: Final = {
    "uncal": "Level1bModel",
    "ramp": "RampModel",
    "rateints": "CubeModel",
    "calints": "CubeModel",
    "crfints": "CubeModel",
    "s2d": "SlitModel",
    "s3d": "IFUCubeModel",
    "x1d": "MultiSpecModel",
    "x1dints": "TSOMultiSpecModel",
    "c1d": "MultiCombinedSpecModel",
    "segm": "SegmentationMapModel",
    "amilg": "AmiLgFitModel",
    "psfstack": "CubeModel",
}
_EXPOSURE_TYPES: Final = {
    ("nircam", "IMAGE"): "NRC_IMAGE",
    ("nircam", "CORON"): "NRC_CORON",
    ("nircam", "WFSS"): "NRC_WFSS",
    ("nircam", "GRISM"): "NRC_TSGRISM",
    ("miri", "IMAGE"): "MIR_IMAGE",
    ("miri", "IFU"): "MIR_MRS",
    ("miri", "SLIT"): "MIR_LRS-FIXEDSLIT",
    ("miri", "SLITLESS"): "MIR_LRS-SLITLESS",
    ("miri", "CORON"): "MIR_4QPM",
    ("niriss", "IMAGE"): "NIS_IMAGE",
    ("niriss", "WFSS"): "NIS_WFSS",
    ("niriss", "SOSS"): "NIS_SOSS",
    ("niriss", "AMI"): "NIS_AMI",
    ("nirspec", "MSA"): "NRS_MSASPEC",
    ("nirspec", "IFU"): "NRS_IFU",
    ("nirspec", "SLIT"): "NRS_FIXEDSLIT",
    ("nirspec", "BOTS"): "NRS_BRIGHTOBJ",
}


def utc(mjd: float) -> datetime:
    return MJD_EPOCH + timedelta(days=mjd)


def times(subject: Subject) -> tuple[float, float, float]:
    """Start and end (MJD) and exposure (s) of what the file holds."""
    start = float(subject.row["t_min"] or subject.row["t_obs_release"] or 59_800.0)
    end = float(subject.row["t_max"] or start)
    exposure = float(subject.row["t_exptime"] or 0.0)
    if subject.is_exposure:
        step = (end - start) / 8
        start += step * (subject.dither % 8)
        return start, start + step, exposure / 8
    return start, end, exposure


def primary(subject: Subject) -> list[Card]:
    """Cards of the primary header: whose data, of what, with which instrument, by which pipeline."""
    return [
        *_file(subject),
        *_program(subject),
        *_observation(subject),
        *_target(subject),
        *_instrument(subject),
        *_exposure(subject),
        *_pipeline(subject),
    ]


def _file(subject: Subject) -> list[Card]:
    made = utc(float(subject.row["t_obs_release"] or times(subject)[1]) + 200)
    return [
        ("DATE", made.strftime("%Y-%m-%dT%H:%M:%S.000"), "UTC date file created"),
        ("ORIGIN", "STSCI", "Organization responsible for creating file"),
        ("TIMESYS", "UTC", "principal time system for time-related keywords"),
        ("TIMEUNIT", "s", "Default unit applicable to all time values"),
        ("FILENAME", subject.file_name, "Name of the file"),
        ("SDP_VER", "2025_2", "Data processing software version number"),
        ("PRD_VER", "PRDOPSSOC-070", "S&OC PRD version number"),
        ("CAL_VER", CAL_VER, "Calibration software version number"),
        ("CAL_VCS", "RELEASE", "Calibration software version control"),
        ("DATAMODL", _MODELS.get(subject.suffix, "ImageModel"), "Type of data model"),
        ("TELESCOP", "JWST", "Telescope used to acquire the data"),
        ("PRACTICE", True, "Made by the practice archive, not observed"),
    ]


def _program(subject: Subject) -> list[Card]:
    return [
        ("", None, "Program information"),
        ("TITLE", str(subject.row["obs_title"] or ""), "Proposal title"),
        ("PI_NAME", str(subject.row["proposal_pi"] or ""), "Principal investigator name"),
        ("CATEGORY", str(subject.row["proposal_type"] or "GO"), "Program category"),
    ]


def _observation(subject: Subject) -> list[Card]:
    start, end, _ = times(subject)
    beginning, ending = utc(start), utc(end)
    return [
        ("", None, "Observation identifiers"),
        ("DATE-OBS", beginning.strftime("%Y-%m-%d"), "[yyyy-mm-dd] UTC date at start of exposure"),
        ("TIME-OBS", beginning.strftime("%H:%M:%S.%f"), "[hh:mm:ss.sss] UTC time at start of exposure"),
        ("DATE-BEG", beginning.isoformat()[:23], "Date-time start of exposure"),
        ("DATE-END", ending.isoformat()[:23], "Date-time end of exposure"),
        ("PROGRAM", f"{int(subject.program):05d}", "Program number"),
        ("OBSERVTN", _digits(subject, 7, 10), "Observation number"),
        ("VISIT", _digits(subject, 10, 13), "Visit number"),
        ("ACT_ID", "02", "Activity identifier"),
        ("EXPOSURE", str(subject.dither + 1), "Exposure request number"),
        ("TSOVISIT", subject.is_time_series, "Time Series Observation visit indicator"),
        *_segment(subject),
    ]


def _digits(subject: Subject, start: int, end: int) -> str:
    return subject.file_name[start:end] if subject.is_exposure else subject.file_name.partition("-o")[2][:3] or "001"


def _segment(subject: Subject) -> list[Card]:
    if not subject.segment:
        return []
    first = (subject.segment - 1) * 12 + 1
    return [
        ("EXSEGNUM", subject.segment, "Sequential segment number"),
        ("EXSEGTOT", 3, "Total number of segments"),
        ("INTSTART", first, "Starting integration number in segment"),
        ("INTEND", first + 11, "Ending integration number in segment"),
    ]


def _target(subject: Subject) -> list[Card]:
    ra, dec = subject.pointing
    name = str(subject.row["target_name"] or "UNKNOWN")
    return [
        ("", None, "Target information"),
        ("TARGPROP", name, "Proposer's name for the target"),
        ("TARGNAME", name.replace("-", " "), "Standard astronomical catalog name for target"),
        ("TARGTYPE", "MOVING" if subject.row["mtFlag"] else "FIXED", "Type of target (fixed, moving, generic)"),
        ("TARG_RA", ra, "Target RA at mid time of exposure"),
        ("TARG_DEC", dec, "Target Dec at mid time of exposure"),
        ("TARGURA", 0.1, "Target RA uncertainty"),
        ("TARGUDEC", 0.1, "Target Dec uncertainty"),
    ]


def _instrument(subject: Subject) -> list[Card]:
    cards: list[Card] = [
        ("", None, "Instrument configuration information"),
        ("INSTRUME", subject.instrument.upper(), "Instrument used to acquire the data"),
        ("DETECTOR", (subject.detector or "MULTIPLE").upper(), "Name of detector used to acquire the data"),
    ]
    if subject.instrument == "nircam":
        module = subject.detector[3:4].upper() or "MULTIPLE"
        channel = "LONG" if subject.band_um > 2.4 else "SHORT"
        cards += [("MODULE", module, "NIRCam module: A, B, or MULTIPLE"), ("CHANNEL", channel, "Instrument channel")]
    if subject.instrument == "miri" and subject.mode == "IFU":
        cards += [
            ("CHANNEL", "12" if subject.detector.endswith("short") else "34", "MIRI MRS channel"),
            ("BAND", "SHORT", "MRS band"),
        ]
    return cards + _elements(subject)


def _elements(subject: Subject) -> list[Card]:
    elements = subject.elements or ["CLEAR"]
    if subject.instrument == "nirspec":
        filters = [part for part in elements if part.startswith("F") or part == "CLEAR"] or ["CLEAR"]
        grating = next((part for part in elements if part not in filters), "PRISM")
        return [("FILTER", filters[0], "Name of the filter element used"), ("GRATING", grating, "Name of grating used")]
    cards: list[Card] = [("FILTER", elements[0], "Name of the filter element used")]
    if subject.instrument in {"nircam", "niriss"}:
        cards.append(("PUPIL", elements[1] if len(elements) > 1 else "CLEAR", "Name of the pupil element used"))
    return cards


def _exposure(subject: Subject) -> list[Card]:
    start, end, exposure = times(subject)
    kind = _EXPOSURE_TYPES.get((subject.instrument, subject.mode), "FGS_IMAGE")
    return [
        ("", None, "Exposure parameters"),
        ("EXP_TYPE", kind, "Type of data in the exposure"),
        ("EXPSTART", start, "[d] exposure start time in MJD"),
        ("EXPMID", (start + end) / 2, "[d] exposure mid time in MJD"),
        ("EXPEND", end, "[d] exposure end time in MJD"),
        ("READPATT", "SHALLOW4", "Readout pattern"),
        ("NINTS", 12 if subject.is_time_series else 1, "Number of integrations in exposure"),
        ("NGROUPS", 4, "Number of groups in integration"),
        ("EFFEXPTM", exposure, "[s] Effective exposure time"),
        ("DURATION", exposure, "[s] Total duration of exposure"),
        ("SUBARRAY", "FULL", "Subarray used"),
        ("NUMDTHPT", 8, "Total number of points in pattern"),
        ("PATT_NUM", subject.dither + 1, "Position number within dither pattern"),
    ]


_STEPS: Final = (
    "GRPSCL",
    "DQINIT",
    "SATURA",
    "SUPERB",
    "REFPIX",
    "LINEAR",
    "DARK",
    "JUMP",
    "RAMP",
    "GANSCL",
    "WCS",
    "FLAT",
    "PHOTOM",
    "RESAMP",
)


def _pipeline(subject: Subject) -> list[Card]:
    done = {"uncal": 0, "rate": 10, "rateints": 10, "cal": 13, "calints": 13, "crf": 13}.get(
        subject.suffix, len(_STEPS)
    )
    return [
        ("", None, "Calibration step information"),
        *((f"S_{step}", "COMPLETE" if index < done else "SKIPPED", "") for index, step in enumerate(_STEPS)),
        ("", None, "CRDS parameters"),
        ("CRDS_VER", "12.1.0", "Version of CRDS file selection software used"),
        ("CRDS_CTX", CRDS_CTX, "CRDS context (.pmap) used to select ref files"),
    ]
