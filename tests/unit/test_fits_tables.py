"""Rows of binary and text tables, and spectra, against what astropy reads."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from astropy.utils.data import get_pkg_data_path

from mast.errors import BadQuery, DamagedFile, HostileFits, MalformedFile, NotViewable
from mast.fits.inspect import inspect_file
from mast.fits.spectra import spectrum, spectrum_choices
from mast.fits.tables import table_rows
from mast.fits.texttables import text_rows

ASTROPY_DATA = Path(get_pkg_data_path("data", package="astropy.io.fits.tests"))


def written(folder: Path, *columns: fits.Column, name: str = "a_x1d.fits", hdu: str = "DATA") -> Path:
    path = folder / name
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name=hdu)]).writeto(path)
    return path


COLUMNS = [
    fits.Column("byte", "B", array=[0, 200, 255]),
    fits.Column("short", "I", array=[-5, 0, 7], null=0),
    fits.Column("int", "J", unit="DN", array=[1, -2, 3]),
    fits.Column("long", "K", array=[2**60, 1, -(2**60)]),
    fits.Column("ushort", "I", bzero=2**15, array=np.array([0, 40000, 65535], "u2")),
    fits.Column("uint", "J", bzero=2**31, array=np.array([0, 1, 2**32 - 1], "u4")),
    fits.Column("float", "E", unit="Jy", array=[11.1, np.nan, np.inf]),
    fits.Column("double", "D", array=[0.1, 1e300, -0.0]),
    fits.Column("flag", "L", array=[True, False, True]),
    fits.Column("text", "8A", array=["NGC 3132", "", "x"]),
    fits.Column("texts", "6A", dim="(3,2)", array=[["abc", "d"], ["", "e"], ["f", ""]]),
    fits.Column("three", "3E", array=[[1, 2, 3], [4, 5, 6], [7, 8, 9]]),
    fits.Column("square", "4J", dim="(2,2)", array=[[[1, 2], [3, 4]]] * 3),
    fits.Column("complex", "C", array=[1 + 2j, 0, 1j]),
    fits.Column("bits", "11X", array=np.eye(3, 11, dtype=bool)),
    fits.Column("vary", "PJ()", array=np.array([[1], [1, 2], []], dtype=object)),
]


def test_every_type_of_column_becomes_plain_values(tmp_path: Path) -> None:
    path = written(tmp_path, *COLUMNS)
    page = table_rows(path, inspect_file(path))
    rows = {head.name: [row[number] for row in page.rows] for number, head in enumerate(page.columns)}
    assert rows == {
        "byte": [0, 200, 255],
        "short": [-5, None, 7],
        "int": [1, -2, 3],
        "long": [2**60, 1, -(2**60)],
        "ushort": [0, 40000, 65535],
        "uint": [0, 1, 2**32 - 1],
        "float": [11.1, None, None],
        "double": [0.1, 1e300, -0.0],
        "flag": [True, False, True],
        "text": ["NGC 3132", "", "x"],
        "texts": [["abc", "d"], ["", "e"], ["f", ""]],
        "three": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        "square": [[1, 2, 3, 4]] * 3,
        "complex": ["(1+2j)", "0j", "1j"],
        "bits": ["10000000000", "01000000000", "00100000000"],
        "vary": ["1 values", "2 values", "0 values"],
    }
    heads = {head.name: (head.unit, head.shape) for head in page.columns}
    assert (heads["float"], heads["three"], heads["square"]) == (("Jy", ()), ("", (3,)), ("", (2, 2)))


def test_scaled_columns_are_scaled(tmp_path: Path) -> None:
    path = written(tmp_path, fits.Column("n", "I", unit="XX", array=[0, 2, -4]))
    card = b"TUNIT1  = 'XX      '"
    content = path.read_bytes()
    assert card in content
    path.write_bytes(content.replace(card, b"TSCAL1  = 0.5".ljust(len(card))))
    assert table_rows(path, inspect_file(path)).rows == [[0.0], [1.0], [-2.0]]
    assert fits.getdata(path, 1)["n"].tolist() == [0.0, 1.0, -2.0]


def plain(value: Any) -> Any:
    """A cell of astropy's as ours are."""
    if isinstance(value, np.ndarray):
        return [plain(part) for part in value.ravel()[:8]]
    if isinstance(value, np.floating):
        return float(str(value)) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize("name", ["btable.fits", "chandra_time.fits", "checksum.fits", "stddata.fits", "table.fits"])
def test_rows_are_those_of_astropy(name: str) -> None:
    path = ASTROPY_DATA / name
    plan = inspect_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path) as theirs:
            for hdu in (hdu for hdu in plan.hdus if hdu.is_table):
                page = table_rows(path, plan, hdu.index, 0, 1000)
                data = theirs[hdu.index].data
                assert [head.name for head in page.columns] == list(data.names)
                for number, column in enumerate(page.columns):
                    if "X" not in column.type:
                        ours = [row[number] for row in page.rows]
                        assert ours == [plain(cell) for cell in data.field(number)]


def test_a_page_of_a_million_rows_costs_what_it_shows(tmp_path: Path) -> None:
    path = written(
        tmp_path, fits.Column("n", "J", array=np.arange(10**6)), fits.Column("x", "10D", array=np.zeros((10**6, 10)))
    )
    plan = inspect_file(path)
    start = time.perf_counter()
    page = table_rows(path, plan, start=999_990, count=50)
    assert time.perf_counter() - start < 0.5
    assert [row[0] for row in page.rows] == list(range(999_990, 10**6))
    assert (page.start, page.total) == (999_990, 10**6)
    assert table_rows(path, plan, start=2 * 10**6).rows == []


def test_metadata_tables_come_last_and_a_choice_is_respected(tmp_path: Path) -> None:
    asdf, data = (
        fits.BinTableHDU.from_columns([fits.Column("A", "J", array=[1])], name=name) for name in ("ASDF", "CAT")
    )
    path = tmp_path / "a_cat.fits"
    fits.HDUList([fits.PrimaryHDU(), asdf, fits.ImageHDU(np.zeros(4)), data]).writeto(path)
    plan = inspect_file(path)
    assert (table_rows(path, plan).name, table_rows(path, plan, 1).name) == ("CAT", "ASDF")
    with pytest.raises(NotViewable, match="no binary table"):
        table_rows(path, plan, 2)


def test_pages_that_cannot_be_asked_for_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, *COLUMNS[:2])
    plan = inspect_file(path)
    for start, count in [(-1, 10), (0, 0), (0, 1001)]:
        with pytest.raises(BadQuery, match="1 to 1000 rows"):
            table_rows(path, plan, start=start, count=count)
    image = tmp_path / "b_i2d.fits"
    fits.PrimaryHDU(np.zeros((3, 3))).writeto(image)
    with pytest.raises(NotViewable, match="holds no binary table"):
        table_rows(image, inspect_file(image))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"TFORM1  = 'J       '", b"TFORM1  = '9J      '", "its rows have 4"),
        (b"TFORM1  = 'J       '", b"TFORM1  = 'what    '", "which is none"),
        (b"TFORM1  = 'J       '", b"TFORM1  = '999999J '", "longer than a row"),
        (b"TFIELDS =                    1", b"TFIELDS =                 9999", "999 are possible"),
    ],
)
def test_columns_that_do_not_fit_their_rows_are_refused(tmp_path: Path, old: bytes, new: bytes, sentence: str) -> None:
    path = written(tmp_path, fits.Column("n", "J", array=[1, 2]))
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(HostileFits, match=sentence):
        table_rows(path, inspect_file(path))


# --- text -------------------------------------------------------------------------------------------------------


def catalogue(folder: Path) -> Path:
    table = Table(
        {"label": np.arange(5, dtype="i4"), "name": ["a b", "", 'c"q', "d", "e"], "flux": [1.5, np.nan, 3, 4e-10, 5]}
    )
    table["good"] = [True, False, True, True, False]
    table["flux"].unit = u.Jy
    table["flux"].description = "Total: flux, of the source"
    table.meta["made"] = {"at": Time("2024-01-01"), "by": ["us"]}
    path = folder / "jw01234-o001_t001_nircam_f090w_cat.ecsv"
    table.write(path, format="ascii.ecsv")
    return path


def test_a_catalogue_is_read_by_pages_with_units_and_descriptions(tmp_path: Path) -> None:
    path = catalogue(tmp_path)
    page = text_rows(path, inspect_file(path), 1, 3)
    assert page.rows == [[1, None, None, False], [2, 'c"q', 3.0, True], [3, "d", 4e-10, True]]
    assert (page.start, page.total) == (1, 5)
    flux = page.columns[2]
    assert (flux.name, flux.unit, flux.type, flux.description) == (
        "flux",
        "Jy",
        "float64",
        "Total: flux, of the source",
    )
    assert text_rows(path, inspect_file(path), 10).rows == []


def test_columns_lined_up_with_blanks_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a_phot.ecsv"
    columns = "# - {name: time, datatype: float64}\n# - {name: flux, datatype: float64}\n"
    path.write_text(f"# %ECSV 1.0\n# ---\n# datatype:\n{columns}  time      flux\n   1.5  2e-3\n  10.5  nan\n")
    page = text_rows(path, inspect_file(path))
    assert ([head.type for head in page.columns], page.rows) == (["float64"] * 2, [[1.5, 2e-3], [10.5, None]])


def test_a_pool_is_read_with_its_bars(tmp_path: Path) -> None:
    path = tmp_path / "jw01234_20240101t000000_pool.csv"
    path.write_text("filename            | program | target\n\na_uncal.fits | 1234 | NGC 3132\nb_uncal.fits | 1234\n")
    page = text_rows(path, inspect_file(path))
    assert [head.name for head in page.columns] == ["filename", "program", "target"]
    assert page.rows == [["a_uncal.fits", "1234", "NGC 3132"], ["b_uncal.fits", "1234", None]]
    assert page.total == 2


def test_text_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a_cat.ecsv"
    for content, sentence in [
        ("# %ECSV 1.0\n# ---\n# datatype: [\na\n", "not the YAML"),
        ("# %ECSV 1.0\n# ---\n# delimiter: ','\na\n", "names no columns"),
        ("# %ECSV 1.0\n# only comments\n", "names no columns"),
        ("# %ECSV 1.0\n# ---\n# datatype: " + "[" * 5000 + "\na\n", "not the YAML"),
        ("# %ECSV 1.0\n# ---\n# datatype:\n" + "# - {name: a}\n" * 20_000 + "a\n", "more columns"),
        ("# %ECSV 1.0\n" + "# more\n" * 200_000, "header is longer"),
        ("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a}\na\n" + "1" * (1 << 20), "longer than a million"),
    ]:
        path.write_text(content)
        with pytest.raises(MalformedFile, match=sentence):
            text_rows(path, inspect_file(path))
    path.write_text("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a}\na\n" + "1" * 200_000)
    plan = inspect_file(path)
    with pytest.raises(MalformedFile, match="no row"):
        text_rows(path, plan)
    path.unlink()
    with pytest.raises(DamagedFile):
        text_rows(path, plan)
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(NotViewable):
        text_rows(tmp_path / "a.json", inspect_file(tmp_path / "a.json"))


# --- spectra ----------------------------------------------------------------------------------------------------


def test_a_spectrum_of_one_row_per_wavelength(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        fits.Column("WAVELENGTH", "D", unit="um", array=[1.0, 2.0, 3.0]),
        fits.Column("FLUX", "D", unit="Jy", array=[0.5, np.nan, 0.7]),
        fits.Column("FLUX_ERROR", "D", unit="Jy", array=[0.1, 0.1, 0.1]),
        hdu="EXTRACT1D",
    )
    found = spectrum(path, inspect_file(path))
    assert (found.wavelength, found.flux, found.error) == ([1.0, 2.0, 3.0], [0.5, None, 0.7], [0.1, 0.1, 0.1])
    assert (found.label, found.wavelength_unit, found.flux_unit, found.flux_name) == ("EXTRACT1D", "um", "Jy", "FLUX")


def test_surface_brightness_stands_in_where_there_is_no_flux(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        fits.Column("WAVELENGTH", "D", unit="um", array=[1.0, 2.0]),
        fits.Column("FLUX", "D", unit="Jy", array=[np.nan, np.nan]),
        fits.Column("SURF_BRIGHT", "D", unit="MJy/sr", array=[3.0, 4.0]),
        hdu="EXTRACT1D",
    )
    found = spectrum(path, inspect_file(path))
    assert (found.flux, found.error, found.flux_unit, found.flux_name) == ([3.0, 4.0], [], "MJy/sr", "SURF_BRIGHT")


def test_spectra_in_rows_are_chosen_by_row_and_cut_to_their_length(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        fits.Column("INT_NUM", "J", array=[1, 2]),
        fits.Column("N_ALONGDISP", "J", array=[3, 2]),
        fits.Column("WAVELENGTH", "3D", unit="um", array=[[1, 2, 3], [1, 2, 0]]),
        fits.Column("FLUX", "3D", unit="Jy", array=[[4, 5, 6], [7, 8, 0]]),
        fits.Column("ERROR", "3D", unit="Jy", array=[[1, 1, 1], [2, 2, 0]]),
        name="a_x1dints.fits",
        hdu="EXTRACT1D",
    )
    plan = inspect_file(path)
    assert [choice.label for choice in spectrum_choices(path, plan)] == [
        "EXTRACT1D, integration 1",
        "EXTRACT1D, integration 2",
    ]
    second = spectrum(path, plan, row=1)
    assert (second.wavelength, second.flux, second.error) == ([1, 2], [7, 8], [2, 2])
    assert spectrum(path, plan).flux == [4, 5, 6]
    with pytest.raises(BadQuery, match="holds 2"):
        spectrum(path, plan, row=5)


def test_the_sources_of_a_file_are_named(tmp_path: Path) -> None:
    tables = []
    for ver in (1, 2):
        columns = [fits.Column("WAVELENGTH", "D", array=[1.0]), fits.Column("FLUX", "D", array=[float(ver)])]
        table = fits.BinTableHDU.from_columns(columns, name="EXTRACT1D", ver=ver)
        table.header["SLTNAME"], table.header["SOURCEID"] = f"S{ver}", ver * 10
        tables.append(table)
    path = tmp_path / "a_x1d.fits"
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)
    plan = inspect_file(path)
    labels = [choice.label for choice in spectrum_choices(path, plan)]
    assert labels == ["EXTRACT1D, slit S1, source 10", "EXTRACT1D,2, slit S2, source 20"]
    assert spectrum(path, plan, hdu=2).flux == [2.0]


def test_a_spectrum_of_too_many_points_is_not_plotted(tmp_path: Path) -> None:
    columns = [fits.Column(name, "E", array=np.zeros(1_000_001, "f4")) for name in ("WAVELENGTH", "FLUX")]
    path = written(tmp_path, *columns)
    with pytest.raises(NotViewable, match="1,000,001 points"):
        spectrum(path, inspect_file(path))


def test_a_table_that_is_no_spectrum_is_said_to_be_none(tmp_path: Path) -> None:
    path = written(tmp_path, fits.Column("n", "J", array=[1]))
    with pytest.raises(NotViewable, match="no spectrum"):
        spectrum(path, inspect_file(path))


def test_the_recorded_spectrum_is_read(shared_data: Path) -> None:
    path = shared_data / "fits" / "jwst" / "jw01373-o019_t001_nirspec_g395h-f290lp_x1d.fits"
    found = spectrum(path, inspect_file(path))
    theirs = fits.getdata(path, "EXTRACT1D")
    np.testing.assert_array_equal(found.wavelength, theirs["WAVELENGTH"])
    np.testing.assert_array_equal(
        np.array(found.flux, "f8"), np.where(np.isfinite(theirs["FLUX"]), theirs["FLUX"], np.nan)
    )
