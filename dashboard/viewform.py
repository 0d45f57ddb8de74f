"""The forms of the viewer: every choice of how to show a plane. Their address is the view, with scripts and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from django import forms

from mast.errors import BadQuery
from mast.fits.options import COLORMAPS, INVERTED, STRETCHES, Look, parse_limits, plane_text
from mast.fits.plan import Plan

WIDTHS = [(width, str(width)) for width in (512, 1024, 2048, 4096)]
LIMITS = [
    ("zscale", "as IRAF and DS9 choose them"),
    ("minmax", "everything"),
    ("99.5%", "without the faintest and brightest ¼ %"),
    ("98%", "without the faintest and brightest 1 %"),
]

OTHERS = "other"


class LookForm(forms.Form):
    """How values become colours. Every choice has a default, so an empty form is the first picture."""

    stretch = forms.ChoiceField(label="Stretch", choices=[(name, name) for name in STRETCHES], required=False)
    limits = forms.CharField(label="Limits", max_length=60, required=False)
    gamma = forms.FloatField(label="Gamma", min_value=0.1, max_value=10, required=False)
    cmap = forms.ChoiceField(label="Colour map", required=False)

    defaults: ClassVar[Mapping[str, Any]] = {"stretch": "asinh", "limits": "zscale", "gamma": "1", "cmap": "gray"}

    def __init__(self, data: Any, **more: Any) -> None:
        super().__init__({name: data.get(name) or default for name, default in {**self.defaults, **more}.items()})
        self.fields["limits"].widget.attrs |= {"list": "limits-known", "spellcheck": "false", "autocomplete": "off"}
        self.fields["gamma"].widget.attrs["step"] = "0.1"
        self._offer("cmap", [(name + end, name + end) for name in COLORMAPS for end in ("", INVERTED)])

    def _offer(self, name: str, choices: Sequence[tuple[str, Any]]) -> None:
        cast("forms.ChoiceField", self.fields[name]).choices = list(choices)

    def clean_limits(self) -> str:
        """The text itself, once it is known to name limits."""
        text: str = self.cleaned_data["limits"]
        try:
            Look(limits=parse_limits(text))
        except BadQuery as exc:
            raise forms.ValidationError(exc.message) from exc
        return text

    def options(self) -> dict[str, Any]:
        """The choices as the preview route takes them; `BadQuery` for one it does not know."""
        if not self.is_valid():
            problems = {name: str(found[0]) for name, found in self.errors.items()}
            raise BadQuery("The picture cannot be shown like that.", fields=problems)
        return {name: value for name, value in self.cleaned_data.items() if value not in {"", None}}


class ViewForm(LookForm):
    """How to show a plane of a file: which, how large, and how its values become colours."""

    hdu = forms.TypedChoiceField(label="HDU", coerce=int, required=False)
    plane = forms.CharField(label="Plane", max_length=40, required=False)
    width = forms.TypedChoiceField(label="Width (pixels)", choices=WIDTHS, coerce=int, required=False)

    field_order = ("hdu", "plane", "stretch", "limits", "gamma", "cmap", "width")

    def __init__(self, data: Any, *, plan: Plan) -> None:
        # Another HDU has planes of its own; the preview knows its first.
        first = plane_text(plan.view.plane) if data.get("hdu") in {None, str(plan.view.hdu)} else ""
        super().__init__(data, hdu=plan.view.hdu, plane=first, width=2048)
        images = [hdu for hdu in plan.hdus if hdu.is_image]
        asked = str(data.get("hdu") or plan.view.hdu)
        shape = next((hdu.shape for hdu in images if str(hdu.index) == asked), ())
        if len(shape) <= 2:
            del self.fields["plane"]
        else:
            self.fields["plane"].label = "Plane of " + " × ".join(str(length) for length in shape[:-2])
        self._offer("hdu", [(str(hdu.index), f"{hdu.index} {hdu.label}") for hdu in images])

    def name_versions(self, versions: Sequence[Mapping[str, Any]], images: Sequence[Mapping[str, Any]]) -> None:
        """Group the HDUs of a multi-slit file by slit, source or order: it has many of the same name."""
        groups: dict[str, list[tuple[str, str]]] = {str(version["label"]): [] for version in versions}
        labels = {version["ver"]: str(version["label"]) for version in versions}
        for image in images:
            group = labels.get(image["ver"], OTHERS)
            groups.setdefault(group, []).append((str(image["hdu"]), f"{image['hdu']} {image['label']}"))
        if versions:
            self._offer("hdu", [(label, choices) for label, choices in groups.items() if choices])
