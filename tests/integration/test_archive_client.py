"""The client against servers that lie: every answer is rows or a plain error, in time."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mast import errors
from mast.archive import wire
from mast.archive.client import ArchiveConfig, Client
from mast.archive.products import path_lookup, products
from mast.archive.search import Query, observations, search
from tests.liar import Asked, Liar, Pieces, as_json, http, unused_port
from tests.mast_replies import COLUMNS, envelope, mast, observation

pytestmark = pytest.mark.one_database

ROWS = [observation(number) for number in range(1, 4)]


def config_of(server: Liar, timeout_s: float = 10, **options: Any) -> ArchiveConfig:
    return ArchiveConfig(server.url, f"{server.url}/Santa-war/query", timeout_s=timeout_s, **options)


def ask(answer: Callable[[Asked], Pieces], timeout_s: float = 10) -> list[str]:
    """The ids a program search gives when a server answers so."""
    with Liar(mast(answer)) as server:
        return [row.obs_id for row in Client(config_of(server, timeout_s)).observations(proposal_id=["2733"])]


def test_rows_come_back_as_they_were_sent() -> None:
    assert ask(lambda _: as_json(envelope(ROWS))) == [row["obs_id"] for row in ROWS]


def test_no_rows_are_an_empty_list_and_no_error() -> None:
    assert ask(lambda _: as_json(envelope([]))) == []


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(json.dumps(envelope(ROWS)).encode())
    assert len(ask(lambda _: http(body, Content_Encoding="gzip"))) == 3


def test_an_answer_without_a_length_is_read() -> None:
    body = json.dumps(envelope(ROWS)).encode()
    assert len(ask(lambda _: b"HTTP/1.0 200 OK\r\n\r\n" + body)) == 3


# --- polling and paging -----------------------------------------------------------------------------------------


def test_an_executing_query_is_asked_again_with_pauses_that_grow() -> None:
    asked_at: list[float] = []

    def answer(_: Asked) -> Pieces:
        asked_at.append(time.monotonic())
        return as_json({"status": "EXECUTING"} if len(asked_at) < 4 else envelope(ROWS))

    assert len(ask(answer)) == 3
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked_at)]
    assert len(pauses) == 3
    assert all(pause >= 0.2 for pause in pauses)
    assert pauses[2] > pauses[0]


def test_polling_repeats_the_identical_request() -> None:
    with Liar(mast(lambda _: as_json({"status": "EXECUTING"} if len(server.asked) < 4 else envelope(ROWS)))) as server:
        Client(config_of(server)).observations(proposal_id=["2733"])
        bodies = {asked.body for asked in server.asked if "invoke" in asked.path}
    assert len(bodies) == 1


def test_a_query_that_executes_for_ever_ends_at_its_bound() -> None:
    started = time.monotonic()
    with pytest.raises(errors.ArchiveTimeout, match="within 1 s"):
        ask(lambda _: as_json({"status": "EXECUTING"}), timeout_s=1)
    assert time.monotonic() - started < 5


def test_all_pages_are_fetched() -> None:
    def answer(asked: Asked) -> Pieces:
        page = asked.mashup["page"]
        rows = [observation(page * 10 + number) for number in range(2)]
        return as_json(envelope(rows, page=page, pages=3, total=6))

    assert len(set(ask(answer))) == 6


def test_a_server_that_always_says_page_one_does_not_keep_us() -> None:
    calls = itertools.count()

    def answer(_: Asked) -> Pieces:
        next(calls)
        return as_json(envelope([observation(1)], page=1, pages=2, total=1))

    assert ask(answer)
    assert next(calls) == 2


def test_pages_that_overlap_are_asked_for_again_as_one() -> None:
    def answer(asked: Asked) -> Pieces:
        if asked.mashup["pagesize"] >= 4 and len(server.asked) > 3:
            return as_json(envelope([observation(number) for number in range(4)]))
        return as_json(envelope([observation(1), observation(2)], page=asked.mashup["page"], pages=2, total=4))

    with Liar(mast(answer)) as server:
        rows = Client(config_of(server)).observations(proposal_id=["2733"])
    assert len({row.obsid for row in rows}) == 4


def test_more_rows_than_mast_can_give_are_refused_after_the_first_page() -> None:
    with pytest.raises(errors.ArchiveRefused, match="500,000"):
        ask(lambda _: as_json(envelope(ROWS, pages=40, total=2_000_000)))


def test_cancelling_ends_a_query_that_is_being_polled() -> None:
    wish = threading.Event()
    threading.Timer(0.4, wish.set).start()
    started = time.monotonic()
    with Liar(mast(lambda _: as_json({"status": "EXECUTING"}))) as server, pytest.raises(errors.Cancelled):
        Client(config_of(server, 30), cancelled=wish.is_set).observations(proposal_id=["2733"])
    assert time.monotonic() - started < 5


def test_cancelling_ends_a_query_between_its_pages() -> None:
    def answer(asked: Asked) -> Pieces:
        return as_json(envelope([observation(1)], page=asked.mashup["page"], pages=1000, total=1000))

    with Liar(mast(answer)) as server:
        with pytest.raises(errors.Cancelled):
            Client(config_of(server, 30), cancelled=lambda: len(server.asked) > 5).observations(proposal_id=["2733"])
        assert len(server.asked) < 9


# --- slow, dead and damaged -------------------------------------------------------------------------------------


def test_a_silent_server_ends_in_a_timeout_within_the_bound() -> None:
    started = time.monotonic()
    with pytest.raises(errors.ArchiveTimeout):
        ask(lambda _: None, timeout_s=1)
    assert time.monotonic() - started < 5


def _drip(server: list[Liar], head: bytes) -> Iterator[bytes]:
    yield head
    while True:
        server[0].pause(0.05)
        yield b" "


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200"],
    ids=["body", "header", "status line"],
)
def test_a_server_that_drips_a_byte_at_a_time_ends_in_a_timeout_within_the_bound(head: bytes) -> None:
    """Each receive is quick, so that no socket time-out ever fires; only the whole query's bound does."""
    here: list[Liar] = []
    started = time.monotonic()
    with Liar(mast(lambda _: _drip(here, head))) as server:
        here.append(server)
        with pytest.raises(errors.ArchiveTimeout):
            Client(config_of(server, 1)).observations(proposal_id=["2733"])
    assert time.monotonic() - started < 5


def test_a_dead_port_is_said_to_be_out_of_reach() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    config = ArchiveConfig(url, f"{url}/Santa-war/query", timeout_s=5)
    with pytest.raises(errors.ArchiveUnavailable, match="try again later"):
        Client(config).observations(proposal_id=["2733"])


GARBAGE: dict[str, Pieces] = {
    "html": http("<html><body>Site under maintenance</body></html>", Content_Type="text/html"),
    "nothing": http(""),
    "empty object": as_json({}),
    "a list": as_json([1, 2]),
    "text": http("OK"),
    "truncated json": http(json.dumps(envelope(ROWS))[:-40]),
    "binary": http(bytes(range(256))),
    "no rows": as_json({"status": "COMPLETE"}),
    "rows that are a word": as_json(envelope(ROWS) | {"data": "none"}),
    "rows that are numbers": as_json(envelope([1, 2, 3])),
    "an unknown status": as_json({"status": "FINE", "data": []}),
    "status of another type": as_json({"status": 7, "data": []}),
    "paging of another type": as_json(envelope(ROWS) | {"paging": [1]}),
    "deep nesting": http(b"[" * 100_000),
    "a lie about compression": http(b"not gzip", Content_Encoding="gzip"),
    "not http": b"220 mail.example.org ESMTP\r\n\r\n",
    "a body that breaks off": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{",
}


@pytest.mark.parametrize("kind", list(GARBAGE))
def test_garbage_is_a_malformed_reply_and_no_traceback(kind: str) -> None:
    with pytest.raises(errors.MalformedReply) as caught:
        ask(lambda _: GARBAGE[kind])
    assert "gain" in caught.value.message or "ater" in caught.value.message


@pytest.mark.parametrize("kind", ["html", "empty object", "a list", "truncated json", "deep nesting"])
def test_garbage_for_columns_is_a_malformed_reply_and_is_not_remembered(kind: str) -> None:
    replies: list[Pieces] = [GARBAGE[kind], as_json(COLUMNS)]
    with Liar(mast(lambda _: as_json(envelope(ROWS)), columnsconfig=lambda _: replies.pop(0))) as server:
        with pytest.raises(errors.MalformedReply):
            Client(config_of(server)).observations(proposal_id=["2733"])
        assert Client(config_of(server)).observations(proposal_id=["2733"])


def test_columns_that_do_not_fit_are_a_malformed_reply_and_are_read_again() -> None:
    replies: list[Pieces] = [as_json({"obs_collection": {"text": "Mission"}}), as_json(COLUMNS)]
    with Liar(mast(lambda _: as_json(envelope(ROWS)), columnsconfig=lambda _: replies.pop(0))) as server:
        with pytest.raises(errors.MalformedReply, match="proposal_id"):
            Client(config_of(server)).observations(proposal_id=["2733"])
        assert Client(config_of(server)).observations(proposal_id=["2733"])


def test_an_error_of_masts_own_is_repeated_in_its_words() -> None:
    with pytest.raises(errors.ArchiveRefused, match="Syntax error near 'obs'"):
        ask(lambda _: as_json({"status": "ERROR", "msg": "Syntax error near 'obs'", "data": []}))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("500 Internal Server Error", errors.ArchiveUnavailable),
        ("502 Bad Gateway", errors.ArchiveUnavailable),
        ("503 Service Unavailable", errors.ArchiveUnavailable),
        ("429 Too Many Requests", errors.ArchiveUnavailable),
        ("401 Unauthorized", errors.ArchiveRefused),
        ("403 Forbidden", errors.ArchiveRefused),
        ("404 Not Found", errors.ArchiveRefused),
        ("400 Bad Request", errors.ArchiveRefused),
    ],
)
def test_each_http_failure_is_one_of_our_errors(status: str, kind: type[errors.MastError]) -> None:
    with pytest.raises(kind, match=status[:3]):
        ask(lambda _: http("no", status))


def test_how_long_mast_asks_us_to_wait_is_kept() -> None:
    with pytest.raises(errors.ArchiveUnavailable) as caught:
        ask(lambda _: http("slow down", "503 Service Unavailable", Retry_After="17"))
    assert caught.value.details["retry_after"] == "17"


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_all_measure_is_refused_without_reading_it_all(announced: bool) -> None:
    def answer(_: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 99999999999\r\n\r\n" if announced else b"\r\n")
        while not sent.is_set():
            yield b" " * 65536

    sent = threading.Event()
    deadline = Client(ArchiveConfig("http://127.0.0.1", "http://127.0.0.1", timeout_s=10)).deadline
    with Liar(answer) as server:
        bounded = wire.Wire(server.url, deadline, largest_body=1024 * 1024)
        with pytest.raises(errors.ArchiveRefused, match="larger than 1 MB"):
            bounded.fetch("GET", server.url)
        bounded.close()
        sent.set()


# --- redirects and the token ------------------------------------------------------------------------------------


def _authorizations(server: Liar) -> list[str | None]:
    return [asked.headers.get("authorization") for asked in server.asked]


def test_a_redirect_within_the_host_is_followed_with_the_query() -> None:
    def answer(asked: Asked) -> Pieces:
        if asked.path == "/api/v0/invoke":
            return http("", "307 Temporary Redirect", Location="/api/v1/invoke")
        return as_json(envelope(ROWS))

    with Liar(mast(answer)) as server:
        assert len(Client(config_of(server)).observations(proposal_id=["2733"])) == 3
        assert server.asked[-1].method == "POST"
        assert server.asked[-1].mashup["service"] == "Mast.Caom.Filtered"


def test_a_redirect_to_another_host_is_refused_and_never_sees_the_token() -> None:
    with Liar(lambda _: as_json(envelope(ROWS))) as elsewhere:
        target = f"http://localhost:{elsewhere.port}/steal"
        moved = mast(lambda _: http("", "302 Found", Location=target))
        with Liar(moved) as server, pytest.raises(errors.ArchiveRefused, match="redirected"):
            Client(config_of(server, token="CANARY")).observations(proposal_id=["2733"])
        assert elsewhere.asked == []


def test_a_redirect_to_another_port_does_not_carry_the_token() -> None:
    with Liar(lambda _: as_json(envelope(ROWS))) as elsewhere:
        target = f"{elsewhere.url}/other"
        with Liar(mast(lambda _: http("", "302 Found", Location=target))) as server:
            Client(config_of(server, token="CANARY")).observations(proposal_id=["2733"])
        assert _authorizations(elsewhere) == [None]


def test_redirects_in_a_circle_end() -> None:
    with pytest.raises(errors.ArchiveRefused, match="circle"):
        ask(lambda _: http("", "302 Found", Location="/api/v0/invoke"))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "https://", "http://[broken", ""])
def test_odd_redirects_are_errors_of_ours(location: str) -> None:
    with pytest.raises(errors.ArchiveError):
        ask(lambda _: http("", "302 Found", Location=location))


def test_the_token_goes_to_mast_as_a_header_and_to_the_resolver_not_at_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(1)
    with Liar(lambda _: as_json({"resolvedCoordinate": []})) as names:
        with Liar(mast(lambda _: http(json.dumps(envelope(ROWS)), Set_Cookie="session=1; Path=/"))) as server:
            config = ArchiveConfig(server.url, f"{names.url}/Santa-war/query", timeout_s=5, token="CANARY")
            client = Client(config)
            client.observations(proposal_id=["2733"])
            client.resolve("NGC 3132")
            assert set(_authorizations(server)) == {"token CANARY"}
            assert all("cookie" not in asked.headers for asked in server.asked)
        assert _authorizations(names) == [None]
    assert "CANARY" not in repr(config)
    assert "CANARY" not in caplog.text


def test_a_netrc_of_the_account_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Liar(mast(lambda _: as_json(envelope(ROWS)))) as server:
        Client(config_of(server)).observations(proposal_id=["2733"])
        assert set(_authorizations(server)) == {None}


# --- what is asked, and how often -------------------------------------------------------------------------------


def test_every_query_asks_for_jwst_and_every_column() -> None:
    with Liar(mast(lambda _: as_json(envelope(ROWS)))) as server:
        Client(config_of(server)).observations(position=(359.95, -1e-5, 0.1), calib_level=["3"])
        query = server.asked[-1].mashup
    assert query["service"] == "Mast.Caom.Filtered.Position"
    assert query["params"]["position"] == "359.950000000, -0.000010000, 0.100000000"
    assert query["params"]["columns"] == "*"
    names = {entry["paramName"]: entry["values"] for entry in query["params"]["filters"]}
    assert names == {"obs_collection": ["JWST"], "calib_level": ["3"]}


def test_two_thousand_observations_take_three_requests_and_then_two() -> None:
    def answer(asked: Asked) -> Pieces:
        wanted = {entry["paramName"]: entry["values"] for entry in asked.mashup["params"]["filters"]}["obs_id"]
        return as_json(envelope([observation(1, obs_id=name, obsid=name[3:]) for name in wanted]))

    names = [f"jw0{number}" for number in range(1000, 3000)]
    with Liar(mast(answer)) as server:
        assert len(observations(config_of(server), obs_ids=names)) == 2000
        assert len(server.asked) == 3
        assert len(observations(config_of(server), obs_ids=names)) == 2000
        assert len(server.asked) == 5


def test_ids_that_are_none_are_not_asked_for() -> None:
    with Liar(mast(lambda _: as_json(envelope([])))) as server:
        config = config_of(server)
        assert observations(config, obs_ids=["jw*", "a b", "../x", ""], obsids=["1;2", "x", ""]) == []
        assert products(["1,2", "x"], config) == []
        assert server.asked == []


def test_products_of_twelve_hundred_observations_take_three_requests() -> None:
    def answer(asked: Asked) -> Pieces:
        rows = [
            {"obsID": number, "dataURI": f"mast:JWST/product/{number}.fits"}
            for number in asked.mashup["params"]["obsid"].split(",")
        ]
        return as_json(envelope(rows))

    with Liar(mast(answer)) as server:
        found = products([str(number) for number in range(1200)], config_of(server))
        assert len(server.asked) == 3
    assert len({row.data_uri for row in found}) == 1200


def test_path_lookup_asks_for_forty_at_once_and_trusts_no_path() -> None:
    uris = [f"mast:JWST/product/{number}.fits" for number in range(100)]
    paths: dict[str, object] = {uri: {"status_code": 200, "path": f"/jwst/public/{uri[-7:]}"} for uri in uris}
    paths[uris[0]] = {"status_code": 404, "path": None}
    paths[uris[1]] = {"status_code": 200, "path": "/jwst/../../etc/passwd"}
    paths[uris[2]] = "nonsense"
    del paths[uris[3]]

    def answer(asked: Asked) -> Pieces:
        assert len(asked.parameters["uri"]) <= 40
        return as_json({uri: paths[uri] for uri in asked.parameters["uri"] if uri in paths})

    with Liar(answer) as server:
        keys = path_lookup(uris, config_of(server))
        assert len(server.asked) == 3
    assert [keys[uri] for uri in uris[:4]] == [None] * 4
    assert keys[uris[50]] == "jwst/public/50.fits"
    assert len(keys) == 100


def test_ten_threads_ask_at_once_without_mixing_their_answers() -> None:
    def answer(asked: Asked) -> Pieces:
        program = asked.mashup["params"]["filters"][1]["values"][0]
        return as_json(envelope([observation(1, obs_id=f"jw{program}")]))

    with Liar(mast(answer)) as server:
        found: dict[int, str] = {}

        def look(program: int) -> None:
            rows = Client(config_of(server)).observations(proposal_id=[str(program)])
            found[program] = rows[0].obs_id

        threads = [threading.Thread(target=look, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {number: f"jw{number}" for number in range(10)}


# --- TLS and proxies --------------------------------------------------------------------------------------------


def test_a_trusted_certificate_is_enough(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Liar(mast(lambda _: as_json(envelope(ROWS))), certificate=certificate) as server:
        assert len(Client(config_of(server)).observations(proposal_id=["2733"])) == 3


def test_a_silent_server_behind_tls_ends_within_the_bound(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    here: list[Liar] = []
    started = time.monotonic()
    dripping = mast(lambda _: _drip(here, b"HTTP/1.1 200 OK\r\nX-Drip: "))
    with Liar(dripping, certificate=certificate) as server:
        here.append(server)
        with pytest.raises(errors.ArchiveTimeout):
            Client(config_of(server, 1)).observations(proposal_id=["2733"])
    assert time.monotonic() - started < 5


def test_a_handshake_that_drips_ends_within_the_bound() -> None:
    stopped = threading.Event()

    def drip(listening: socket.socket) -> None:
        with contextlib.suppress(OSError), listening.accept()[0] as connection:
            connection.sendall(b"\x16\x03\x03\x40\x00")
            while not stopped.wait(0.05):
                connection.sendall(b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=drip, args=(listening,))
        server.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(errors.ArchiveTimeout):
            Client(ArchiveConfig(url, url, timeout_s=1)).observations(proposal_id=["2733"])
        assert time.monotonic() - started < 5
        stopped.set()
        server.join()


def test_a_certificate_nobody_vouches_for_is_refused(certificate: Path) -> None:
    with Liar(mast(lambda _: as_json(envelope(ROWS))), certificate=certificate) as server:
        with pytest.raises(errors.ArchiveUnavailable, match="secure connection"):
            Client(config_of(server, token="CANARY")).observations(proposal_id=["2733"])
        assert server.asked == []


def test_a_server_without_tls_where_tls_is_meant_is_refused() -> None:
    with Liar(mast(lambda _: as_json(envelope(ROWS)))) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(errors.ArchiveUnavailable, match="secure connection"):
            Client(ArchiveConfig(url, url, timeout_s=5)).observations(proposal_id=["2733"])


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Liar(mast(lambda _: as_json(envelope(ROWS)))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        config = ArchiveConfig("http://mast.example", "http://mast.example", timeout_s=5)
        assert len(Client(config).observations(proposal_id=["2733"])) == 3
        assert proxy.asked[-1].target == "http://mast.example/api/v0/invoke"


# --- the resolver -----------------------------------------------------------------------------------------------

ODD_NAMES: list[Any] = [
    {},
    {"resolvedCoordinate": []},
    {"resolvedCoordinate": None},
    {"resolvedCoordinate": "NGC 3132"},
    {"resolvedCoordinate": 5},
    {"resolvedCoordinate": [None, 3, {}]},
    {"resolvedCoordinate": [{"searchString": "another name", "ra": 1.0, "decl": 1.0}]},
    {"resolvedCoordinate": [{"searchString": "xyz 77", "ra": None, "decl": 1.0}]},
    {"resolvedCoordinate": [{"searchString": "xyz 77", "ra": 1.0, "decl": 95.0}]},
    {"resolvedCoordinate": [{"searchString": "xyz 77", "ra": 361.0, "decl": 5.0}]},
    {"resolvedCoordinate": [{"searchString": "xyz 77", "ra": [1], "decl": {}}]},
    [],
]


@pytest.mark.parametrize("answer", ODD_NAMES, ids=range(len(ODD_NAMES)))
def test_whatever_the_resolver_says_a_name_is_resolved_or_it_is_not(answer: Any) -> None:
    server_answers = mast(lambda _: as_json(envelope([])), **{"Santa-war": lambda _: as_json(answer)})
    with Liar(server_answers) as server, pytest.raises(errors.TargetNotResolved):
        search(Query(kind="target", target_name="XYZ 77"), config_of(server))


def test_the_first_answer_to_the_asked_name_counts() -> None:
    entries = [
        {"searchString": "other", "ra": 1.0, "decl": 2.0, "resolver": "NED"},
        {"searchString": "xyz 77", "ra": 10, "decl": -20.5, "resolver": "SIMBAD", "canonicalName": "XYZ  77"},
        {"searchString": "xyz 77", "ra": 11, "decl": -21.5, "resolver": "NED"},
    ]
    names = {"Santa-war": lambda _: as_json({"resolvedCoordinate": entries})}
    with Liar(mast(lambda _: as_json(envelope(ROWS)), **names)) as server:
        answer = search(Query(kind="target", target_name="XYZ 77"), config_of(server))
        assert server.asked[-1].mashup["params"]["position"].startswith("10.000000000, -20.500000000")
    assert answer.resolved is not None
    assert (answer.resolved.resolver, answer.resolved.canonical_name) == ("SIMBAD", "XYZ 77")


def test_a_silent_resolver_does_not_use_up_the_time_of_the_search() -> None:
    names = {"Santa-war": lambda _: None}
    started = time.monotonic()
    with Liar(mast(lambda _: as_json(envelope(ROWS)), **names)) as server:
        answer = search(Query(kind="target", target_name="NGC 3132"), config_of(server, 20, resolver_timeout_s=0.5))
    assert len(answer.rows) == 3
    assert time.monotonic() - started < 5
    assert any("table of well-known names" in note for note in answer.notes)


def test_an_exposure_in_segments_is_found_as_one_thing() -> None:
    segments = [
        observation(number, obs_id=f"jw01366003001_04101_00001-seg00{number}_nrs1", calib_level=2)
        for number in range(1, 4)
    ]

    def answer(asked: Asked) -> Pieces:
        filters = {entry["paramName"] for entry in asked.mashup["params"]["filters"]}
        return as_json(envelope(segments if "proposal_id" in filters else []))

    with Liar(mast(answer)) as server:
        query = Query(kind="observation", obs_id="jw01366003001_04101_00001_nrs1", calib_levels=None)
        found = search(query, config_of(server))
    assert len(found.rows) == 3
    assert any("3 segments" in note for note in found.notes)


def test_the_nearest_pointing_without_a_footprint_is_judged_by_its_centre() -> None:
    near = [
        observation(1, s_ra=10.0, s_dec=11.0, s_region="", target_name="NEAR"),
        observation(2, s_ra=None, s_dec=None, s_region=None, target_name="NOWHERE"),
        observation(3, s_ra=10.0, s_dec=12.0, s_region="", target_name="FAR"),
    ]

    def answer(asked: Asked) -> Pieces:
        wide = float(asked.mashup["params"]["position"].rpartition(",")[2]) > 1
        return as_json(envelope(near if wide else []))

    with Liar(mast(answer)) as server:
        query = Query(kind="coordinates", ra_deg=10.0, dec_deg=10.0, radius_deg=0.1)
        notes = search(query, config_of(server)).notes
    assert any("1.0° away: NEAR" in note for note in notes)
