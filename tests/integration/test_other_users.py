"""Without logins the port is the archive's own user's: whoever else has an account on the machine is refused."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from jwstarchive import peers
from tests.conftest import missing

NOBODY = 65534
pytestmark = pytest.mark.django_db


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(4)
        made.settimeout(30)
        yield made


@pytest.fixture(autouse=True)
def _told_by_the_kernel() -> None:
    if not peers.can_tell():
        missing("sock_diag of the Linux kernel")


@contextmanager
def stranger(listener: socket.socket) -> Iterator[None]:
    """A process of another user that connects and stays until the end."""
    if os.getuid() != 0:
        missing("root, to become another user")
    child = os.fork()
    if child == 0:
        # A copy of this process and no new program: the interpreter may lie where others cannot read.
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        connection = socket.create_connection(listener.getsockname())
        connection.recv(1)
        os._exit(0)
    yield
    assert os.waitpid(child, 0)[1] == 0


def asked(caller: Any, server: Any) -> int:
    meta = {"REMOTE_ADDR": caller[0], "REMOTE_PORT": str(caller[1])}
    meta |= {"SERVER_NAME": server[0], "SERVER_PORT": str(server[1])}
    return Client().get("/api/files", HTTP_HOST="localhost", **meta).status_code


def test_our_own_programs_may_call(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as caller:
        assert asked(caller.getsockname(), listener.getsockname()) == 200


def test_over_ipv6_too() -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        listener.listen(1)
        with socket.create_connection(listener.getsockname()[:2]) as caller:
            assert asked(caller.getsockname()[:2], listener.getsockname()[:2]) == 200


def test_another_user_is_refused_whatever_is_asked(listener: socket.socket) -> None:
    with stranger(listener):
        connection, caller = listener.accept()
        assert peers.owner_of(caller, listener.getsockname()) == peers.Owner(NOBODY, is_open=True)
        assert asked(caller, listener.getsockname()) == 403
        connection.close()


def test_a_caller_that_hung_up_is_nobody(listener: socket.socket) -> None:
    """A closed socket is shown with the user 0, which must not pass for root."""
    caller = socket.create_connection(listener.getsockname())
    address = caller.getsockname()
    caller.close()
    assert asked(address, listener.getsockname()) == 403


def test_with_logins_or_when_told_so_other_users_come_in(listener: socket.socket, settings: Any) -> None:
    caller = socket.create_connection(listener.getsockname())
    address = caller.getsockname()
    caller.close()
    settings.OTHER_USERS = "allow"
    assert asked(address, listener.getsockname()) == 200
    settings.OTHER_USERS, settings.ACCESS = "refuse", "login"
    assert asked(address, listener.getsockname()) == 401
