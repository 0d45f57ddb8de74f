"""The words of the field: names, suffixes, levels, states."""

from __future__ import annotations

import csv
import lzma
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast import terms
from mast.errors import MastError, all_codes, all_errors
from mast.terms import Badge, badge_of, parse_name, program_of, suffix_of

EXAMPLES = {
    "jw02733-o001_t001_nircam_clear-f090w_i2d.fits": ("stage3", "i2d", Badge.IMAGE),
    "jw02733-o001_t001_nircam_clear-f090w_i2d_thumb.jpg": ("stage3", "i2d", Badge.PREVIEW),
    "jw02733002001_02101_00001_mirimage_cal.fits": ("exposure", "cal", Badge.IMAGE),
    "jw01366004001_04101_00001-seg003_nrs1_x1dints.fits": ("exposure", "x1dints", Badge.TABLE),
    "jw01366004001_04101_00001-seg003_nrs1_o004_crfints.fits": ("exposure", "crfints", Badge.IMAGE),
    "jw05224-o004_s000277193_nirspec_clear-prism_s2d.fits": ("stage3", "s2d", Badge.IMAGE),
    "jw05224-o004_t002-s000000001_nirspec_clear-prism_x1d.fits": ("stage3", "x1d", Badge.TABLE),
    "jw01345-o052_s00001_nirspec_f170lp-g235m_x1d.fits": ("stage3", "x1d", Badge.TABLE),
    "jw01373-o019_t001_nirspec_f170lp_g235m_s3d.fits": ("stage3", "s3d", Badge.IMAGE),
    "jw07340-c1004_t001_miri_f1065c-mask1065_i2d.fits": ("stage3", "i2d", Badge.IMAGE),
    "jw01093-o012_t007-epoch1_niriss_f480m-nrm_ami-oi.fits": ("stage3", "ami-oi", Badge.TABLE),
    "jw01386-a3001_t001_nircam_f444w-maskrnd-sub320a335r_psfsub-01.fits": ("stage3", "psfsub", Badge.IMAGE),
    "jw05224-o004_20251221t142913_image2_00005_asn.json": ("association", "asn", Badge.TABLE),
    "jw05224_20251221t142913_pool.csv": ("pool", "pool", Badge.TABLE),
    "jw05224004001_01_msa.fits": ("msa", "msa", Badge.TABLE),
    "jw01288001001_gs-id_1_image_cal.fits": ("guidestar", "cal", Badge.IMAGE),
    "jw01288001001_gs-id_1_image-uncal.fits": ("guidestar", "uncal", Badge.IMAGE),
    "jw01288001001_gs-fg_2022254135500-seg001_stream.fits": ("guidestar", "stream", Badge.TABLE),
    "jw02561-o001_t003_nircam_clear-f115w_cat.ecsv": ("stage3", "cat", Badge.TABLE),
}


@pytest.mark.parametrize(("name", "expected"), EXAMPLES.items())
def test_every_form_of_name_is_read(name: str, expected: tuple[str, str, Badge]) -> None:
    parsed = parse_name(name)
    assert parsed is not None
    assert (parsed.form, parsed.suffix, badge_of(name)) == expected


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_name_has_exactly_one_form(name: str) -> None:
    assert sum(1 for pattern in terms._PATTERNS.values() if pattern.fullmatch(name)) == 1


@pytest.mark.parametrize("extension", ["json", "ecsv", "csv", "fits"])
@pytest.mark.parametrize("suffix", ["asn", "cat", "pool"])
def test_tables_wear_amber_whatever_their_extension(suffix: str, extension: str) -> None:
    assert badge_of(f"jw02733-o001_t001_nircam_clear-f090w_{suffix}.{extension}") == Badge.TABLE


@pytest.mark.parametrize(
    ("pattern", "badge"),
    [(name, Badge.IMAGE) for name in ["uncal", "rate", "rateints", "cal", "calints", "i2d", "s2d", "crf"]]
    + [(name, Badge.TABLE) for name in ["asn", "x1d", "x1dints", "cat", "pool"]],
)
def test_the_guides_own_patterns_hold(pattern: str, badge: Badge) -> None:
    assert badge_of(f"anything_{pattern}.fits") == badge


@pytest.mark.parametrize(
    "name", ["jw02733_i2d", "x.fits", "readme.txt", "jw02733-o001_t001_nircam_clear-f090w_new.fits"]
)
def test_what_is_not_known_is_unclassified(name: str) -> None:
    assert badge_of(name) == Badge.UNCLASSIFIED


@given(st.text(max_size=80))
def test_no_text_breaks_the_grammar(text: str) -> None:
    parsed = parse_name(text)
    assert badge_of(text) in Badge
    assert parsed is None or text.startswith(parsed.root)
    suffix_of(text)


@given(
    program=st.integers(1, 99999),
    obs=st.integers(1, 999),
    visit=st.integers(1, 999),
    activity=st.from_regex(r"[0-9a-z]{2}", fullmatch=True),
    exposure=st.integers(1, 99999),
    segment=st.none() | st.integers(1, 999),
    detector=st.sampled_from(["nrcb4", "nrcblong", "nrs1", "mirimage", "mirifushort", "nis", "guider1"]),
    suffix=st.sampled_from(sorted(name for name in terms.SUFFIXES if "-" not in name)),
)
def test_a_made_exposure_name_is_read_back(
    program: int, obs: int, visit: int, activity: str, exposure: int, segment: int | None, detector: str, suffix: str
) -> None:
    part = "" if segment is None else f"-seg{segment:03d}"
    name = f"jw{program:05d}{obs:03d}{visit:03d}_021{activity}_{exposure:05d}{part}_{detector}_{suffix}.fits"
    parsed = parse_name(name)
    assert parsed is not None
    assert (parsed.program, parsed.obs, parsed.detector, parsed.suffix) == (
        f"{program:05d}",
        f"{obs:03d}",
        detector,
        suffix,
    )
    assert parsed.segment == (None if segment is None else f"{segment:03d}")


@pytest.mark.parametrize("program", ["2733", "02733", 2733, "jw02733", " 2733 "])
def test_one_program_has_one_spelling(program: str | int) -> None:
    assert program_of(program) == "2733"


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "a" * 201, "a\nb", "a b", "ä.fits"])
def test_unsafe_names_are_refused(name: str) -> None:
    assert not terms.is_safe_name(name)


def test_every_state_has_its_stage_and_place() -> None:
    assert set(terms.STAGES) == set(terms.JobState)
    assert set(terms.JobState) == terms.LIVE | terms.ENDED
    assert not terms.LIVE & terms.ENDED
    assert terms.LIVE >= terms.ACTIVE


def test_every_error_has_a_code_of_its_own_and_survives_pickling() -> None:
    kinds = list(all_errors())
    assert len(all_codes()) == len(kinds)
    for kind in kinds:
        error = kind("said", field="ra")
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.message, copy.details) == (kind, "said", {"field": "ra"})
        assert kind().message == kind.meaning
        assert 400 <= kind.http_status < 600 or kind is MastError


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt") if path.suffix == ".xz" else path.open() as lines:
        yield from csv.DictReader(lines)


def _recorded_names(shared: Path) -> Iterator[str]:
    for row in _rows(shared / "products/momz14_caom_products_5224.csv"):
        yield row["productFilename"]
    for part in ("latest", "older"):
        for row in _rows(shared / f"observations/yuvalharpaz_caom_i2d_{part}.csv"):
            yield from (row[column].rsplit("/", 1)[-1] for column in ("jpegURL", "dataURL") if row[column])
    for path in sorted((shared / "observations/mast_jwst_keywords").iterdir()):
        for row in _rows(path):
            # The recorder cut the nirspec file names; the file set and detector are MAST's own.
            own = f"{row['fileSetName']}_{row['detector'].lower()}_cal.fits"
            yield own if path.name.startswith("nirspec") else row["filename"]
            yield from (row[column] for column in ("asntable", "asnpool") if row[column])


def test_every_recorded_name_is_classified(shared_data: Path, record_property: pytest.RecordProperty) -> None:
    counts: Counter[str] = Counter()
    for name in _recorded_names(shared_data):
        parsed = parse_name(name)
        assert parsed is not None, name
        assert badge_of(name) != Badge.UNCLASSIFIED, name
        counts[parsed.form] += 1
    record_property("classified names", dict(counts))
    print(f"classified: {sum(counts.values())} names, {dict(counts)}")
    assert sum(counts.values()) > 160_000
    assert set(counts) == {"association", "pool", "exposure", "stage3", "msa"}
