"""HTTP/1.1 on a socket: what is read, and what is refused."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast.errors import ConnectionLost
from mast.transfer.wire import Connection, Response, read_response


def nothing() -> None:
    pass


def answered(text: bytes, *, has_body: bool = True) -> tuple[Response, Connection]:
    """What comes of a server that says `text` and hangs up."""
    ours, theirs = socket.socketpair()
    theirs.sendall(text)
    theirs.close()
    connection = Connection(ours, "mast.example")
    try:
        return read_response(connection, time.monotonic() + 5, nothing, has_body=has_body), connection
    except ConnectionLost:
        connection.close()
        raise


def body_of(text: bytes, piece: int = 7) -> bytes:
    response, connection = answered(text)
    view, body = memoryview(bytearray(piece)), b""
    try:
        while got := response.recv_into(view, nothing):
            body += bytes(view[:got])
    finally:
        connection.close()
    return body


def test_a_body_with_a_length_is_read_to_its_end_and_no_further() -> None:
    assert body_of(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloMORE") == b"hello"


def test_a_chunked_body_is_put_together() -> None:
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
    assert body_of(text) == b"hello"


def test_a_body_that_only_the_end_of_the_connection_ends_is_read_and_said_to_be_so() -> None:
    response, connection = answered(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert not response.ends_by_itself
    view = memoryview(bytearray(100))
    assert response.recv_into(view, nothing) == 5
    assert response.recv_into(view, nothing) == 0
    assert not response.can_be_reused
    connection.close()


@given(st.binary(max_size=300), st.integers(1, 50), st.integers(1, 20))
def test_chunks_of_any_size_give_the_same_body(body: bytes, chunk: int, piece: int) -> None:
    chunks = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    wire = b"".join(b"%X\r\n%b\r\n" % (len(part), part) for part in chunks) + b"0\r\n\r\n"
    assert body_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + wire, piece) == body


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    ],
)
def test_a_body_that_ends_early_or_is_broken_is_no_body(text: bytes) -> None:
    with pytest.raises(ConnectionLost):
        body_of(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Range: bytes 0-4/9\r\nContent-Range: bytes 1-5/9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    ],
)
def test_a_head_that_cannot_be_trusted_is_refused(text: bytes) -> None:
    with pytest.raises(ConnectionLost):
        answered(text)


@given(st.binary(max_size=200))
def test_garbage_never_fails_in_another_way(text: bytes) -> None:
    with suppress(ConnectionLost):
        answered(text)[1].close()


def test_informational_replies_are_passed_over() -> None:
    assert (
        body_of(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") == b"ok"
    )


def test_a_reply_to_head_has_no_body_whatever_its_length_says() -> None:
    response, connection = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", has_body=False)
    assert response.recv_into(memoryview(bytearray(5)), nothing) == 0
    assert response.can_be_reused
    connection.close()


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n"])
def test_a_connection_that_will_close_is_not_reused(head: bytes) -> None:
    response, connection = answered(head + b"Content-Length: 0\r\n\r\n")
    assert not response.can_be_reused
    connection.close()


def test_the_first_bytes_can_be_seen_before_they_are_read() -> None:
    response, connection = answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert response.peek(3, nothing) == b"hel"
    view = memoryview(bytearray(9))
    assert bytes(view[: response.recv_into(view, nothing)]) == b"hello"
    connection.close()


@pytest.fixture
def silent() -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    connection = Connection(ours, "mast.example")
    yield connection
    connection.close()
    theirs.close()


def test_a_server_that_says_nothing_is_left_at_the_deadline(silent: Connection) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectionLost) as caught:
        read_response(silent, began + 0.3, nothing)
    assert caught.value.details["is_timeout"]
    assert time.monotonic() - began < 1


def test_a_read_can_be_left_at_any_time(silent: Connection) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        silent.recv_into(memoryview(bytearray(5)), stop)
