"""The columns of MAST's answers: order, type on the wire, and the configuration astroquery asks for before it searches.

Names and order are those of recorded JWST rows; types are those of the `fields` of recorded answers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

Row = dict[str, Any]
"""One row as MAST sends it: its own column names, JSON values, null for nothing."""

MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)

_OBSERVATION: Final = """
intentType string, obs_collection string, provenance_name string, instrument_name string, project string,
filters string, wave_region string, target_name string, target_classification string, obs_id string, s_ra float,
s_dec float, dataproduct_type string, proposal_pi string, calib_level int, t_min float, t_max float, t_exptime float,
wavelength_region string, em_min float, em_max float, obs_title string, t_obs_release float, proposal_id string,
proposal_type string, sequence_number int, s_region string, jpegURL string, dataURL string, dataRights string,
mtFlag boolean, srcDen float, obsid string, objID string, wave_min float, wave_max float
"""
_PRODUCT: Final = """
obsID string, obs_collection string, dataproduct_type string, obs_id string, description string, type string,
dataURI string, productType string, productGroupDescription string, productSubGroupDescription string,
productDocumentationURL string, project string, prvversion string, proposal_id string, productFilename string,
size int, parent_obsid string, dataRights string, calib_level int, filters string
"""


def _fields(text: str) -> dict[str, str]:
    return dict(pair.split() for pair in " ".join(text.split()).split(", "))


OBSERVATION: Final = _fields(_OBSERVATION)
FILTERED: Final = OBSERVATION
"""`Mast.Caom.Filtered`"""
POSITION: Final = OBSERVATION | {"objID1": "string", "distance": "float"}
"""`Mast.Caom.Filtered.Position`"""
CONE: Final = {name: kind for name, kind in OBSERVATION.items() if name != "objID"} | {"distance": "float"}
"""`Mast.Caom.Cone`: no `objID`, the distance last"""
PRODUCT: Final = _fields(_PRODUCT)
"""`Mast.Caom.Products`"""
SELECTED: Final = {"_selected_": "boolean"}
"""A column of the portal's own that some services send, always null."""

SEPARATED: Final = frozenset(
    {"obs_collection", "project", "filters", "wavelength_region", "wave_region", "target_classification"}
)
"""Columns whose value is a `;` list: a filter on them matches any member."""

_TEXTS: Final = {
    "intentType": "Observation Type",
    "obs_collection": "Mission",
    "instrument_name": "Instrument",
    "project": "Project",
    "filters": "Filters",
    "wavelength_region": "Waveband",
    "target_name": "Target Name",
    "target_classification": "Target Classification",
    "obs_id": "Observation ID",
    "s_ra": "RA",
    "s_dec": "Dec",
    "obs_title": "Observation Title",
    "proposal_pi": "Principal Investigator",
    "dataproduct_type": "Product Type",
    "calib_level": "Calibration Level",
    "t_min": "Start Time",
    "t_max": "End Time",
    "t_obs_release": "Release Date",
    "t_exptime": "Exposure Length",
    "em_min": "Min. Wavelength",
    "em_max": "Max. Wavelength",
    "objID": "Object ID",
    "s_region": "s_region",
    "jpegURL": "jpegURL",
    "distance": 'Distance (")',
    "obsid": "Product Group ID",
    "proposal_id": "Proposal ID",
    "dataRights": "Data Rights",
    "mtFlag": "Moving Target",
    "srcDen": "Number of Catalog Objects",
    "dataURL": "Data URL",
    "provenance_name": "Provenance Name",
    "sequence_number": "Sequence Number",
    "proposal_type": "Proposal Type",
    "wave_region": "Waveband (all)",
    "wave_min": "Min. Wavelength (all)",
    "wave_max": "Max. Wavelength (all)",
}
_UNITS: Final = {
    "s_ra": "deg",
    "s_dec": "deg",
    "t_min": "d",
    "t_max": "d",
    "t_exptime": "s",
    "em_min": "nm",
    "em_max": "nm",
    "wave_min": "nm",
    "wave_max": "nm",
    "distance": "arcsec",
}
_MJD: Final = frozenset({"t_min", "t_max", "t_obs_release"})
_LONG: Final = frozenset({"obsid", "objID", "objID1"})
_DATATYPES: Final = {"string": "char", "float": "double", "int": "int", "boolean": "boolean"}


def config(config_id: str) -> dict[str, Row]:
    """Column configuration of a service by its id, as `columnsconfig` answers it; empty for services without one."""
    fields = {
        "Mast.Caom.Cone": OBSERVATION | {"objID1": "string", "distance": "float"},
        "Mast.Caom.Products": PRODUCT,
    }.get(config_id)
    if fields is None:
        return {}
    return {name: _column(name, kind) for name, kind in (SELECTED | fields).items()}


def _column(name: str, kind: str) -> Row:
    if name in SELECTED:
        return {"text": "selected", "add": True, "type": "boolean", "hidden": True}
    column: Row = {"text": _TEXTS.get(name, name), "vot.name": name, "vot.ID": name}
    if name in {"dataRights", "mtFlag"}:  # these two carry `type` alone at MAST
        return {"text": _TEXTS[name], "type": kind}
    column["vot.datatype"] = "long" if name in _LONG else "float" if name == "distance" else _DATATYPES[kind]
    if kind == "string" and name not in _LONG:
        column["vot.arraysize"] = "*"
    if name in SEPARATED:
        column["separator"] = ";"
    if name in _UNITS:
        column["vot.unit"] = _UNITS[name]
    if name in _MJD:
        column |= {"unit": "MJD", "isMjd": True}
    if name == "objID1":
        column["remove"] = True
    return column
