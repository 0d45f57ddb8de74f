"""Forms of the pages: what people type, as values the services take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlencode

from django import forms

from mast import terms
from mast.archive.query import LARGEST_RADIUS_DEG, Query
from mast.archive.recognise import kind_of, program_in
from mast.archive.sky import parse_coordinates, parse_radius
from mast.errors import UserError
from mast.services import ImportRequest

KINDS = [
    ("auto", "Any of these"),
    ("target", "Target Name"),
    ("coordinates", "Coordinates"),
    ("observation", "Observation ID"),
    ("program", "Program ID"),
]
T = TypeVar("T")
Kind = Literal["target", "coordinates", "observation", "program"]


class SearchForm(forms.Form):
    """One box for four kinds of search; the URL it makes is the search."""

    kind = forms.ChoiceField(label="Search by", choices=KINDS, initial="auto", required=False, widget=forms.RadioSelect)
    q = forms.CharField(label="Search for", max_length=200)
    radius = forms.CharField(label="Radius", max_length=20, required=False, initial="0.2°")
    all_levels = forms.BooleanField(label="Show all calibration levels", required=False)

    def clean_radius(self) -> float:
        """The radius in degrees; bare numbers are degrees."""
        return _read(parse_radius, self.cleaned_data["radius"] or "0.2")

    def clean(self) -> dict[str, Any]:
        """Read the box as the kind says. Fields that failed on their own keep their own message."""
        values = self.cleaned_data
        text = values.get("q", "")
        self.was_read = values.get("kind", "") in {"", "auto"}
        if self.was_read:
            values["kind"] = kind_of(text)
        if text and values.get("kind") == "coordinates":
            values["position"] = self._field(parse_coordinates, text)
        elif text and values.get("kind") == "program":
            values["program_id"] = self._program(text)
        return values

    def _field(self, reader: Callable[[str], T], text: str) -> T | None:
        try:
            return _read(reader, text)
        except forms.ValidationError as exc:
            self.add_error("q", exc)
            return None

    def _program(self, text: str) -> str:
        program = program_in(text)
        if not program:
            self.add_error("q", "A program is a number, such as 2733.")
        return program

    @property
    def kind_label(self) -> str:
        """The kind in the words of the guide."""
        return dict(KINDS)[self.cleaned_data["kind"]]

    @property
    def other_kinds(self) -> list[tuple[str, str]]:
        """What the text might mean besides."""
        return [kind for kind in KINDS if kind[0] not in {"auto", self.cleaned_data["kind"]}]

    @property
    def bare_address(self) -> str:
        """The search without filters, order or page."""
        kept = {name: self.data[name] for name in self.fields if self.data.get(name)}
        return f"?{urlencode(kept)}#results"

    @property
    def is_cone(self) -> bool:
        return self.cleaned_data["kind"] in {"target", "coordinates"}

    @property
    def wider(self) -> float:
        """Twice the radius, for a search that found nothing."""
        radius_deg: float = self.cleaned_data["radius"]
        return min(radius_deg * 2, LARGEST_RADIUS_DEG)

    @property
    def levels(self) -> tuple[int, ...] | None:
        """The levels asked for; None is every level, which an observation named by its id always is."""
        values = self.cleaned_data
        if values["all_levels"] or values["kind"] == "observation":
            return None
        return tuple(int(level) for level in terms.SEARCH_LEVELS)

    @property
    def import_levels(self) -> str:
        """What the page's Import passes on: levels 1 to 3 with the toggle on, else those of the search."""
        if self.cleaned_data["all_levels"]:
            return ",".join(str(int(level)) for level in terms.ALL_IMPORT_LEVELS)
        return ",".join(str(level) for level in self.levels or ())

    def to_query(self) -> Query:
        values = self.cleaned_data
        kind = cast("Kind", values["kind"])
        if kind == "target":
            return Query(kind=kind, target_name=values["q"], radius_deg=values["radius"], calib_levels=self.levels)
        if kind == "coordinates":
            ra_deg, dec_deg = values["position"]
            return Query(
                kind=kind, ra_deg=ra_deg, dec_deg=dec_deg, radius_deg=values["radius"], calib_levels=self.levels
            )
        if kind == "observation":
            return Query(kind=kind, obs_id=values["q"], calib_levels=self.levels)
        return Query(kind=kind, program_id=values["program_id"], calib_levels=self.levels)


def _read(reader: Callable[[str], T], text: str) -> T:
    """A reader's refusal as the form's."""
    try:
        return reader(text)
    except UserError as exc:
        raise forms.ValidationError(exc.message) from exc


class ImportForm(forms.Form):
    """What to import: observations by name, or all that a search found, at the levels of the search that was shown.

    A plan's ticks come as `suffix`, those that stayed, and `seen`, all it showed: what was shown and not ticked is
    left out, and what another level brings besides is not.
    """

    levels = forms.RegexField(r"^\d(,\d)*$", required=False)
    source = forms.ChoiceField(choices=[(s.value, s.value) for s in terms.SourceChoice], required=False)
    tags = forms.CharField(max_length=500, required=False)

    def __init__(self, data: Any, found: Callable[[str], list[str]]) -> None:
        """`found` gives the observations of a search by its address."""
        fields = data.copy()
        fields["levels"] = ",".join(level for level in data.getlist("levels") if level)
        super().__init__(fields)
        # Any name may be asked for; whether MAST knows it is the service's answer to give.
        self.search = data.get("search", "")
        named = data.getlist("only") or (found(self.search) if self.search else data.getlist("obs_id"))
        self.wanted: tuple[str, ...] = tuple(dict.fromkeys(name.strip() for name in named if name.strip()))
        self.without = set(data.getlist("seen")) - set(data.getlist("suffix"))

    def clean(self) -> dict[str, Any]:
        if not self.wanted:
            raise forms.ValidationError("Choose at least one observation first.")
        return self.cleaned_data

    def requests(self) -> list[ImportRequest]:
        values = self.cleaned_data
        levels = tuple(int(level) for level in values["levels"].split(",")) if values["levels"] else None
        tags = tuple(tag.strip() for tag in values["tags"].split(",") if tag.strip())
        source = terms.SourceChoice(values["source"] or terms.SourceChoice.AUTO)
        return [ImportRequest(name, calib_levels=levels, source=source, tags=tags) for name in self.wanted]


class CurateForm(forms.Form):
    """What people add to a record: tags and a note."""

    tags = forms.CharField(label="Tags", max_length=500, required=False, help_text="separated by commas")
    notes = forms.CharField(label="Notes", required=False, max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}))

    def tag_names(self) -> list[str]:
        return list(dict.fromkeys(tag.strip()[:100] for tag in self.cleaned_data["tags"].split(",") if tag.strip()))
