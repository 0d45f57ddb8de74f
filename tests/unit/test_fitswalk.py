"""The bounded walk: what it finds in true files, and what it refuses in false ones."""

from __future__ import annotations

import gzip
import io
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.data import get_pkg_data_path
from hypothesis import given, settings
from hypothesis import strategies as st

from mast.errors import HostileFits, MastError, NotFits, TruncatedFits
from mast.fitscards import CARD, Header, parse_card
from mast.fitswalk import BLOCK, WalkLimits, read_header, walk

ASTROPY_DATA = Path(get_pkg_data_path("data", package="astropy.io.fits.tests"))


def header(*cards: str) -> bytes:
    """A header block of these cards and END."""
    text = "".join(card.ljust(CARD) for card in (*cards, "END"))
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode()


def primary(*cards: str) -> bytes:
    return header("SIMPLE  =                    T", "BITPIX  =                    8", *cards)


EMPTY = primary("NAXIS   =                    0")


def extension(*cards: str, kind: str = "IMAGE") -> bytes:
    return header(f"XTENSION= '{kind:8}'", *cards, "PCOUNT  =                    0", "GCOUNT  =                    1")


def opened(content: bytes) -> io.BytesIO:
    return io.BytesIO(content)


# AIPS wrote `NAXIS1 = 777777701` into a file without an image, which is refused here.
ASTROPY_FILES = [path for path in sorted(ASTROPY_DATA.glob("*.fits")) if path.name != "zerowidth.fits"]


@pytest.mark.parametrize("path", ASTROPY_FILES, ids=lambda path: path.name)
def test_the_walk_agrees_with_astropy_on_its_own_files(path: Path) -> None:
    walked = walk(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path, disable_image_compression=True) as theirs:
            assert len(walked) == len(theirs)
            for ours, hdu in zip(walked, theirs, strict=True):
                assert ours.data_offset == hdu._data_offset
                assert ours.header_offset == hdu._header_offset
                assert ours.end_offset - ours.data_offset == hdu._data_size
                assert ours.name == (hdu.name or "")
                for keyword in set(ours.cards) - {"", "COMMENT", "HISTORY", "CONTINUE", "HIERARCH"}:
                    theirs_value = hdu.header[keyword]
                    if isinstance(theirs_value, str | int | float):
                        assert ours.cards[keyword] == theirs_value, keyword


def test_every_jwst_file_recorded_here_is_walked_to_its_end(shared_data: Path) -> None:
    files = sorted((shared_data / "fits" / "jwst").glob("*.fits"))
    assert files
    for path in files:
        assert walk(path)[-1].end_offset == path.stat().st_size


def jwst_like(path: Path) -> None:
    """Ten HDUs with headers as large as the pipeline's."""
    first = fits.PrimaryHDU()
    for number in range(260):
        first.header[f"KEY{number}"] = (number * 0.5, "what it means, in some words")
    images = [
        fits.ImageHDU(np.zeros((8, 8), "f4"), name=name) for name in ("SCI", "ERR", "CON", "WHT", "VAR_A", "VAR_B")
    ]
    for number in range(120):
        images[0].header[f"WCSX{number}"] = (number / 7, "of the science array")
    columns = [fits.Column(f"COLUMN{number}", "20A", array=["x"]) for number in range(500)]
    tables = [fits.BinTableHDU.from_columns(columns, name="HDRTAB")]
    tables.append(fits.BinTableHDU.from_columns([fits.Column("ASDF_METADATA", "9B", array=[[0] * 9])], name="ASDF"))
    tables.append(fits.BinTableHDU.from_columns([fits.Column("A", "E", array=[1.0])], name="LAST"))
    fits.HDUList([first, *images, *tables]).writeto(path)


def test_a_jwst_file_of_ten_hdus_is_walked_in_milliseconds(tmp_path: Path) -> None:
    path = tmp_path / "x_i2d.fits"
    jwst_like(path)
    taken = []
    for _ in range(20):
        start = time.perf_counter()
        assert len(walk(path)) == 10
        taken.append(time.perf_counter() - start)
    # 3 ms is the goal on an idle machine; a suite shares its cores.
    assert min(taken) < 0.01


def test_shape_is_in_numpy_order_and_random_groups_count_their_parameters() -> None:
    groups = primary(
        "NAXIS   =                    3",
        "NAXIS1  =                    0",
        "NAXIS2  =                    3",
        "NAXIS3  =                    5",
        "GROUPS  =                    T",
        "PCOUNT  =                    2",
        "GCOUNT  =                   10",
    )
    (hdu,) = walk(opened(groups + bytes(BLOCK)))
    assert (hdu.kind, hdu.shape, hdu.data_bytes) == ("groups", (5, 3, 0), 10 * (2 + 15))


def test_a_compressed_image_has_the_shape_of_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "c.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((30, 40), "i2"))]).writeto(path)
    assert [(hdu.kind, hdu.shape) for hdu in walk(path)] == [("primary", ()), ("compressed", (30, 40))]


# --- cards ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "comment"),
    [
        ("KEY     =                    T / yes", True, "yes"),
        ("KEY     =                  -12", -12, ""),
        ("KEY     =              1.5D+03 / Fortran", 1500.0, "Fortran"),
        ("KEY     = .5", 0.5, ""),
        ("KEY     = 'it''s 1/2 way  ' / a slash", "it's 1/2 way", "a slash"),
        ("KEY     = ''", "", ""),
        ("KEY     =                      / nothing", None, "nothing"),
        ("KEY     = (1.0, 2.0)", "(1.0, 2.0)", ""),
        ("KEY     = 1E999", "1E999", ""),
        ("KEY     = 'never closed", "'never closed", ""),
    ],
)
def test_values_are_read_as_the_standard_writes_them(text: str, value: object, comment: str) -> None:
    card = parse_card(text.ljust(CARD).encode())
    assert (card.keyword, card.value, card.comment) == ("KEY", value, comment)
    assert type(card.value) is type(value)


def test_hierarch_cards_have_their_long_name() -> None:
    assert parse_card(b"HIERARCH ESO DET WIN = 12 / pixels".ljust(CARD)) == ("ESO DET WIN", 12, "pixels")


@pytest.mark.parametrize("text", ["x/'" * 60, "'" * 130, "plain words " * 30, "a&" * 90, "ends in &" * 20])
def test_continued_strings_are_joined_as_astropy_joins_them(text: str) -> None:
    written = fits.Header()
    written["LONG"] = (text, "a comment")
    written["NEXT"] = 5
    ours = Header(written.tostring(endcard=False, padding=False).encode())
    assert ours["LONG"] == text.rstrip()
    assert ours["NEXT"] == 5
    assert [(card.keyword, card.comment) for card in ours.cards()] == [("LONG", "a comment"), ("NEXT", "")]


def test_of_a_keyword_that_occurs_twice_the_first_counts() -> None:
    raw = b"".join(text.ljust(CARD) for text in (b"KEY     = 1", b"KEY     = 2"))
    assert Header(raw)["KEY"] == 1


PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(PRINTABLE, FINITE, st.integers(-(10**18), 10**18))
def test_what_astropy_writes_is_read_back(text: str, real: float, whole: int) -> None:
    written = fits.Header([("TEXT", text), ("REAL", real), ("WHOLE", whole)])
    text_of_cards = written.tostring(endcard=False, padding=False)
    ours = Header(text_of_cards.encode())
    assert ours["TEXT"] == text.rstrip()
    # astropy writes 20 characters of a number, which may be fewer than it has.
    assert ours["REAL"] == fits.Header.fromstring(text_of_cards)["REAL"] == pytest.approx(real, rel=1e-12)
    assert ours["WHOLE"] == whole


def test_a_header_is_read_again_by_its_offset(tmp_path: Path) -> None:
    path = tmp_path / "x_i2d.fits"
    jwst_like(path)
    for hdu in walk(path):
        assert read_header(path, hdu.header_offset).cards() == hdu.cards.cards()


# --- files that are not what they say ---------------------------------------------------------------------------


def image(*lengths: int, bitpix: int = 8) -> bytes:
    return extension(
        f"BITPIX  = {bitpix:20d}",
        f"NAXIS   = {len(lengths):20d}",
        *(f"NAXIS{number:<3d}= {length:20d}" for number, length in enumerate(lengths, start=1)),
    )


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        (b"", NotFits, "empty"),
        (b"<html>sorry</html>", NotFits, "SIMPLE"),
        (gzip.compress(EMPTY), NotFits, "gzip"),
        (EMPTY.replace(b"T", b"F", 1), NotFits, "SIMPLE"),
        (EMPTY[:-1], TruncatedFits, "too early"),
        (EMPTY[:200], TruncatedFits, "before its END"),
        (EMPTY + bytes(BLOCK), TruncatedFits, "bytes were added"),
        (EMPTY + image(4, 4), TruncatedFits, "2,880 bytes too early"),
        (EMPTY + image(4, 4) + bytes(16), TruncatedFits, "too early"),
        (EMPTY + image(4, 4) + bytes(2 * BLOCK), TruncatedFits, "bytes were added"),
        (EMPTY + image(-2880), HostileFits, "NAXIS1 = -2880"),
        (EMPTY + image(10**9), HostileFits, "NAXIS1 = 1000000000"),
        (EMPTY + image(10**7, 10**7), HostileFits, "claims 100,000,000,000,000 bytes"),
        (EMPTY + image(10**6, 10**4), TruncatedFits, "too early"),
        (EMPTY + image(1, 2, 3, 4, 5, 6, 7, 8, 9), HostileFits, "NAXIS = 9"),
        (EMPTY + image(2, 2, bitpix=12), HostileFits, "BITPIX = 12"),
        (primary("NAXIS   =            999999999"), HostileFits, "999999999"),
        (primary("NAXIS   =                    1"), HostileFits, "NAXIS1 = None"),
        (primary("NAXIS   =                  1.0"), HostileFits, "NAXIS = 1.0"),
        (primary("NAXIS   =                    1", "NAXIS1  = T"), HostileFits, "NAXIS1 = True"),
    ],
)
def test_a_false_file_is_refused_in_a_sentence(content: bytes, error: type[MastError], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        walk(opened(content))


def test_a_header_without_end_is_refused_after_eight_mebibytes() -> None:
    start = EMPTY[: 3 * CARD]
    with pytest.raises(HostileFits, match="no END within 8 MiB"):
        walk(opened(start + b" " * (9 << 20)))


def test_headers_that_add_up_to_too_much_are_refused() -> None:
    content = EMPTY + 40 * image()
    with pytest.raises(HostileFits, match="The headers take more"):
        walk(opened(content), WalkLimits(all_header_bytes=5000))


def test_more_hdus_than_any_file_has_are_refused() -> None:
    with pytest.raises(HostileFits, match="more than 16,000 HDUs"):
        walk(opened(EMPTY + 20_000 * image()))


def test_a_wfss_exposure_with_thousands_of_hdus_is_walked() -> None:
    assert len(walk(opened(EMPTY + 2 * 7 * 1_000 * image()))) == 14_001


def test_a_compressed_image_that_unpacks_to_gigabytes_is_refused() -> None:
    cards = [
        "BITPIX  =                    8",
        "NAXIS   =                    2",
        "NAXIS1  =                    8",
        "NAXIS2  =                    1",
        "ZIMAGE  =                    T",
        "ZBITPIX =                   16",
        "ZNAXIS  =                    2",
        "ZNAXIS1 =              9000000",
        "ZNAXIS2 =              9000000",
    ]
    with pytest.raises(HostileFits, match="81,000,000,000,000 compressed pixels"):
        walk(opened(EMPTY + extension(*cards, kind="BINTABLE") + bytes(BLOCK)))


def test_a_file_cut_anywhere_is_never_taken_for_whole(tmp_path: Path) -> None:
    path = tmp_path / "whole.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.arange(2000, dtype="f4").reshape(40, 50))]).writeto(path)
    whole = path.read_bytes()
    borders = {walked.end_offset for walked in walk(path)}
    for length in range(0, len(whole), 97):
        if length not in borders:
            with pytest.raises((NotFits, TruncatedFits)):
                walk(opened(whole[:length]))


def _example() -> bytes:
    buffer = io.BytesIO()
    table = fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1, 2])], name="TABLE")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 4), "i2"), name="SCI"), table]).writeto(buffer)
    return buffer.getvalue()


EXAMPLE = _example()


@settings(max_examples=300, deadline=1000)
@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_a_file_with_changed_bytes_gives_a_walk_or_one_of_our_errors(changes: list[tuple[int, int]]) -> None:
    changed = bytearray(EXAMPLE)
    for at, byte in changes:
        changed[at] = byte
    try:
        hdus = walk(opened(bytes(changed)))
    except (NotFits, TruncatedFits, HostileFits):
        return
    assert hdus[-1].end_offset == len(changed)
    for hdu in hdus:
        hdu.cards.cards()
