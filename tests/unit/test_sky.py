"""Coordinates as people write them, against astropy where astropy reads them too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast import errors
from mast.archive import sky

NGC_3132 = (151.7575, -40.4363889)
RA_SECONDS = st.integers(0, 24 * 36000 - 1)
DEC_SECONDS = st.integers(-90 * 3600, 90 * 3600)
FINITE_RA = st.floats(0, 360, exclude_max=True)
FINITE_DEC = st.floats(-90, 90)


@pytest.mark.parametrize(
    "text",
    [
        "10h07m01.8s -40d26m11s",
        "10h07m01.8s −40d26m11s",
        "10h07m01.8s, -40d26m11s",
        "10h 07m 01.8s -40d 26m 11s",
        "10:07:01.8 -40:26:11",
        "10:07:01.8,-40:26:11",
        "10:07:01.8-40:26:11",
        "10 07 01.8 -40 26 11",
        "10 07 01.8, -40 26 11",
        "10 07 01.8 − 40 26 11",
        "J100701.8-402611",
        "J100701.80−402611.0",
        "100701.8-402611",
        "J10:07:01.8 -40:26:11",
        "10h07m01.8s -40°26'11\"",
        "10ʰ07ᵐ01.8ˢ −40°26′11″",
        "10h07m01.8s -40° 26' 11''",
        "  10H07M01.8S   -40D26M11S ",
        "ICRS 10:07:01.8 -40:26:11",
        "RA 10:07:01.8 Dec -40:26:11",
        "RA=10h07m01.8s, Dec=-40d26m11s",
        "10:07:01.8 -40:26:11 J2000",
        "151d45m27s -40d26m11s",
    ],
)
def test_sexagesimal_coordinates_are_read_in_every_form(text: str) -> None:
    assert sky.parse_coordinates(text) == pytest.approx(NGC_3132, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "151.7575 -40.4364",
        "+151.7575 −40.4364",
        "151.7575, -40.4364",
        "151.7575,-40.4364",
        "151.7575d -40.4364d",
        "151.7575° −40.4364°",
        "151.7575 deg -40.4364 deg",
        "151.7575-40.4364",
        "1.517575e2 -4.04364e1",
        "10.117166666666667h -40.4364d",
        "151.7575 -40d26m11.04s",
        "10:07:01.8 -40.4364",
    ],
)
def test_degrees_are_read_in_every_form(text: str) -> None:
    assert sky.parse_coordinates(text) == pytest.approx((151.7575, -40.4364), abs=1e-6)


@pytest.mark.parametrize(
    ("text", "ra", "dec"),
    [
        ("10.5 20.5", 10.5, 20.5),
        ("10 20", 10.0, 20.0),
        ("5 -5", 5.0, -5.0),
        ("0.01 0.01", 0.01, 0.01),
        ("24 0", 24.0, 0.0),
        ("1e-05 -1e-05", 1e-05, -1e-05),
    ],
)
def test_two_plain_numbers_are_degrees_and_never_hours(text: str, ra: float, dec: float) -> None:
    assert sky.parse_coordinates(text) == pytest.approx((ra, dec), abs=1e-12)


def test_astropy_told_of_hours_falls_into_the_trap_that_ours_does_not() -> None:
    from astropy.coordinates import SkyCoord

    trapped = SkyCoord("151.7575 -40.4364", unit=("hourangle", "deg"))
    assert trapped.ra.deg == pytest.approx(116.3625)
    assert sky.parse_coordinates("151.7575 -40.4364")[0] == pytest.approx(151.7575)


def test_four_numbers_are_hours_minutes_degrees_minutes() -> None:
    assert sky.parse_coordinates("10 07.03 -40 26.2") == pytest.approx((151.7575, -40.436667), abs=1e-5)
    assert sky.parse_coordinates("10h07m -40d26m") == pytest.approx((151.75, -40.433333), abs=1e-5)


def test_minus_nought_degrees_is_south() -> None:
    assert sky.parse_coordinates("00:00:00 -00:30:00") == (0.0, -0.5)
    assert sky.parse_coordinates("J000000.0-003000")[1] == -0.5


def test_right_ascension_360_is_0() -> None:
    assert sky.parse_coordinates("360 10") == (0.0, 10.0)
    assert sky.parse_coordinates("24:00:00 +10:00:00") == (0.0, 10.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "NGC 3132",
        "nan nan",
        "inf -inf",
        "NaN 10",
        "151.7575",
        "151.7575 -40.4364 3",
        "1 2 3 4 5",
        "360.1 0",
        "-0.5 0",
        "10 91",
        "10 -90.0001",
        "25:00:00 00:00:00",
        "10:60:00 00:00:00",
        "10:00:60 00:00:00",
        "10:00:00 00:00:60",
        "10.5:07:01 -40:26:11",
        "10:07.5:01 -40:26:11",
        "10:07:01.8 -40h26m11s",
        "10.5 -40:26:11",
        "1e999 0",
        "10h07m01.8s",
        "١٢ ٣٤",
        "10;drop -40",
        "9" * 5000 + " 1",
    ],
)
def test_what_is_no_position_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(errors.BadQuery) as caught:
        sky.parse_coordinates(text)
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 200


@given(st.text(max_size=40))
def test_any_text_is_a_position_or_a_plain_refusal(text: str) -> None:
    try:
        ra, dec = sky.parse_coordinates(text)
    except errors.BadQuery:
        return
    assert 0 <= ra < 360
    assert -90 <= dec <= 90


@given(st.text(alphabet="0123456789.:+- hmsdJ°'\"e,−", max_size=30))
def test_anything_made_of_the_signs_of_coordinates_is_a_position_or_a_plain_refusal(text: str) -> None:
    try:
        ra, dec = sky.parse_coordinates(text)
    except errors.BadQuery:
        return
    assert 0 <= ra < 360
    assert -90 <= dec <= 90


@given(FINITE_RA, FINITE_DEC)
def test_degrees_survive_being_written_by_a_script(ra: float, dec: float) -> None:
    assert sky.parse_coordinates(f"{ra} {dec}") == (ra, dec)


@given(RA_SECONDS, DEC_SECONDS)
def test_what_is_written_reads_back(tenths: int, arcseconds: int) -> None:
    ra, dec = tenths / 2400, arcseconds / 3600
    assert sky.parse_coordinates(sky.format_position(ra, dec)) == pytest.approx((ra, dec), abs=1e-9)


@given(FINITE_RA, FINITE_DEC)
def test_sexagesimal_text_means_to_astropy_what_it_means_to_us(ra: float, dec: float) -> None:
    from astropy.coordinates import SkyCoord

    text = sky.format_position(ra, dec).replace("−", "-")
    theirs = SkyCoord(text)
    assert sky.parse_coordinates(text) == pytest.approx((theirs.ra.deg % 360, theirs.dec.deg), abs=1e-9)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 5999), st.integers(-89, 89), st.integers(0, 59))
def test_colons_and_spaces_mean_to_astropy_what_they_mean_to_us(
    hour: int, minute: int, hundredths: int, degree: int, arcminute: int
) -> None:
    from astropy.coordinates import SkyCoord

    for joint in ":", " ":
        ra = joint.join((f"{hour:02d}", f"{minute:02d}", f"{hundredths / 100:05.2f}"))
        dec = joint.join((f"{degree:+03d}", f"{arcminute:02d}", "07.5"))
        theirs = SkyCoord(f"{ra} {dec}", unit=("hourangle", "deg"))
        assert sky.parse_coordinates(f"{ra} {dec}") == pytest.approx((theirs.ra.deg, theirs.dec.deg), abs=1e-9)


@pytest.mark.parametrize(
    ("ra", "dec", "written"),
    [
        (151.7575, -40.43639, "10h07m01.8s −40d26m11s"),
        (151.7498333, 0.0, "10h07m00.0s +00d00m00s"),
        (0.0, 0.0, "00h00m00.0s +00d00m00s"),
        (359.99999, 89.99999, "00h00m00.0s +90d00m00s"),
        (14.9998333, -0.99999, "01h00m00.0s −01d00m00s"),
        (10.0, -0.0001, "00h40m00.0s +00d00m00s"),
        (10.0, -0.0002, "00h40m00.0s −00d00m01s"),
    ],
)
def test_rounding_carries_over_and_never_prints_sixty(ra: float, dec: float, written: str) -> None:
    assert sky.format_position(ra, dec) == written


@given(FINITE_RA, FINITE_DEC)
def test_written_positions_lie_within_half_a_unit_of_the_last_place(ra: float, dec: float) -> None:
    written = sky.format_position(ra, dec)
    assert "60" not in written.replace("h", " ").replace("m", " ").split()
    back_ra, back_dec = sky.parse_coordinates(written)
    assert min(abs(back_ra - ra), 360 - abs(back_ra - ra)) <= 0.05 * 15 / 3600 + 1e-9
    assert abs(back_dec - dec) <= 0.5 / 3600 + 1e-9


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("0.1", 0.1),
        ("0.1d", 0.1),
        ("0.1°", 0.1),
        ("0.1 deg", 0.1),
        ("6'", 0.1),
        ("6′", 0.1),
        ("6arcmin", 0.1),
        ("6 arcmin", 0.1),
        ("6m", 0.1),
        ('30"', 30 / 3600),
        ("30″", 30 / 3600),
        ("30''", 30 / 3600),
        ("30 arcsec", 30 / 3600),
        ("10", 10.0),
        (".5", 0.5),
        ("1e-3", 0.001),
    ],
)
def test_radii_are_read_in_every_unit(text: str, degrees: float) -> None:
    assert sky.parse_radius(text) == pytest.approx(degrees)


@pytest.mark.parametrize("text", ["", "0", "-1", "10.01", "11", "700'", "nan", "inf", "1e999", "six", "6 parsec", "0'"])
def test_radii_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(errors.BadQuery, match="radius"):
        sky.parse_radius(text)


@given(FINITE_RA, FINITE_DEC, FINITE_RA, FINITE_DEC)
def test_separations_agree_with_astropy(ra1: float, dec1: float, ra2: float, dec2: float) -> None:
    from astropy.coordinates import SkyCoord

    theirs = SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).deg
    assert sky.separation(ra1, dec1, ra2, dec2) == pytest.approx(theirs, abs=1e-9)


def test_separations_are_right_over_ra_nought_and_at_the_poles() -> None:
    assert sky.separation(359.95, 0, 0.05, 0) == pytest.approx(0.1)
    assert sky.separation(0, 89.9, 180, 89.9) == pytest.approx(0.2)
    assert sky.separation(10, 90, 200, 90) == pytest.approx(0, abs=1e-12)
    assert sky.separation(0, 0, 180, 0) == pytest.approx(180)


@pytest.mark.parametrize(
    ("angle", "written"),
    [
        (1.24, "1.2°"),
        (0.1, "6.0′"),
        (0.01, "36″"),
        (1 / 3600, "1″"),
        (0.9999, "1.0°"),
        (59.9 / 3600, "1.0′"),
        (0, "0″"),
    ],
)
def test_angles_are_written_in_the_unit_they_are_best_read_in(angle: float, written: str) -> None:
    assert sky.format_angle(angle) == written
