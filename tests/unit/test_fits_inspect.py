"""Inspection in the limited child: plans, the choice of what is shown, and files that mean harm."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.utils.data import get_pkg_data_path

from mast.errors import BadQuery, DamagedFile, FileNotFound, NotViewable, all_codes
from mast.fits.headers import header
from mast.fits.inspect import ChildLimits, Inspector, inspect_file, inspect_files, stored_plan
from mast.fits.options import parse_plane
from mast.fits.plan import VERSION, Plan
from mast.fits.probe import probe

ROOT = Path(__file__).resolve().parents[2]
ASTROPY_DATA = Path(get_pkg_data_path("data", package="astropy.io.fits.tests"))


def sci(shape: tuple[int, ...], dtype: str = "f4", name: str = "SCI", ver: int = 1) -> fits.ImageHDU:
    return fits.ImageHDU(np.zeros(shape, dtype), name=name, ver=ver)


def table(name: str = "EXTRACT1D") -> fits.BinTableHDU:
    return fits.BinTableHDU.from_columns([fits.Column("WAVELENGTH", "D", array=[1.0, 2.0])], name=name)


def written(folder: Path, name: str, *extensions: fits.ImageHDU | fits.BinTableHDU) -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), *extensions]).writeto(path)
    return path


def inspected(path: Path, **options: str) -> Plan:
    """The child's plan, which is the one the same code makes in this process."""
    plan = inspect_file(path, **options)
    assert plan == probe(str(path), options.get("file_name", path.name))
    return plan


# --- what is shown first ----------------------------------------------------------------------------------------


RAMP = "SCI, integration 1 of 2, group 5 of 5"


@pytest.mark.parametrize(
    ("suffix", "extensions", "title"),
    [
        ("uncal", [sci((2, 5, 4, 4), "u2"), sci((2, 4, 4), "u2", "ZEROFRAME")], RAMP),
        ("ramp", [sci((2, 5, 4, 4))], RAMP),
        ("dark", [sci((7, 4, 4))], "SCI, group 7 of 7"),
        ("trapsfilled", [sci((3, 4, 4))], "SCI, trap family 1 of 3"),
        ("rate", [sci((4, 4)), sci((4, 4), name="ERR")], "SCI"),
        ("rateints", [sci((3, 4, 4))], "SCI, integration 1 of 3"),
        ("fitopt", [sci((3, 4, 4), name="SLOPE"), sci((2, 4, 4), name="PEDESTAL")], "SLOPE, plane 2 of 3"),
        ("cal", [sci((3, 9)), sci((3, 9), name="ERR"), sci((4, 8), ver=2)], "SCI"),
        ("i2d", [sci((4, 4), name="WHT"), sci((4, 4))], "SCI"),
        ("s3d", [sci((9, 4, 4)), sci((9, 4, 4), "i4", "DQ")], "SCI, median of 9 planes"),
        ("segm", [sci((4, 4), "i4")], "SCI"),
        ("psfstack", [sci((6, 4, 4)), sci((6, 4, 4), name="DQ"), sci((6, 4, 4), name="ERR")], "SCI, reference 1 of 6"),
        ("amilg", [sci((2, 4, 4), name="N_CTRD"), sci((2, 4, 4), name="CTRD")], "CTRD, integration 1 of 2"),
        ("msa", [table("SHUTTER_INFO"), sci((4, 4), name="SHUTTER_IMAGE")], "SHUTTER_IMAGE"),
        ("calints", [sci((3, 4, 4)), sci((3, 4, 4), "u4", "DQ")], "SCI, integration 1 of 3"),
        ("crf", [sci((4, 4)), sci((4, 4), "u4", "DQ")], "SCI"),
        ("crfints", [sci((3, 4, 4))], "SCI, integration 1 of 3"),
        ("bsub", [sci((4, 4))], "SCI"),
        ("bsubints", [sci((3, 4, 4))], "SCI, integration 1 of 3"),
        ("mbsub", [sci((4, 4))], "SCI"),
        ("flat", [sci((4, 4)), sci((5, 4), ver=2)], "SCI"),
        ("s2d", [sci((4, 9)), sci((4, 9), name="WHT"), table("WCS-TABLE")], "SCI"),
        ("psfalign", [sci((6, 4, 4))], "SCI, reference 1 of 6"),
        ("psfsub", [sci((6, 4, 4))], "SCI, integration 1 of 6"),
        ("wfscmb", [sci((4, 4))], "SCI"),
        ("blot", [sci((4, 4))], "SCI"),
        ("median", [sci((4, 4))], "SCI"),
        ("snr", [sci((4, 4))], "SCI"),
        ("ami", [table("OI_VIS"), sci((4, 4), name="FIT")], "FIT"),
        ("neverheardof", [table("X"), sci((5,)), sci((4, 4), name="STRANGE")], "STRANGE"),
    ],
)  # fmt: skip
def test_each_suffix_opens_on_its_plane(
    tmp_path: Path, suffix: str, extensions: list[fits.ImageHDU], title: str
) -> None:
    plan = inspected(written(tmp_path, f"jw01234001001_02101_00001_nrca1_{suffix}.fits", *extensions))
    assert plan.view.viewable
    assert (plan.view.title, plan.view.why) == (title, "")
    assert plan.view.is_labels == (suffix == "segm")


@pytest.mark.parametrize(
    ("name", "extensions", "reason"),
    [
        ("jw01234-o001_t001_nirspec_clear-prism_x1d.fits", [table()], "spectra in tables, not an image"),
        ("jw01234-o001_t001_niriss_f480m_ami-oi.fits", [table("OI_VIS2")], "holds tables, not an image"),
        ("jw01234-o001_t001_nircam_f090w_i2d.fits", [], "headers only, no data"),
        ("jw01234-o001_t001_nircam_f090w_i2d.fits", [sci((4,))], "one-dimensional data"),
    ],
)
def test_what_is_no_image_says_so_in_a_sentence(
    tmp_path: Path, name: str, extensions: list[fits.ImageHDU], reason: str
) -> None:
    path = written(tmp_path, name, *extensions)
    plan = inspected(path)
    assert not plan.view.viewable
    assert reason in plan.view.why
    assert plan.error_code == ""
    with pytest.raises(NotViewable, match=reason):
        plan.image()


def test_the_name_alone_never_decides_what_can_be_shown(tmp_path: Path) -> None:
    files = [written(tmp_path, "a_x1d.fits", sci((4, 4))), written(tmp_path, "b_i2d.fits", table())]
    assert [inspected(path).view.viewable for path in files] == [True, False]


def test_the_plan_has_offsets_scaling_units_and_facts(tmp_path: Path) -> None:
    image = sci((4, 6), "u2")
    image.header["BUNIT"] = "DN"
    image.header["CRVAL1"] = 151.75
    image.header["CTYPE1"] = "RA---TAN"
    first = fits.PrimaryHDU()
    first.header["CAL_VER"] = "1.20.2"
    first.header["CRDS_CTX"] = "jwst_1464.pmap"
    first.header["EFFEXPTM"] = 105.5
    path = tmp_path / "a_rate.fits"
    fits.HDUList([first, image, sci((4, 6), name="ERR")]).writeto(path)
    plan = inspected(path)
    assert plan.facts == {"CAL_VER": "1.20.2", "CRDS_CTX": "jwst_1464.pmap", "EFFEXPTM": 105.5}
    assert plan.wcs == {"CRVAL1": 151.75, "CTYPE1": "RA---TAN"}
    hdu = plan.hdu(1)
    assert (hdu.label, hdu.shape, hdu.bitpix, hdu.bzero, hdu.unit) == ("SCI", (4, 6), 16, 32768.0, "DN")
    assert plan.wcs_cards(plan.hdu(2)) == plan.wcs
    with fits.open(path) as theirs:
        assert hdu.data_offset == theirs[1]._data_offset


def test_a_plan_survives_being_stored_as_json(tmp_path: Path) -> None:
    for name, shape in (("a_s3d.fits", (5, 4, 4)), ("b_uncal.fits", (1, 2, 4, 4))):
        plan = inspected(written(tmp_path, name, sci(shape)))
        assert stored_plan(json.loads(json.dumps(plan.to_json()))) == plan
    assert stored_plan(None) is None
    assert stored_plan(plan.to_json() | {"version": VERSION + 1}) is None


def test_asking_a_plan_for_what_it_lacks_is_refused(tmp_path: Path) -> None:
    plan = inspected(written(tmp_path, "a_i2d.fits", sci((4, 4)), table()))
    with pytest.raises(FileNotFound, match="no HDU 7"):
        plan.hdu(7)
    with pytest.raises(NotViewable, match="no image"):
        plan.image(2)


def test_the_header_is_read_card_by_card(tmp_path: Path) -> None:
    path = written(tmp_path, "a_i2d.fits", sci((4, 4)))
    plan = inspected(path)
    assert ("EXTNAME", "SCI", "extension name") in header(path, plan, 1)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DamagedFile, match="changed on disk"):
        header(path, plan, 1)
    path.unlink()
    with pytest.raises(DamagedFile, match="not on disk"):
        header(path, plan, 1)


# --- other products ---------------------------------------------------------------------------------------------

ASSOCIATION = {"asn_type": "image3", "asn_pool": "jw01234_pool.csv", "products": [{"name": "a", "members": [{}, {}]}]}


@pytest.mark.parametrize(
    ("name", "content", "kind", "reason"),
    [
        ("a_asn.json", json.dumps(ASSOCIATION).encode(), "association", "This is an association"),
        ("settings.json", b"[1, 2]", "json", "JSON text"),
        ("a_cat.ecsv", b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\na\n1\n", "ecsv", "a table"),
        ("jw01234_20240101t000000_pool.csv", b"a|b\n1|2\n", "csv", "a table"),
        ("a_i2d.jpg", b"\xff\xd8\xff\xe0 and so on", "jpeg", "preview picture"),
        ("a_i2d.png", b"\x89PNG\r\n\x1a\n and so on", "png", "preview picture"),
        ("a_cal.asdf", b"#ASDF 1.0.0\n", "asdf", "ASDF"),
        ("README", b"hello", "unknown", "neither FITS nor"),
    ],
)
def test_products_that_are_no_fits_files_have_a_plan_too(
    tmp_path: Path, name: str, content: bytes, kind: str, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    plan = inspected(tmp_path / name)
    assert (plan.kind, plan.size_bytes, plan.error_code) == (kind, len(content), "")
    assert not plan.view.viewable
    assert reason in plan.view.why


def test_an_association_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a_asn.json").write_text(json.dumps(ASSOCIATION))
    facts = inspected(tmp_path / "a_asn.json").facts
    assert facts == {"products": 1, "members": 2, "asn_type": "image3", "asn_pool": "jw01234_pool.csv"}


def test_a_fits_file_without_its_extension_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, "a_i2d.fits", sci((4, 4)))
    assert inspected(path.rename(tmp_path / "blob")).view.viewable


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a_i2d.fits", b"<html>503</html>", "file.not_fits"),
        ("a_i2d.fits", b"", "file.not_fits"),
        ("a_asn.json", b"{", "file.malformed"),
        ("a_asn.json", b"[" * 200_000, "file.malformed"),
        ("a_asn.json", b"{}", "file.malformed"),
        ("a_cat.ecsv", b"label x y\n1 2 3\n", "file.malformed"),
        ("a_cat.ecsv", b"# %ECSV 1.0\n\xff\xfe", "file.malformed"),
        ("a_pool.csv", b"a|b\0", "file.malformed"),
        ("a_i2d.jpg", b"<html>", "file.malformed"),
    ],
)
def test_contents_that_belie_the_name_are_reported(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    plan = inspected(tmp_path / name)
    assert plan.error_code == code
    assert code in all_codes()
    assert not plan.view.viewable
    assert plan.view.why.endswith(".")


# --- harm -------------------------------------------------------------------------------------------------------


def block(*cards: str) -> bytes:
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


PRIMARY = block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0")


def extension(kind: str, *cards: str) -> bytes:
    return PRIMARY + block(f"XTENSION= '{kind}'", *cards, "PCOUNT  = 0", "GCOUNT  = 1")


def two_axes(first: int, second: int) -> tuple[str, ...]:
    return "BITPIX  = 8", "NAXIS   = 2", f"NAXIS1  = {first}", f"NAXIS2  = {second}"


Z_AXES = ("ZBITPIX = 16", "ZNAXIS  = 2", "ZNAXIS1 = 600000", "ZNAXIS2 = 600000")
HOSTILE = {
    "negative NAXIS1": extension("IMAGE", *two_axes(-2880, 1)),
    "a billion axes": block("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 999999999"),
    "no END": PRIMARY[:240] + b" " * (9 << 20),
    "gzip bomb": gzip.compress(bytes(32 << 20)),
    "compressed image": extension("BINTABLE", *two_axes(8, 1), "ZIMAGE  = T", *Z_AXES) + bytes(2880),
    "too many HDUs": PRIMARY + 16_000 * block("XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 0"),
    "huge in a short file": extension("IMAGE", *two_axes(9_000_000, 9_000_000)),
    "table rows without end": extension("BINTABLE", *two_axes(10**12, 10**12), "TFIELDS = 999"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_quickly_and_in_words(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a_i2d.fits"
    path.write_bytes(HOSTILE[what])
    start = time.monotonic()
    plan = inspected(path)
    assert time.monotonic() - start < 10
    assert plan.error_code in {"file.hostile_fits", "file.not_fits", "file.truncated_fits"}
    assert not plan.view.viewable
    assert plan.view.why


def test_astropys_own_odd_files_neither_hang_nor_hurt() -> None:
    paths = [path for path in sorted(ASTROPY_DATA.rglob("*")) if path.is_file()]
    plans = inspect_files([(path, path.name) for path in paths])
    assert len(plans) == len(paths) > 30
    for plan in plans:
        assert plan.view.viewable or plan.view.why


def test_a_plan_with_more_than_any_file_has_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a_i2d.fits"
    axes = ("BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 1", "NAXIS2  = 1", "PCOUNT  = 0", "GCOUNT  = 1")
    cards = [
        f"{letter}_{p}_{q}   = '{'x' * 60}'" for letter in ("A", "B", "AP", "BP") for p in range(10) for q in range(10)
    ]
    path.write_bytes(PRIMARY + 600 * (block("XTENSION= 'IMAGE'", *axes, *cards) + bytes(2880)))
    plan = inspect_file(path)
    assert plan.error_code == "file.hostile_fits"
    assert "headers hold more" in plan.view.why


def test_a_child_that_takes_too_long_is_given_up_and_the_rest_goes_on(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{number}_i2d.fits", sci((4, 4))) for number in range(3)]
    plans = inspect_files([(path, path.name) for path in paths], limits=ChildLimits(wall_s=0.0))
    assert [plan.file_name for plan in plans] == [path.name for path in paths]
    assert {plan.error_code for plan in plans} == {"file.hostile_fits"}
    assert "too long or too much memory" in plans[0].view.why


def test_one_child_answers_as_files_come_and_another_goes_on_when_it_was_killed(tmp_path: Path) -> None:
    path = written(tmp_path, "a_i2d.fits", sci((4, 4)))
    with Inspector() as inspector:
        inspector.begin()
        first = inspector._child
        assert [plan.view.hdu for plan in inspector.inspect([(path, path.name)] * 70)] == [1] * 70
        assert inspector._child is first
        assert first is not None
        first.kill()
        first.wait()
        assert inspector.inspect([(path, path.name)])[0].view.hdu == 1
        second = inspector._child
        assert second is not None
        assert second.pid != first.pid
    assert second.returncode is not None


def test_what_a_child_used_up_before_is_not_held_against_the_next_file(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{number}_i2d.fits", sci((4, 4))) for number in range(3)]
    with Inspector() as inspector:
        inspector.begin()
        assert inspector._child is not None
        # As a child whose processor time has run out: it takes the question and answers nothing.
        os.kill(inspector._child.pid, signal.SIGKILL)
        plans = inspector.inspect([(path, path.name) for path in paths])
    assert [plan.error_code for plan in plans] == [""] * 3


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    inspector = Inspector()
    inspector.begin()
    child = inspector._child
    assert child is not None
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(10) == 0
    inspector._end()


def test_a_child_without_memory_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "a_i2d.fits"
    headers = 8 * block("XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 0", *["COMMENT"] * 20_000)
    path.write_bytes(PRIMARY + headers)
    plan = inspect_file(path, limits=ChildLimits(memory_bytes=24 << 20))
    assert plan.error_code == "file.hostile_fits"
    assert "memory" in plan.view.why


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe_i2d.fits")
    for path in (tmp_path / "pipe_i2d.fits", tmp_path):
        assert inspected(path).error_code == "file.damaged"
    assert inspected(tmp_path / "absent.fits").error_code == "file.damaged"


def test_many_small_files_share_a_child(tmp_path: Path) -> None:
    path = written(tmp_path, "a_i2d.fits", sci((4, 4)))
    start = time.monotonic()
    plans = inspect_files([(path, f"{number}_i2d.fits") for number in range(500)])
    assert time.monotonic() - start < 5
    assert [plan.file_name for plan in plans] == [f"{number}_i2d.fits" for number in range(500)]


def test_the_package_is_light_to_import() -> None:
    heavy = ("astropy", "numpy", "PIL", "django", "matplotlib")
    code = (
        "import sys, mast.fits, mast.fits.inspect, mast.fits.probe, mast.fits.headers, mast.fits.options\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
        "import mast.fits.render, mast.fits.readout, mast.fits.tables, mast.fits.spectra, mast.fits.texttables\n"
        "print([name for name in ('astropy', 'django', 'matplotlib') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["[]", "[]"]


def test_planes_that_do_not_exist_are_refused() -> None:
    assert (parse_plane("3"), parse_plane("0, 4"), parse_plane("median"), parse_plane("")) == (
        (3,),
        (0, 4),
        "median",
        (),
    )
    with pytest.raises(BadQuery, match="names no plane"):
        parse_plane("first")


def test_a_plan_is_a_value_with_no_hidden_state(tmp_path: Path) -> None:
    path = written(tmp_path, "a_i2d.fits", sci((4, 4)))
    first, second = inspect_file(path), inspect_file(path)
    assert first == second
    assert isinstance(first, Plan)
