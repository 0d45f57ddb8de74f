"""Which bytes are there, and who fetches what."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from mast.transfer.config import MIB
from mast.transfer.spans import SPLIT_BYTES, Lease, RangeQueue, SpanSet

SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=12
)


@given(added=SPANS, removed=SPANS)
def test_a_span_set_is_a_set_of_bytes(added: list[tuple[int, int]], removed: list[tuple[int, int]]) -> None:
    spans, model = SpanSet(), set[int]()
    for start, stop in added:
        spans.add(start, stop)
        model |= set(range(start, stop))
    for start, stop in removed:
        spans.remove(start, stop)
        model -= set(range(start, stop))
    assert {byte for start, stop in spans for byte in range(start, stop)} == model
    assert spans.size_bytes == len(model)
    borders = [edge for span in spans for edge in span]
    assert borders == sorted(set(borders)), "spans that touch are merged"
    assert {byte for start, stop in spans.gaps(80) for byte in range(start, stop)} == set(range(80)) - model


@given(added=SPANS, start=st.integers(0, 80), length=st.integers(0, 20))
def test_covered_means_every_byte(added: list[tuple[int, int]], start: int, length: int) -> None:
    spans = SpanSet()
    for span in added:
        spans.add(*span)
    model = {byte for low, high in added for byte in range(low, high)}
    assert spans.covers(start, start + length) == (set(range(start, start + length)) <= model)


def fetched(lease: Lease, size_bytes: int) -> tuple[int, int]:
    start = lease.position
    lease.claimed = min(start + size_bytes, lease.stop or 0)
    lease.position = lease.claimed
    return start, lease.position


@given(
    total=st.integers(1, 40 * MIB),
    chunk_bytes=st.sampled_from([MIB // 2, MIB, 8 * MIB]),
    connections=st.integers(1, 8),
    seed=st.integers(0, 2**32),
)
def test_every_byte_is_fetched_once_whatever_breaks_off(
    total: int, chunk_bytes: int, connections: int, seed: int
) -> None:
    chance = random.Random(seed)
    queue = RangeQueue(chunk_bytes, connections)
    queue.fill([(0, total)])
    done, leases = SpanSet(), list[Lease]()
    while not queue.is_idle:
        if len(leases) < connections and (lease := queue.take()):
            leases.append(lease)
            continue
        lease = chance.choice(leases)
        start, stop = fetched(lease, chance.choice([MIB, MIB // 3, 4 * MIB]))
        assert not any(low < stop and start < high for low, high in done), "fetched twice"
        done.add(start, stop)
        if lease.position == lease.stop or chance.random() < 0.1:
            leases.remove(lease)
            queue.give_back(lease)
    assert done.covers(0, total)


def test_a_connection_without_work_takes_half_of_the_largest_piece() -> None:
    queue = RangeQueue(8 * MIB, 2)
    queue.fill([(0, 8 * MIB)])
    first = queue.take()
    second = queue.take()
    assert first is not None
    assert second is not None
    assert (first.start, first.stop, second.start, second.stop) == (0, 4 * MIB, 4 * MIB, 8 * MIB)


def test_a_piece_too_small_to_share_is_left_alone() -> None:
    queue = RangeQueue(MIB, 2)
    queue.fill([(0, 2 * SPLIT_BYTES - 1)])
    assert queue.take() is not None
    assert queue.take() is None


def test_bytes_that_are_being_written_are_not_given_away() -> None:
    queue = RangeQueue(8 * MIB, 2)
    queue.fill([(0, 4 * MIB)])
    first = queue.take()
    assert first is not None
    first.claimed = 3 * MIB
    second = queue.take()
    assert second is not None
    assert second.start >= 3 * MIB + SPLIT_BYTES


def test_requests_are_long_while_much_is_missing() -> None:
    queue = RangeQueue(8 * MIB, 8)
    queue.fill([(0, 2048 * MIB)])
    first = queue.take()
    assert first is not None
    assert first.left == 128 * MIB


def test_a_gap_can_be_taken_whole() -> None:
    queue = RangeQueue(MIB, 1)
    queue.fill([(5, 9 * MIB), (10 * MIB, 11 * MIB)])
    lease = queue.take(by_gaps=True)
    assert lease is not None
    assert (lease.start, lease.stop) == (5, 9 * MIB)
