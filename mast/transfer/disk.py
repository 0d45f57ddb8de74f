"""The few things a transfer does to a disk, in one place, so that tests can make each of them fail."""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from mast.errors import DiskFull, FileError

RESERVED_FROM: Final = 1 << 20
"""smaller files come with one write, which finds out by itself"""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_fallocate: Final = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
if _fallocate is not None:
    _fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


class disk_errors:  # noqa: N801 - read as a statement
    """Turn what the file system raises into `DiskFull` or `FileError`.

    A class, for it is entered ten times for every small file: a generator takes three times as long.
    """

    __slots__ = ("_doing",)

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            doing = self._doing
            if error.errno in _NO_ROOM:
                raise DiskFull(f"The disk is full: {doing} was not possible.") from error
            raise FileError(f"{doing[:1].upper()}{doing[1:]} failed: {error.strerror or error}.") from error


class Disk:
    """Positioned reads and writes, appends, syncs and the one rename. Errors are `FileError`s."""

    def __init__(self) -> None:
        self._named: set[Path] = set()
        """directories whose own names are known to be on the disk"""

    def open_part(self, path: Path) -> int:
        """Open for reading and writing, made when missing, for this user only."""
        with disk_errors(f"opening {path.name}"):
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            with suppress(FileExistsError):
                return os.open(path, flags | os.O_EXCL, 0o600)
            path.chmod(0o600)
            return os.open(path, flags, 0o600)

    def open_journal(self, path: Path) -> int:
        """Open for reading and for appending, made when missing, for this user only."""
        with disk_errors(f"opening {path.name}"):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def set_mode(self, fd: int, mode: int) -> None:
        with disk_errors("setting the file's permissions"):
            os.fchmod(fd, mode)

    def set_size(self, fd: int, size_bytes: int) -> None:
        """The length, with its blocks set aside where the file system can: a disk that is too small says so now."""
        with disk_errors("making room for the file"):
            if size_bytes > RESERVED_FROM and size_bytes > os.fstat(fd).st_size:
                _set_aside(fd, size_bytes)
            os.ftruncate(fd, size_bytes)

    def write_at(self, fd: int, data: memoryview, offset: int) -> None:
        """Write all of `data`, however short the single writes are."""
        with disk_errors("writing the part file"):
            while data:
                written = os.pwrite(fd, data, offset)
                data = data[written:]
                offset += written

    def read_at(self, fd: int, count: int, offset: int) -> bytes:
        """`count` bytes, or fewer where the file ends."""
        with disk_errors("reading the part file back"):
            data = os.pread(fd, count, offset)
            while len(data) < count and (more := os.pread(fd, count - len(data), offset + len(data))):
                data += more
        return data

    def append(self, fd: int, line: bytes) -> None:
        """One write at the end of a file opened with O_APPEND; a torn line is told by its own checksum."""
        with disk_errors("writing the journal"):
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, "short write")

    def sync(self, fd: int) -> None:
        with disk_errors("syncing the file"):
            os.fsync(fd)

    def sync_file(self, path: Path) -> None:
        """Sync a file that nobody holds open, and its name."""
        with disk_errors(f"opening {path.name}"):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.sync(fd)
        finally:
            os.close(fd)
        self.sync_dir(path.parent)

    def sync_dir(self, path: Path) -> None:
        with disk_errors("syncing the directory"):
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def make_dir(self, path: Path, mode: int) -> None:
        """Make a directory and those above it, each synced into its parent before anything is made in it."""
        is_there = path.is_dir()
        if is_there and path in self._named:
            return
        if not is_there:
            self.make_dir(path.parent, mode)
            self.make_one_dir(path, mode)
        # One that is there may be of a process that was killed here. Above what we may not read nothing is ours.
        if not is_there or os.access(path.parent, os.R_OK):
            self.sync_dir(path.parent)
        self._named.add(path)

    def make_one_dir(self, path: Path, mode: int) -> None:
        with disk_errors(f"making the directory {path.name}"):
            path.mkdir(exist_ok=True)
            path.chmod(mode)

    def publish(self, part: Path, final: Path) -> None:
        """Give the file its final name, never over one that is there (`FileExistsError`). The part's name may stay."""
        try:
            with disk_errors("naming the finished file"):
                _link(part, final)
        except FileError as exc:
            if isinstance(exc.__cause__, FileExistsError):
                raise exc.__cause__ from None
            raise

    def remove(self, path: Path) -> None:
        with disk_errors(f"removing {path.name}"):
            path.unlink(missing_ok=True)

    def free_bytes(self, path: Path) -> int:
        with disk_errors("asking for free space"):
            stat = os.statvfs(path)
        return stat.f_bavail * stat.f_frsize


def _set_aside(fd: int, size_bytes: int) -> None:
    """`fallocate`, not `posix_fallocate`: where a file system cannot, that one writes into every block instead."""
    if _fallocate is not None and _fallocate(fd, 0, 0, size_bytes):
        number = ctypes.get_errno()
        if number in _NO_ROOM:
            raise OSError(number, os.strerror(number))


def _link(part: Path, final: Path) -> None:
    """A hard link fails where the name exists; file systems without links get the check and a rename."""
    try:
        final.hardlink_to(part)
    except OSError as exc:
        if exc.errno not in _NO_LINKS:
            raise
        if final.exists():
            raise FileExistsError(errno.EEXIST, "the name is taken", str(final)) from exc
        part.rename(final)


DISK: Final = Disk()
