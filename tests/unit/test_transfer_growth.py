"""How many connections are worth having: what is waited for decides, then what they bring."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mast.transfer.growth import FIRST, REST_S, Growth
from mast.transfer.site import Alone, Rate

TICK_S = 0.01


class Server:
    """A server that gives so much, played on a clock of its own: bytes and waiting for a count of connections."""

    def __init__(
        self, rate: Callable[[int], float], waits: Callable[[int], float], busy: float = 0.1, cpus: int = 2
    ) -> None:
        self.rate, self.waits, self.busy = rate, waits, busy
        self.growth = Growth(_began=0.0, _looked=0.0, _cpu_s=0.0, _looked_cpu_s=0.0, cpus=cpus)
        self.now = self.done = self.waited = 0.0
        self.counts: list[int] = []

    def run(self, seconds: float, most: int = 16) -> int:
        until = self.now + seconds
        while self.now < until:
            count = self.growth.target(int(self.done), self.waited, most, self.now, self.now * self.busy)
            self.counts.append(count)
            self.now += TICK_S
            self.done += self.rate(count) * TICK_S
            self.waited += self.waits(count) * count * TICK_S
        return self.counts[-1]


def test_a_server_that_gives_each_connection_little_gets_all_there_may_be_in_a_moment() -> None:
    server = Server(lambda count: 20e6 * count, lambda _: 0.95)
    assert server.run(0.2) == 16
    assert server.counts[0] == FIRST


def test_a_server_as_fast_as_this_machine_gets_one_after_a_moment_with_two() -> None:
    server = Server(lambda _: 2e9, lambda _: 0.1, busy=0.9)
    server.run(2)
    assert max(server.counts) == 2
    assert server.counts.count(2) * TICK_S < 0.1
    assert server.counts[-1] == FIRST


def test_a_second_connection_that_brings_more_on_another_processor_is_kept() -> None:
    server = Server(lambda count: 1e9 * min(count, 2) ** 0.5, lambda _: 0.1, busy=0.9)
    assert server.run(2) == 2
    assert max(server.counts) == 2


@pytest.mark.parametrize(("busy", "cpus"), [(0.9, 1), (1.6, 2)])
def test_where_no_processor_is_left_a_second_is_not_tried(busy: float, cpus: int) -> None:
    server = Server(lambda count: 1e9 * count, lambda _: 0.1, busy=busy, cpus=cpus)
    server.run(2)
    assert max(server.counts) == FIRST


def test_connections_that_wait_for_this_process_itself_are_not_added_to() -> None:
    server = Server(lambda _: 1e9, lambda _: 0.8, busy=0.9)
    server.run(2)
    assert server.counts[-1] == FIRST


def test_a_server_that_was_quick_only_at_first_gets_more_later() -> None:
    server = Server(lambda count: 20e6 * count, lambda _: 0.1)
    server.run(0.3)
    server.waits = lambda _: 0.95
    assert server.run(0.5) == 16


def test_connections_that_bring_nothing_more_are_given_up() -> None:
    server = Server(lambda _: 100e6, lambda _: 0.9)
    assert server.run(0.3) == 16
    assert server.run(60) <= 2


def test_a_trial_with_fewer_is_taken_back_when_they_bring_less() -> None:
    server = Server(lambda count: 20e6 * count, lambda _: 0.95)
    server.run(2 * REST_S)
    assert min(server.counts[100:]) == 12, "fewer were never tried"
    assert server.counts.count(16) > 0.85 * len(server.counts)


def test_never_more_than_may_be_and_more_as_soon_as_others_have_ended() -> None:
    server = Server(lambda count: 20e6 * count, lambda _: 0.95)
    assert server.run(1, most=2) == 2
    assert server.run(0.2, most=16) == 16
    assert server.run(0.05, most=3) == 3


def test_a_rate_is_kept_by_all_that_spend_from_it_together(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("mast.transfer.site.time.monotonic", lambda: now[0])
    rate = Rate(10e6)
    spent = 0
    for _ in range(50):
        delay_s = rate.delay_s(1_000_000)
        spent += 1_000_000
        now[0] += delay_s
    assert spent / (now[0] - 100.0 + Rate.BURST_S) == pytest.approx(10e6, rel=0.01)


def test_without_a_rate_nobody_waits() -> None:
    assert Alone().delay_s(1 << 30) == 0
    assert Alone().connections("http", 7) == 7
