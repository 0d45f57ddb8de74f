"""MAST's JSON as typed rows, each with the JSON it came from.

An answer is read once: `read_envelope` cuts it into rows without building them, and each row is then decoded straight
into its type. What MAST sends for "nothing" (null, NaN, the integer mask −999) becomes None for numbers and "" for
text. A row whose types are not those of its columns is read again leniently, value by value, so that one odd row costs
nobody the other 19,999.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec

from mast import errors, terms
from mast.archive import values
from mast.archive.envelope import Body, Envelope, Paging, check_complete, read_envelope

if TYPE_CHECKING:
    Text: TypeAlias = str
    Real: TypeAlias = float | None
    Whole: TypeAlias = int | None
else:
    # On the wire text may be null and, in older records, a bare number; `__post_init__` settles both.
    Text = str | int | float | None
    Real = float | None
    Whole = int | None

_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_LEVELS = (int(terms.CalibLevel.PLANNED), int(terms.CalibLevel.CONTRIBUTED))
_NO_JSON = msgspec.Raw(b"{}")


class Row(msgspec.Struct, gc=False):
    """What observation and product rows share: the JSON as MAST sent it, and typed columns beside it."""

    raw_json: msgspec.Raw = msgspec.field(default=_NO_JSON, name=" as sent")

    texts: ClassVar[tuple[str, ...]] = ()
    reals: ClassVar[tuple[str, ...]] = ()
    wholes: ClassVar[dict[str, tuple[int, int]]] = {}
    """names of whole-number columns with the range their values may have"""

    def __post_init__(self) -> None:
        for name in self.texts:
            value = getattr(self, name)
            if value.__class__ is not str:
                setattr(self, name, values.text(value))
        for name in self.reals:
            value = getattr(self, name)
            if value is not None and (value == values.MASKED or not isfinite(value)):
                setattr(self, name, None)
        for name, (least, most) in self.wholes.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                setattr(self, name, None)

    @property
    def raw(self) -> bytes:
        """The row's JSON object exactly as it came."""
        return bytes(self.raw_json)

    def raw_dict(self) -> dict[str, Any]:
        """Every field MAST sent, under MAST's own names."""
        fields: dict[str, Any] = msgspec.json.decode(self.raw_json)
        # A column of MAST's own web page, not of the observation.
        fields.pop("_selected_", None)
        return fields

    def to_dict(self) -> dict[str, Any]:
        """The row for an answer: MAST's own names and values, null where a number is masked."""
        return {key: None if value == values.MASKED else value for key, value in self.raw_dict().items()}


class ObservationRow(
    Row,
    gc=False,
    rename={
        "exposure_s": "t_exptime",
        "t_min_mjd": "t_min",
        "t_max_mjd": "t_max",
        "t_obs_release_mjd": "t_obs_release",
        "s_ra_deg": "s_ra",
        "s_dec_deg": "s_dec",
        "data_rights": "dataRights",
        "preview_uri": "jpegURL",
        "data_uri": "dataURL",
        "distance_arcsec": "distance",
    },
):
    """One CAOM observation. `calib_level` is the highest level it reached, not that of every file it holds."""

    obs_id: Text = ""
    obsid: Text = ""
    calib_level: Whole = None
    dataproduct_type: Text = ""
    target_name: Text = ""
    instrument_name: Text = ""
    filters: Text = ""
    exposure_s: Real = None
    t_min_mjd: Real = None
    t_max_mjd: Real = None
    t_obs_release_mjd: Real = None
    proposal_id: Text = ""
    proposal_pi: Text = ""
    obs_title: Text = ""
    wavelength_region: Text = ""
    s_ra_deg: Real = None
    s_dec_deg: Real = None
    s_region: Text = ""
    data_rights: Text = ""
    preview_uri: Text = ""
    data_uri: Text = ""
    distance_arcsec: Real = None

    texts: ClassVar[tuple[str, ...]] = (
        "obs_id",
        "obsid",
        "dataproduct_type",
        "target_name",
        "instrument_name",
        "filters",
        "proposal_id",
        "proposal_pi",
        "obs_title",
        "wavelength_region",
        "s_region",
        "data_rights",
        "preview_uri",
        "data_uri",
    )
    reals: ClassVar[tuple[str, ...]] = (
        "exposure_s",
        "t_min_mjd",
        "t_max_mjd",
        "t_obs_release_mjd",
        "s_ra_deg",
        "s_dec_deg",
        "distance_arcsec",
    )
    wholes: ClassVar[dict[str, tuple[int, int]]] = {"calib_level": _LEVELS}

    @property
    def observed_at(self) -> datetime | None:
        """When it was taken, UTC: the start, else the end, else the release."""
        for mjd in (self.t_min_mjd, self.t_max_mjd, self.t_obs_release_mjd):
            moment = mjd_to_datetime(mjd)
            if moment:
                return moment
        return None

    @property
    def released_at(self) -> datetime | None:
        """When it becomes, or became, public (UTC); None when MAST has no date."""
        return mjd_to_datetime(self.t_obs_release_mjd)


class ProductRow(
    Row,
    gc=False,
    rename={
        "obsid": "obsID",
        "data_uri": "dataURI",
        "file_name": "productFilename",
        "size_bytes": "size",
        "product_type": "productType",
        "sub_group": "productSubGroupDescription",
        "group": "productGroupDescription",
        "kind": "type",
        "data_rights": "dataRights",
    },
):
    """One file MAST offers. `obs_id` and `calib_level` are the file's own, `parent_obsid` what was asked for."""

    obsid: Text = ""
    obs_id: Text = ""
    data_uri: Text = ""
    file_name: Text = ""
    size_bytes: Whole = None
    calib_level: Whole = None
    product_type: Text = ""
    sub_group: Text = ""
    group: Text = ""
    kind: Text = ""
    description: Text = ""
    data_rights: Text = ""
    parent_obsid: Text = ""
    dataproduct_type: Text = ""
    filters: Text = ""
    proposal_id: Text = ""
    prvversion: Text = ""

    texts: ClassVar[tuple[str, ...]] = (
        "obsid",
        "obs_id",
        "data_uri",
        "file_name",
        "product_type",
        "sub_group",
        "group",
        "kind",
        "description",
        "data_rights",
        "parent_obsid",
        "dataproduct_type",
        "filters",
        "proposal_id",
        "prvversion",
    )
    wholes: ClassVar[dict[str, tuple[int, int]]] = {"size_bytes": (0, values.LARGEST_INTEGER), "calib_level": _LEVELS}

    @property
    def is_own(self) -> bool:
        """Whether the file belongs to the observation asked for, not to one of its members."""
        return self.obsid == self.parent_obsid


R = TypeVar("R", ObservationRow, ProductRow)


@dataclass(frozen=True)
class Page(Generic[R]):
    """The rows of one page and what the answer says of the rest."""

    rows: list[R]
    page: int
    pages: int
    total: int


def mjd_to_datetime(mjd: float | None) -> datetime | None:
    """A modified Julian date (days, UTC) as a moment; None for none and for one no calendar has."""
    if mjd is None or not isfinite(mjd):
        return None
    try:
        return _MJD_EPOCH + timedelta(days=mjd)
    except OverflowError:
        return None


def mjd_of(moment: datetime) -> float:
    """A moment as a modified Julian date (days, UTC)."""
    return (moment - _MJD_EPOCH) / timedelta(days=1)


# --- decoding ---------------------------------------------------------------------------------------------------


def decode_observations(body: Body) -> Page[ObservationRow]:
    """A complete answer of the CAOM services as observation rows."""
    return page_of(read_envelope(body), ObservationRow)


def decode_products(body: Body) -> Page[ProductRow]:
    """A complete answer of `Mast.Caom.Products` as product rows."""
    return page_of(read_envelope(body), ProductRow)


def page_of(envelope: Envelope, kind: type[R]) -> Page[R]:
    """The rows of an answer that says it is complete.

    Raises
    ------
    ArchiveRefused : when MAST answered with an error of its own
    MalformedReply : when it is neither complete nor an error, or a row is not an object
    """
    check_complete(envelope)
    found = list(decode_rows(envelope.data or (), kind))
    paging = envelope.paging or Paging()
    return Page(found, paging.page or 1, paging.pages or 1, paging.total or len(found))


def decode_rows(cuts: Iterable[msgspec.Raw], kind: type[R]) -> Iterator[R]:
    """Each row's JSON as a typed row that keeps it."""
    decode = _DECODERS[kind].decode
    for number, cut in enumerate(cuts, start=1):
        try:
            row = decode(cut)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            row = _decode_odd(cut, kind, number)
        else:
            row.raw_json = cut
        yield row


_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    # Not strict: numbers that come as text are read as well.
    kind: msgspec.json.Decoder(kind, strict=False)
    for kind in (ObservationRow, ProductRow)
}


# --- odd rows, value by value -----------------------------------------------------------------------------------


def _decode_odd(cut: msgspec.Raw, kind: type[R], number: int) -> R:
    try:
        fields = values.clean(json.loads(bytes(cut).decode("utf-8", "replace")))
    except (ValueError, RecursionError) as exc:
        raise errors.MalformedReply(f"Row {number} of MAST's answer cannot be read. Try again later.") from exc
    if not isinstance(fields, dict):
        raise errors.MalformedReply(f"Row {number} of MAST's answer is not a set of columns. Try again later.")
    row = kind(**{name: _coerced(kind, name, fields.get(column)) for name, column in _columns(kind)})
    row.raw_json = msgspec.Raw(msgspec.json.encode(fields))
    return row


def _columns(kind: type[Row]) -> list[tuple[str, str]]:
    return [(column.name, column.encode_name) for column in msgspec.structs.fields(kind) if column.name != "raw_json"]


def _coerced(kind: type[Row], name: str, value: Any) -> Any:
    if name in kind.texts:
        return values.text(value)
    return values.whole(value, kind.wholes[name]) if name in kind.wholes else values.real(value)
