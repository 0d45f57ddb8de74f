"""A file's record as the contract shows it: the typed fields, and every field MAST sent."""

from __future__ import annotations

import math
from typing import Any

from mast import terms
from mast.models import DataFile, Observation


def image_info(file: DataFile) -> dict[str, Any]:
    """The typed fields. The observation's, except the calibration level and the WCS, which are the file's own."""
    return observation_info(file.observation) | {"calibrationLevel": file.calib_level, "wcs": file.wcs or None}


def observation_info(observation: Observation) -> dict[str, Any]:
    """The typed fields of an observation by itself."""
    return {
        "observationDate": _iso(observation.observed_at),
        "targetName": observation.target_name or None,
        "instrument": terms.split_instrument(observation.instrument_name)[0] or None,
        "filter": observation.filters or None,
        "exposureTime": observation.exposure_s,
        "calibrationLevel": observation.calib_level,
        "proposalId": observation.proposal_id or None,
        "proposalPi": observation.proposal_pi or None,
        "observationTitle": observation.obs_title or None,
        "wavelengthRange": observation.wavelength_region or None,
        "wcs": None,
    }


def _iso(moment: Any) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def metadata(file: DataFile) -> dict[str, Any]:
    """Every field MAST sent of the observation under `mast_`, and of the product under `mast_product_`."""
    return observation_metadata(file.observation) | _prefixed("mast_product_", file.raw)


def observation_metadata(observation: Observation) -> dict[str, Any]:
    """Every field MAST sent of the observation, under `mast_`."""
    return _prefixed("mast_", observation.raw)


def _prefixed(prefix: str, raw: dict[str, Any]) -> dict[str, Any]:
    # `_selected_` is a column of MAST's own web page.
    return {f"{prefix}{name}": _value(value) for name, value in raw.items() if name != "_selected_"}


def _value(value: Any) -> Any:
    """Null for what MAST masks: NaN, and the integer −999."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if value == -999 and not isinstance(value, bool) else value
