"""The library as a table: its columns with units and UCDs, for CSV, ECSV and VOTable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mast.tables import Column

_IMAGE_INFO: Final = (
    Column("observationDate", "time", "", "time.start;obs.exposure", "UTC"),
    Column("targetName", "text", "", "meta.id;src"),
    Column("instrument", "text", "", "meta.id;instr"),
    Column("filter", "text", "", "meta.id;instr.filter"),
    Column("exposureTime", "float", "s", "time.duration;obs.exposure"),
    Column("proposalId", "text", "", "meta.id;obs.proposal"),
    Column("proposalPi", "text", "", "meta.id.PI;obs.proposal"),
    Column("observationTitle", "text", "", "meta.title;obs"),
    Column("wavelengthRange", "text", "", "em.wl"),
)
FILE_COLUMNS: Final = (
    Column("id", "int", "", "meta.record"),
    Column("fileName", "text", "", "meta.id;meta.file;meta.main"),
    Column("filePath", "text", "", "meta.id;meta.file", "below the archive's folder of files"),
    Column("fileSize", "int", "byte", "phys.size;meta.file"),
    Column("sha256", "text", "", "meta.checksum"),
    Column("dataType", "text", "", "meta.code.class"),
    Column("suffix", "text", "", "meta.code"),
    Column("isViewable", "bool", "", "meta.code"),
    Column("calibrationLevel", "int", "", "meta.calibLevel", "the file's own"),
    Column("productType", "text", "", "meta.code.class"),
    Column("obsId", "text", "", "meta.id;obs", "the observation that was imported"),
    Column("observationBaseId", "text", "", "meta.id;obs", "the product's own obs_id"),
    Column("dataUri", "text", "", "meta.ref.uri"),
    Column("source", "text", "", "meta.code"),
    Column("proof", "text", "", "meta.code.qual", "how the file was proven whole"),
    Column("state", "text", "", "meta.code.status"),
    Column("fetchedAt", "time", "", "time.creation", "UTC"),
    Column("verifiedAt", "time", "", "time.processing", "UTC"),
    Column("tags", "text", "", "meta.note"),
    Column("notes", "text", "", "meta.note"),
    *_IMAGE_INFO,
    Column("CRVAL1", "float", "deg", "pos.eq.ra"),
    Column("CRVAL2", "float", "deg", "pos.eq.dec"),
)
OBSERVATION_COLUMNS: Final = (
    Column("obsId", "text", "", "meta.id;obs;meta.main"),
    Column("obsid", "text", "", "meta.id", "MAST's product-group number"),
    Column("dataproductType", "text", "", "meta.code.class"),
    Column("calibrationLevel", "int", "", "meta.calibLevel", "the highest level the observation reached"),
    Column("dataRights", "text", "", "meta.code"),
    Column("ra", "float", "deg", "pos.eq.ra;meta.main", "ICRS"),
    Column("dec", "float", "deg", "pos.eq.dec;meta.main", "ICRS"),
    Column("footprint", "text", "", "pos.outline;obs.field", "STC-S"),
    Column("fileCount", "int", "", "meta.number"),
    Column("totalBytes", "int", "byte", "phys.size;meta.file"),
    Column("tags", "text", "", "meta.note"),
    Column("notes", "text", "", "meta.note"),
    Column("createdAt", "time", "", "time.creation", "UTC"),
    Column("refreshedAt", "time", "", "time.processing", "UTC"),
    *_IMAGE_INFO,
)


def cells(record: Mapping[str, Any], columns: tuple[Column, ...]) -> list[Any]:
    """A record's values in the order of the columns, the typed fields and the WCS among them."""
    flat = {**(record["imageInfo"].get("wcs") or {}), **record["imageInfo"], **record}
    return [flat.get(column.name) for column in columns]
