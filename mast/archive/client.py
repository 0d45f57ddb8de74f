"""Conversations with MAST: observations, products, names, and where files lie on S3.

The only importer of astroquery, and lazily: it costs 1.5 s and 80 MB. astroquery knows MAST's columns, filters and
request format; what it does on the wire is replaced here, and its tables are never built (22 s for 50,000 rows).
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mast import errors
from mast.archive.deadline import Deadline
from mast.archive.envelope import Envelope, Paging, check_complete, read_envelope
from mast.archive.rows import ObservationRow, ProductRow, R, decode_rows

if TYPE_CHECKING:
    from mast.archive.wire import Wire

COLUMNS_SERVICE: Final = "Mast.Caom.Cone"
FILTERED: Final = "Mast.Caom.Filtered"
POSITION: Final = "Mast.Caom.Filtered.Position"
PRODUCTS: Final = "Mast.Caom.Products"
MOST_ROWS: Final = 500_000
"""MAST itself breaks near this many rows."""
_POLL_FIRST_S: Final = 0.25
_POLL_MOST_S: Final = 5.0
_POLL_GROWTH: Final = 1.6


@dataclass(frozen=True)
class ArchiveConfig:
    """Where MAST is and how long it may take.

    Parameters
    ----------
    base_url : of invoke, columns config and path lookup
    resolver_url : the name resolver's query, in full
    timeout_s : bound of one query, all its polling and paging included
    resolver_timeout_s : what the name resolver may take of it
    heard : told after each query of the portal whether it answered in time
    """

    base_url: str
    resolver_url: str
    timeout_s: float = 120.0
    token: str = field(default="", repr=False)
    page_size: int = 50_000
    resolver_timeout_s: float = 15.0
    heard: Callable[[bool], None] = field(default=lambda answered: None, repr=False, compare=False)


class Client:
    """One question to MAST and everything it takes to answer it, within one deadline. Make one per call."""

    def __init__(self, config: ArchiveConfig, *, cancelled: Callable[[], bool] | None = None) -> None:
        self.config = config
        # The time that is allowed is MAST's: what has to be imported first does not count.
        warm_up()
        self.deadline = Deadline(config.timeout_s, cancelled)

    def observations(
        self, *, position: tuple[float, float, float] | None = None, **filters: Sequence[Any]
    ) -> list[ObservationRow]:
        """JWST observations that match every filter, all pages.

        Parameters
        ----------
        position : (ra, dec, radius) in degrees; footprints that touch the circle match
        filters : MAST column to accepted values; `[min, max]` where the column is a float; one `*` value per column
        """
        params: dict[str, Any] = {"columns": "*"}
        if position:
            params["position"] = ", ".join(f"{degrees:.9f}" for degrees in position)
        service = POSITION if position else FILTERED
        with _portal(self.config, self.deadline) as portal:
            params["filters"] = portal.filter_set(service, {"obs_collection": ["JWST"], **filters})
            return _all_rows(portal, service, params, self.config.page_size, ObservationRow)

    def products(self, obsids: Sequence[str]) -> list[ProductRow]:
        """The files of observations, members' files included, all pages, in one request a page."""
        with _portal(self.config, self.deadline) as portal:
            params = {"obsid": ",".join(obsids)}
            return _all_rows(portal, PRODUCTS, params, self.config.page_size, ProductRow)

    def resolve(self, name: str) -> list[dict[str, Any]]:
        """What the name resolver knows of a name, best first; empty when nothing."""
        params = {"outputFormat": "json", "resolveAll": "False", "name": name}
        bound = self.deadline.within(self.config.resolver_timeout_s)
        answer = _get_json(self.config.resolver_url, self.config.resolver_url, bound, params)
        known = answer.get("resolvedCoordinate") if isinstance(answer, dict) else None
        return [entry for entry in known if isinstance(entry, dict)] if isinstance(known, list) else []

    def path_lookup(self, uris: Sequence[str]) -> dict[str, Any]:
        """MAST's raw answer on where files lie in the cloud; at most some 40 URIs a request."""
        url = f"{self.config.base_url.rstrip('/')}/api/v0.1/path_lookup/"
        params = [*(("uri", uri) for uri in uris), ("use_cloud_path", "True")]
        answer = _get_json(url, self.config.base_url, self.deadline, params, token=self.config.token)
        if not isinstance(answer, dict):
            raise errors.MalformedReply("MAST's path lookup answered something else than a table of paths.")
        return answer


def _get_json(url: str, home: str, deadline: Deadline, params: Any, *, token: str = "") -> Any:
    from mast.archive.wire import Wire

    wire = Wire(home, deadline, token=token)
    try:
        return msgspec.json.decode(wire.fetch("GET", url, params=params))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise errors.MalformedReply(f"{wire.home.netloc} answered something else than JSON. Try again later.") from exc
    finally:
        wire.close()


# --- rows of all pages ------------------------------------------------------------------------------------------


def _all_rows(portal: _Portal, service: str, params: dict[str, Any], page_size: int, kind: type[R]) -> list[R]:
    answers = portal.ask(service, params, page_size)
    found = list(decode_rows(_cuts(answers), kind))
    if len(answers) == 1:
        return found
    promised = (answers[0].paging or Paging()).total or 0
    if len({_identity(row) for row in found}) < promised:
        # MAST orders no rows: pages may overlap and so leave rows out. One page cannot.
        answers = portal.ask(service, params, promised)
        found = list(decode_rows(_cuts(answers), kind))
    return found


def _identity(row: ObservationRow | ProductRow) -> tuple[str, ...]:
    if isinstance(row, ProductRow):
        return row.data_uri, row.obsid, row.parent_obsid
    return (row.obsid,)


def _cuts(answers: Iterable[Envelope]) -> Iterator[msgspec.Raw]:
    for answer in answers:
        yield from answer.data or ()


# --- astroquery, with its manners changed -----------------------------------------------------------------------


class _Portal:
    """Overrides for astroquery's `PortalAPI`, which stays in charge of building requests.

    Its own `_request` waits without time-outs, polls an EXECUTING query without pausing, keeps every answer twice and
    carries the token in a cookie that redirects take along. Its singleton shares state between threads.
    """

    MAST_REQUEST_URL: str
    COLUMNS_CONFIG_URL: str
    build_filter_set: Callable[..., list[dict[str, Any]]]
    service_request_async: Callable[..., list[Envelope]]

    def prepare(self, base_url: str, wire: Wire) -> None:
        """Point this instance at an archive; astroquery's own addresses are class attributes set at import."""
        base = base_url.rstrip("/")
        self.wire = wire
        self.base = base
        self.MAST_REQUEST_URL = f"{base}/api/v0/invoke"
        self.COLUMNS_CONFIG_URL = f"{base}/portal/Mashup/Mashup.asmx/columnsconfig"
        # Products are asked for by id, without filters, so that their columns need no fetching.
        self._column_configs: dict[str, dict[str, Any]] = {PRODUCTS: {}}

    def filter_set(self, service: str, filters: dict[str, Sequence[Any]]) -> list[dict[str, Any]]:
        from astroquery.exceptions import InvalidQueryError

        try:
            return self.build_filter_set(COLUMNS_SERVICE, service, **filters)
        except InvalidQueryError as exc:
            KNOWN_COLUMNS.pop(self.base, None)
            raise errors.MalformedReply(
                f"MAST's list of columns does not fit this query ({exc}). Try again later."
            ) from exc

    def ask(self, service: str, params: dict[str, Any], page_size: int) -> list[Envelope]:
        return self.service_request_async(service, params, pagesize=page_size)

    def _get_col_config(self, service: str, fetch_name: str | None = None) -> None:
        if self.base not in KNOWN_COLUMNS:
            body = self.wire.fetch(
                "POST",
                self.COLUMNS_CONFIG_URL,
                data=f"colConfigId={fetch_name or service}",
                headers={"Content-type": "application/x-www-form-urlencoded", "Accept": "text/plain"},
            )
            KNOWN_COLUMNS[self.base] = _read_columns(body)
        self._column_configs[service] = KNOWN_COLUMNS[self.base]

    def _request(self, method: str, url: str, *, data: str, headers: dict[str, str], **_: Any) -> list[Envelope]:
        answers: list[Envelope] = []
        page = pages = 1
        while page <= pages:
            answer = self._complete_answer(method, url, data, headers)
            answers.append(answer)
            paging = answer.paging or Paging()
            _refuse_endless(paging)
            pages = paging.pages or 1
            # Counted here: a server that always says "page 1" must not keep us for ever.
            data = data.replace(f"page%22%3A%20{page}%2C", f"page%22%3A%20{page + 1}%2C")
            page += 1
        return answers

    def _complete_answer(self, method: str, url: str, data: str, headers: dict[str, str]) -> Envelope:
        pause_s = _POLL_FIRST_S
        while True:
            answer = read_envelope(self.wire.fetch(method, url, data=data, headers=headers))
            if answer.status != "EXECUTING":
                check_complete(answer)
                return answer
            self.wire.deadline.sleep(pause_s)
            pause_s = min(pause_s * _POLL_GROWTH, _POLL_MOST_S)


def _refuse_endless(paging: Paging) -> None:
    if (paging.total or 0) > MOST_ROWS or (paging.pages or 0) > MOST_ROWS:
        raise errors.ArchiveRefused(
            f"More than {MOST_ROWS:,} rows match, more than MAST hands out. Ask for less, a smaller radius say."
        )


KNOWN_COLUMNS: dict[str, dict[str, Any]] = {}
"""MAST's column descriptions by base URL. They change with MAST's releases, so once per process is enough."""


def _read_columns(body: bytearray) -> dict[str, Any]:
    try:
        columns = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise errors.MalformedReply("MAST's list of columns cannot be read. Try again later.") from exc
    if not isinstance(columns, dict) or not all(isinstance(column, dict) for column in columns.values()):
        raise errors.MalformedReply("MAST's list of columns is not one. Try again later.")
    if "obs_collection" not in columns:
        raise errors.MalformedReply("MAST's list of columns is empty. Try again later.")
    return columns


@contextmanager
def _portal(config: ArchiveConfig, deadline: Deadline) -> Iterator[_Portal]:
    """A portal of one query, its connections closed at the end."""
    from mast.archive.wire import Wire

    wire = Wire(config.base_url, deadline, token=config.token)
    try:
        portal: _Portal = _portal_class()(session=wire.session)
        portal.prepare(config.base_url, wire)
        yield portal
    except (errors.ArchiveUnavailable, errors.ArchiveTimeout):
        config.heard(False)
        raise
    else:
        config.heard(True)
    finally:
        wire.close()


@cache
def _portal_class() -> Any:
    # astroquery makes its logger by a class of its own and cannot be imported where a logging configuration
    # has named that logger before.
    if "astroquery" not in sys.modules:
        logging.Logger.manager.loggerDict.pop("astroquery", None)
    from astroquery.mast.discovery_portal import PortalAPI

    # At DEBUG it logs whole requests, headers included.
    logging.getLogger("astroquery").setLevel(logging.WARNING)
    return type("Portal", (_Portal, PortalAPI), {})


def warm_up() -> None:
    """Import now what the first query would have to wait for, a second or so."""
    _portal_class()
