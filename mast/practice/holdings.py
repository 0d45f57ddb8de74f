"""The practice archive's own holdings: rows, product lists, files by name."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import IO, NamedTuple

from mast.practice import catalogue, making, names, products, sphere
from mast.practice.catalogue import Observation, with_members
from mast.practice.columns import Row
from mast.practice.making import Program
from mast.practice.products import Product
from mast.practice.subject import Subject


class Held(NamedTuple):
    """A file by its name: what it shows, how long it is, who may have it."""

    subject: Subject
    size_bytes: int
    is_exclusive: bool
    key: str | None
    """key in the bucket, None when path lookup does not know it"""
    in_bucket: bool
    make: Callable[[IO[bytes]], None] | None = None
    """writes the file when it is first fetched"""
    path: Path | None = None
    """of a recorded file that lies on disk already"""


class Catalogue:
    """The table of `catalogue.txt`, expanded as far as somebody asked."""

    def __init__(self, text: str | None = None) -> None:
        self._observations = catalogue.read(text if text is not None else catalogue.TABLE.read_text("utf-8"))
        self._lists: dict[str, list[Row]] = {}
        self._files: dict[str, Held] = {}
        self._lock = threading.RLock()

    @cached_property
    def _rows(self) -> list[Row]:
        return [one.row(*products.file_names(one)) for one in self._observations]

    @cached_property
    def _by_obsid(self) -> dict[str, tuple[Observation, Row]]:
        return {one.obsid: (one, row) for one, row in zip(self._observations, self._rows, strict=True)}

    @cached_property
    def _regions(self) -> dict[str, tuple[sphere.Shape, ...]]:
        return {one.obsid: sphere.read_region(one.s_region) for one in self._observations}

    @cached_property
    def _by_program(self) -> dict[str, list[Observation]]:
        programs: dict[str, list[Observation]] = defaultdict(list)
        for one in self._observations:
            programs[one.program.prefix].append(one)
        return programs

    def observations(self) -> list[Row]:
        return self._rows

    def region(self, obsid: str) -> tuple[sphere.Shape, ...]:
        return self._regions[obsid]

    def resolve(self, name: str) -> list[Row]:
        return names.resolve(name, self._rows)

    def products(self, obsid: str) -> list[Row]:
        """The product list of an observation, or of a member exposure by its own number."""
        if obsid in self._by_obsid:
            return self._list(self._by_obsid[obsid][0])
        for prefix in self._by_program:
            self._expand(prefix)
        listed = {row["dataURI"]: row for rows in self._lists.values() for row in rows if row["obsID"] == obsid}
        return [row | {"parent_obsid": obsid} for row in listed.values()]

    def _list(self, observation: Observation) -> list[Row]:
        self._expand(observation.program.prefix)
        return self._lists[observation.obsid]

    def _expand(self, prefix: str) -> None:
        """All lists of a program, in order: a file that several list belongs to the first, whatever was asked first."""
        with self._lock:
            if self._by_program[prefix][0].obsid in self._lists:
                return
            program = Program(with_members(self._by_program[prefix]))
            for one in program.observations:
                listed = products.of_observation(one)
                self._lists[one.obsid] = [self._listed(one, program, *entry) for entry in listed]

    def _listed(self, one: Observation, program: Program, obsid: str, obs_id: str, product: Product) -> Row:
        name = product.file_name
        held = self._files.get(name)
        if held is None:
            subject = Subject(name, self._by_obsid[one.obsid][1], one.target.scene)
            size = making.size_of(subject, program)
            make = partial(making.write, subject, program, size)
            held = self._files[name] = Held(subject, size, one.is_exclusive, *_bucket(name, one), make)
        return products.row(one, obsid, obs_id, product, held.size_bytes)

    def find(self, file_name: str) -> Held | None:
        """The file of this name, or None when no product list has it."""
        if file_name[:7] in self._by_program:
            self._expand(file_name[:7])
        return self._files.get(file_name)


def _bucket(file_name: str, observation: Observation) -> tuple[str | None, bool]:
    """Key in the bucket and whether the object is there: pools have no path, MIRI's catalogues no object at theirs."""
    if file_name.endswith("_pool.csv"):
        return None, False
    is_missing = "_miri_" in file_name and file_name.endswith("_cat.ecsv")
    return key_of(file_name), not observation.is_exclusive and not is_missing


def key_of(file_name: str) -> str:
    """Keys as path lookup gives them for recorded files: exposures by visit, combined products by candidate."""
    program, _, candidate = file_name.partition("_")[0].partition("-")
    if not candidate:
        return f"jwst/public/{file_name[:7]}/{file_name[:13]}/{file_name}"
    if file_name.endswith("_asn.json"):
        return f"jwst/public/{program}/asn/{file_name}"
    kind = file_name.partition("_")[2][0]
    return f"jwst/public/{program}/L3/{kind if kind in 'tsbv' else 't'}/{candidate}/{file_name}"
