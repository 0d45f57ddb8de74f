"""What a power cut may leave on a disk, after ALICE (Pillai and others, OSDI 2014).

`RecordingDisk` notes every step a transfer makes; `Platter` plays the notes back up to any moment and then loses what
no `fsync` had promised: a file's bytes since its last sync reach the disk in any order, block by block, or not at all;
its length may grow before its bytes do; names that were made or removed since the last sync of their directory may or
may not be there. What was synced stays. Nothing is assumed of any file system's order.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fault.disks import SteppingDisk

BLOCK_BYTES = 4096
DIRECTORY = -1


@dataclass(frozen=True)
class Noted:
    """One step that was done. `node` is the inode it was done to."""

    name: str
    node: int = 0
    path: Path = Path()
    offset: int = 0
    data: bytes = b""


class Notes:
    """What was done below one folder, by one process after the other."""

    def __init__(self) -> None:
        self.steps: list[Noted] = []
        self.lock = threading.RLock()
        self._nodes: dict[int, int] = {}
        """our own number of a file by the inode's, which is given to another file when the first is gone"""

    def add(self, noted: Noted) -> None:
        with self.lock:
            self.steps.append(noted)

    def born(self, inode: int) -> None:
        self._nodes[inode] = len(self.steps) + 1

    def node(self, fd: int) -> int:
        return self._nodes[os.fstat(fd).st_ino]

    def node_at(self, path: Path) -> int:
        return self._nodes[path.stat().st_ino]


class RecordingDisk(SteppingDisk):
    """The real disk, with notes."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self.notes = notes

    def step(self, name: str, do: Callable[..., Any], *arguments: Any) -> Any:
        note = getattr(self, f"_{name}", None)
        if note is None:
            return do(*arguments)
        with self.notes.lock:
            return note(do, *arguments)

    def _open_part(self, do: Callable[..., int], path: Path) -> int:
        is_new = not path.exists()
        fd = do(path)
        if is_new:
            self.notes.born(os.fstat(fd).st_ino)
        self.notes.add(Noted("create", self.notes.node(fd), path))
        return fd

    _open_journal = _open_part

    def _set_mode(self, do: Callable[..., None], fd: int, mode: int) -> None:
        do(fd, mode)
        self.notes.add(Noted("mode", self.notes.node(fd), offset=mode))

    def _set_size(self, do: Callable[..., None], fd: int, size_bytes: int) -> None:
        do(fd, size_bytes)
        self.notes.add(Noted("size", self.notes.node(fd), offset=size_bytes))

    def _write_at(self, do: Callable[..., None], fd: int, data: memoryview, offset: int) -> None:
        do(fd, data, offset)
        self.notes.add(Noted("write", self.notes.node(fd), offset=offset, data=bytes(data)))

    def _append(self, do: Callable[..., None], fd: int, line: bytes) -> None:
        offset = os.fstat(fd).st_size
        do(fd, line)
        self.notes.add(Noted("write", self.notes.node(fd), offset=offset, data=line))

    def _sync(self, do: Callable[..., None], fd: int) -> None:
        do(fd)
        self.notes.add(Noted("sync", self.notes.node(fd)))

    def _sync_dir(self, do: Callable[..., None], path: Path) -> None:
        do(path)
        self.notes.add(Noted("sync_dir", path=path))

    def _make_one_dir(self, do: Callable[..., None], path: Path, mode: int) -> None:
        do(path, mode)
        self.notes.add(Noted("mkdir", path=path))

    def _publish(self, do: Callable[..., None], part: Path, final: Path) -> None:
        do(part, final)
        self.notes.add(Noted("create", self.notes.node_at(final), final))

    def _remove(self, do: Callable[..., None], path: Path) -> None:
        do(path)
        self.notes.add(Noted("remove", path=path))


@dataclass
class Node:
    """An inode: its bytes and mode as they surely are on the disk, and what was done to it since its last sync."""

    durable: bytearray = field(default_factory=bytearray)
    mode: int = 0o600
    pending: list[Noted] = field(default_factory=list)

    def sync(self) -> None:
        for noted in self.pending:
            self.do(noted)
        self.pending = []

    def do(self, noted: Noted) -> None:
        if noted.name == "mode":
            self.mode = noted.offset
            return
        if noted.name == "size":
            del self.durable[noted.offset :]
        end = noted.offset + len(noted.data)
        if len(self.durable) < end:
            self.durable.extend(bytes(end - len(self.durable)))
        self.durable[noted.offset : end] = noted.data

    def after_power_loss(self, choose: Choice) -> Left:
        """One of the states it may be in."""
        node = Node(bytearray(self.durable), self.mode)
        for noted in choose.order(self.pending):
            for part in choose.parts(noted):
                node.do(part)
        return Left(bytes(node.durable), node.mode)


@dataclass(frozen=True)
class Left:
    """What a power cut left under a name; a directory has no content."""

    content: bytes | None = None
    mode: int = 0o755


@dataclass
class Directory:
    """Its names as they surely are, and those made (inode) or removed (None) since its last sync."""

    durable: dict[str, int | None] = field(default_factory=dict)
    pending: list[tuple[str, int | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.durable.update(self.pending)
        self.pending = []

    def after_power_loss(self, choose: Choice) -> dict[str, int]:
        names = {**self.durable, **dict(choose.some(self.pending))}
        return {name: node for name, node in names.items() if node is not None}


class Choice:
    """How the disk decides about what was not synced. `how`: all of it is lost, all is kept, or any part of it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.how = chance.choice(["lost", "kept", "any", "any", "any", "blocks", "blocks"])

    def some(self, pending: Iterable[Any]) -> list[Any]:
        if self.how in {"lost", "kept"}:
            return list(pending) if self.how == "kept" else []
        return [noted for noted in pending if self._chance.random() < 0.5]

    def order(self, pending: list[Noted]) -> list[Noted]:
        chosen = self.some(pending)
        # Lengths first: a file may have grown before its bytes arrive, and never shrinks over bytes that did.
        return sorted(chosen, key=lambda noted: noted.name != "size") if self.how == "blocks" else chosen

    def parts(self, noted: Noted) -> list[Noted]:
        """A write, or the blocks of it that arrived; the length it brings arrives with any of them."""
        if noted.name != "write" or self.how != "blocks":
            return [noted]
        whole = [Noted("grow", noted.node, offset=noted.offset + len(noted.data))]
        for start in range(0, len(noted.data), BLOCK_BYTES):
            if self._chance.random() < 0.5:
                piece = noted.data[start : start + BLOCK_BYTES]
                whole.append(Noted("write", noted.node, offset=noted.offset + start, data=piece))
        return whole


class Platter:
    """The disk below one folder after these steps."""

    def __init__(self, root: Path, steps: list[Noted]) -> None:
        self.root = root
        self.nodes: dict[int, Node] = {}
        self.directories: dict[Path, Directory] = {root: Directory()}
        self.registered: list[Path] = []
        """final names that were called complete by then"""
        for noted in steps:
            self._play(noted)

    def _play(self, noted: Noted) -> None:
        if noted.name == "registered":
            self.registered.append(noted.path)
        elif noted.name == "mkdir":
            self.directories.setdefault(noted.path, Directory())
            self._name(noted.path, DIRECTORY)
        elif noted.name == "create":
            self.nodes.setdefault(noted.node, Node())
            self._name(noted.path, noted.node)
        elif noted.name == "remove":
            self._name(noted.path, None)
        elif noted.name == "sync":
            self.nodes[noted.node].sync()
        elif noted.name == "sync_dir":
            self._directory(noted.path).sync()
        else:
            self.nodes[noted.node].pending.append(noted)

    def _directory(self, path: Path) -> Directory:
        # Directories above the root were there before.
        return self.directories.get(path, Directory())

    def _name(self, path: Path, node: int | None) -> None:
        directory = self._directory(path.parent)
        if {**directory.durable, **dict(directory.pending)}.get(path.name) != node:
            directory.pending.append((path.name, node))

    def after_power_loss(self, chance: random.Random) -> dict[Path, Left]:
        """One of the states the disk may be in, by path below the root."""
        choose = Choice(chance)
        files = {number: node.after_power_loss(choose) for number, node in self.nodes.items()}
        left: dict[Path, Left] = {}
        self._collect(self.root, choose, files, left)
        return left

    def _collect(self, folder: Path, choose: Choice, files: dict[int, Left], left: dict[Path, Left]) -> None:
        for name, node in self.directories[folder].after_power_loss(choose).items():
            path = folder / name
            left[path.relative_to(self.root)] = files.get(node, Left())
            if node == DIRECTORY:
                self._collect(path, choose, files, left)


def lay_out(left: dict[Path, Left], folder: Path) -> None:
    """Make a folder that looks like this."""
    folder.mkdir()
    for path, what in left.items():
        if what.content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(what.content)
            (folder / path).chmod(what.mode)
