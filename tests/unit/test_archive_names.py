"""Target names and observation ids as people write them."""

from __future__ import annotations

import csv
import itertools
import lzma
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast.archive import names, sky
from mast.archive.identifiers import read_identifier

L3 = "jw02733-o001_t001_nircam_clear-f090w"
EXPOSURE = "jw02733001001_02101_00001_nrcb1"


@pytest.mark.parametrize(
    ("typed", "usual"),
    [
        ("NGC3132", "NGC 3132"),
        ("ngc-3132", "NGC 3132"),
        ("NGC 3132", "NGC 3132"),
        ("  ngc_3132 ", "NGC 3132"),
        ("NGC\u20113132", "NGC 3132"),
        ("NGC 0315", "NGC 315"),
        ("m16", "M 16"),
        ("Messier 16", "M 16"),
        ("ic434", "IC 434"),
        ("ngc1275a", "NGC 1275A"),
        ("hd189733", "HD 189733"),
        ("HD189733b", "HD 189733 b"),
        ("wasp39b", "WASP-39 b"),
        ("WASP-96", "WASP-96"),
        ("TOI 270", "TOI-270"),
        ("Carina   Nebula", "Carina Nebula"),
        ("SMACS J0723.3−7327", "SMACS J0723.3-7327"),
        ("2MASS-J10372186-6939563", "2MASS-J10372186-6939563"),
    ],
)
def test_names_get_the_spelling_resolvers_like(typed: str, usual: str) -> None:
    assert names.normalise_target(typed) == usual
    assert names.normalise_target(usual) == usual


@pytest.mark.parametrize("typed", ["NGC3132", "ngc-3132", "NGC 3132", "southern ring nebula", "Southern Ring"])
def test_every_spelling_of_a_well_known_name_finds_its_place(typed: str) -> None:
    place = names.well_known(typed)
    assert place is not None
    assert place.name == "NGC 3132"
    assert sky.separation(place.ra_deg, place.dec_deg, 151.7575, -40.4364) < 0.02


def test_a_name_nobody_knows_has_no_place_but_likely_ones() -> None:
    assert names.well_known("NGC 31322") is None
    assert "NGC 3132" in names.suggestions("NGC 3123")
    assert "Carina Nebula" in names.suggestions("Carena Nebula")
    assert names.suggestions("qqqqqq") == []


def test_the_table_is_in_the_sky_and_of_useful_size() -> None:
    places = set(names.places())
    assert len(places) >= 140
    assert all(0 <= place.ra_deg < 360 and -90 <= place.dec_deg <= 90 for place in places)
    assert all(names.normalise_target(place.name) for place in places)


def test_no_two_places_of_the_table_share_a_name_or_nearly_a_position() -> None:
    places = sorted(set(names.places()), key=lambda place: place.dec_deg)
    for earlier, later in itertools.pairwise(places):
        if earlier.name != later.name:
            apart = sky.separation(earlier.ra_deg, earlier.dec_deg, later.ra_deg, later.dec_deg)
            assert apart > 0.001, (earlier.name, later.name)


def test_the_table_agrees_with_where_jwst_pointed(shared_data: Path) -> None:
    """Recorded exposures of targets that the table has, within what it promises."""
    compared: dict[str, float] = {}
    for path in sorted((shared_data / "observations" / "mast_jwst_keywords").glob("nirspec*")):
        content = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        for row in csv.DictReader(StringIO(content.decode())):
            place = names.well_known(row["targprop"])
            if place and row["targ_ra"]:
                pointed = float(row["targ_ra"]), float(row["targ_dec"])
                compared[place.name] = sky.separation(place.ra_deg, place.dec_deg, *pointed)
    print(f"compared {len(compared)} well-known targets with recorded pointings")
    assert compared
    assert max(compared.values()) < 5 / 60


@given(st.text(max_size=60))
def test_any_text_is_a_name(text: str) -> None:
    usual = names.normalise_target(text)
    assert names.lookup_key(usual) == names.lookup_key(text)
    names.well_known(text)
    names.suggestions(text)


# --- observation ids --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        (L3, L3),
        (f" {L3.upper()} ", L3),
        (f"{L3}_i2d.fits", L3),
        (f"{L3}_i2d.jpg", L3),
        (f"{L3}_i2d_thumb.jpg", L3),
        (f"{L3}_cat.ecsv", L3),
        (f"{L3}_i2d", L3),
        (f"mast:JWST/product/{L3}_i2d.fits", L3),
        (f"https://mast.stsci.edu/api/v0.1/Download/file?uri=mast:JWST/product/{L3}_i2d.fits", L3),
        ("jw02733-o002_t001_miri_f770w", "jw02733-o002_t001_miri_f770w"),
        ("jw02733-c1006_t001_nircam_clear-f090w_segm.fits", "jw02733-c1006_t001_nircam_clear-f090w"),
        ("jw05224-o004_s000277193_nirspec_clear-prism", "jw05224-o004_s000277193_nirspec_clear-prism"),
        ("jw05224-o004_s000277193_nirspec_clear-prism_x1d.fits", "jw05224-o004_s000277193_nirspec_clear-prism"),
        ("jw01366-o002_t001-s000000001_nirspec_f290lp-g395h", "jw01366-o002_t001-s000000001_nirspec_f290lp-g395h"),
        ("jw02733-o001", "jw02733-o001_*"),
        ("jw02733-c1006", "jw02733-c1006_*"),
        ("jw02733*", "jw02733*"),
        ("JW02733-*_NIRCAM_*", "jw02733-*_nircam_*"),
        ("jw05224-o004_20251221t142913_spec3_00001_asn.json", "jw05224-o004_*"),
        (EXPOSURE, EXPOSURE),
        (f"{EXPOSURE}_cal.fits", EXPOSURE),
        (f"{EXPOSURE}_uncal.fits", EXPOSURE),
        (f"{EXPOSURE}_rate", EXPOSURE),
        (f"{EXPOSURE}_o001_crf.fits", EXPOSURE),
        (f"{EXPOSURE}_cal_thumb.jpg", EXPOSURE),
        ("jw02733001001_02101_00001", "jw02733001001_02101_00001*"),
        ("jw01274002001_03101_00001-seg003_nrs1_uncal.fits", "jw01274002001_03101_00001-seg003_nrs1"),
        ("jw02733001001", "jw02733001001*"),
        ("jw02733001", "jw02733001*"),
        ("jw05224004001_01_msa.fits", "jw05224004001*"),
        ("jw02733001001_gs-track_2022154032911_cal.fits", "jw02733001001*"),
        ("something_else", "something_else"),
    ],
)
def test_every_form_of_an_observation_is_read(typed: str, pattern: str) -> None:
    assert read_identifier(typed).pattern == pattern


@pytest.mark.parametrize("typed", ["2733", "02733", "jw02733", "JW02733", "jw05224_20251221t142913_pool.csv"])
def test_a_program_is_one_wherever_it_is_typed(typed: str) -> None:
    wanted = read_identifier(typed)
    assert wanted.pattern == ""
    assert wanted.program in {"2733", "5224"}
    assert wanted.read_as


def test_an_exposure_knows_its_program_observation_and_instrument() -> None:
    wanted = read_identifier(f"{EXPOSURE}_cal.fits")
    assert (wanted.program, wanted.obs, wanted.instrument, wanted.exposure) == ("2733", "001", "NIRCAM", EXPOSURE)
    assert "file" in wanted.read_as
    assert read_identifier("jw02733002001_02101_00001_mirimage").instrument == "MIRI"
    assert read_identifier("jw02733002001_02101_00001").instrument == ""


def test_an_id_as_it_stands_needs_no_explanation() -> None:
    assert read_identifier(L3).read_as == ""
    assert read_identifier(EXPOSURE).read_as == ""


def test_every_recorded_file_name_leads_to_the_observation_that_lists_it(shared_data: Path) -> None:
    with (shared_data / "products" / "momz14_caom_products_5224.csv").open(newline="") as lines:
        products = list(csv.DictReader(lines))
    for row in products:
        wanted = read_identifier(row["productFilename"])
        assert wanted.program == "5224", row["productFilename"]
        if wanted.pattern and row["productSubGroupDescription"] not in {"ASN", "MSA"}:
            own = wanted.pattern.removesuffix("*")
            assert row["obs_id"].startswith(own), row["productFilename"]


@given(st.text(alphabet="jw0123456789-_*ocst.fitsnrbmacl/", max_size=50) | st.text(max_size=50))
def test_any_text_is_an_id_of_some_kind(text: str) -> None:
    wanted = read_identifier(text)
    assert isinstance(wanted.pattern, str)
    assert wanted.program == "" or wanted.program.isalnum() or wanted.program
