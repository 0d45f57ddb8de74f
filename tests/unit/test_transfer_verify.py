"""How well a file on disk is known to be whole."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mast.errors import ChecksumMismatch, DamagedFile, SizeMismatch, TruncatedFits
from mast.terms import Proof
from mast.transfer import verify_file
from mast.transfer.crc64 import POLYNOMIAL, Crc64Nvme
from tests.fault.world import fits_bytes

PLAIN = fits_bytes(50_000, seed=1)
SUMMED = fits_bytes(3_000_000, seed=2, has_sums=True)


def on_disk(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    return path


def test_fits_of_the_right_length_is_proven_by_its_structure(tmp_path: Path) -> None:
    verified = verify_file(on_disk(tmp_path, PLAIN), expected_bytes=len(PLAIN), is_fits=True)
    assert verified.proof == Proof.STRUCTURE
    assert verified.sha256 == hashlib.sha256(PLAIN).hexdigest()
    assert verified.size_bytes == len(PLAIN)
    assert "The file carries no DATASUM of its own." in verified.notes


def test_other_files_are_proven_by_length_alone(tmp_path: Path) -> None:
    assert verify_file(on_disk(tmp_path, b"{}"), expected_bytes=2, is_fits=False).proof == Proof.LENGTH


def test_sums_inside_the_file_are_a_stronger_proof(tmp_path: Path) -> None:
    assert verify_file(on_disk(tmp_path, SUMMED), expected_bytes=None, is_fits=True).proof == Proof.FITS_SUMS


def test_a_wrong_datasum_is_damage(tmp_path: Path) -> None:
    spoiled = bytearray(SUMMED)
    spoiled[-5000] ^= 4
    with pytest.raises(ChecksumMismatch, match="DATASUM"):
        verify_file(on_disk(tmp_path, bytes(spoiled)), expected_bytes=None, is_fits=True)


def test_sums_as_astropy_writes_them_agree(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    fits = pytest.importorskip("astropy.io.fits")
    path = tmp_path / "a.fits"
    pixels = numpy.random.default_rng(3).normal(size=(300, 211)).astype("f4")
    column = fits.Column("flux", "E", array=pixels[0])
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels, name="SCI"), fits.BinTableHDU.from_columns([column])])
    hdus.writeto(path, checksum=True)
    verified = verify_file(path, expected_bytes=None, is_fits=True)
    assert verified.proof == Proof.FITS_SUMS
    assert "DATASUM and CHECKSUM agree in 3 of 3 HDUs." in verified.notes
    changed = bytearray(path.read_bytes())
    at = changed.index(b"EXTNAME")
    changed[at + 11 : at + 14] = b"ERR"
    path.write_bytes(changed)
    with pytest.raises(ChecksumMismatch, match="CHECKSUM"):
        verify_file(path, expected_bytes=None, is_fits=True)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "crc32", "crc32c"])
def test_a_checksum_from_the_source_is_the_strongest_proof(tmp_path: Path, algorithm: str) -> None:
    crcs = {"crc32": zlib.crc32, "crc32c": google_crc32c.value}
    stated = f"{crcs[algorithm](PLAIN):08x}" if algorithm in crcs else hashlib.new(algorithm, PLAIN).hexdigest()
    path = on_disk(tmp_path, PLAIN)
    verified = verify_file(path, expected_bytes=None, checksums={algorithm: stated}, is_fits=True)
    assert verified.proof == Proof.CHECKSUM
    with pytest.raises(ChecksumMismatch):
        verify_file(path, expected_bytes=None, checksums={algorithm: stated[::-1]}, is_fits=True)


def test_the_crc64_of_s3_is_the_standards() -> None:
    assert crc64nvme(b"123456789") == "ae8b14860a799888"
    assert crc64nvme(b"") == "0000000000000000"


@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_the_crc64_of_s3_is_that_of_the_definition_however_it_is_fed(data: bytes, cut: int) -> None:
    state = 0xFFFFFFFFFFFFFFFF
    for octet in data:
        state ^= octet
        for _ in range(8):
            state = (state >> 1) ^ (POLYNOMIAL if state & 1 else 0)
    assert crc64nvme(data[:cut], data[cut:]) == f"{state ^ 0xFFFFFFFFFFFFFFFF:016x}"


def test_the_crc64_of_s3_does_not_depend_on_blocks() -> None:
    pieces = [SUMMED[at : at + 777_777] for at in range(0, len(SUMMED), 777_777)]
    assert crc64nvme(SUMMED) == crc64nvme(*pieces)


def crc64nvme(*pieces: bytes) -> str:
    digest = Crc64Nvme()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def test_a_checksum_nobody_here_computes_is_said_so(tmp_path: Path) -> None:
    verified = verify_file(on_disk(tmp_path, PLAIN), expected_bytes=None, checksums={"xxh3": "00"}, is_fits=True)
    assert verified.proof == Proof.STRUCTURE
    assert any("xxh3" in note for note in verified.notes)


def test_damage_since_it_arrived_is_found(tmp_path: Path) -> None:
    path = on_disk(tmp_path, PLAIN)
    recorded = verify_file(path, expected_bytes=None, is_fits=True).sha256
    spoiled = bytearray(PLAIN)
    spoiled[-1] ^= 1
    path.write_bytes(spoiled)
    with pytest.raises(ChecksumMismatch):
        verify_file(path, expected_bytes=len(PLAIN), sha256=recorded, is_fits=True)


def test_wrong_sums_in_a_file_that_is_still_what_arrived_are_only_noted(tmp_path: Path) -> None:
    content = SUMMED[:-1] + bytes([SUMMED[-1] ^ 1])
    arrived = hashlib.sha256(content).hexdigest()
    verified = verify_file(on_disk(tmp_path, content), expected_bytes=None, sha256=arrived, is_fits=True)
    assert verified.proof == Proof.STRUCTURE
    assert any("DATASUM" in note for note in verified.notes)


def test_length_and_structure_are_checked(tmp_path: Path) -> None:
    with pytest.raises(SizeMismatch):
        verify_file(on_disk(tmp_path, PLAIN), expected_bytes=len(PLAIN) + 1, is_fits=True)
    with pytest.raises(TruncatedFits):
        verify_file(on_disk(tmp_path, PLAIN[:-2880]), expected_bytes=None, is_fits=True)


def test_a_missing_file_is_damage(tmp_path: Path) -> None:
    with pytest.raises(DamagedFile):
        verify_file(tmp_path / "gone.fits", expected_bytes=None, is_fits=True)


def test_headers_that_ask_for_too_much_lower_the_proof(tmp_path: Path) -> None:
    hostile = PLAIN.replace(b"NAXIS1  =                 2880", b"NAXIS1  =            999999999")
    verified = verify_file(on_disk(tmp_path, hostile), expected_bytes=None, is_fits=True)
    assert verified.proof == Proof.LENGTH
    assert any(note.startswith("Not opened as FITS") for note in verified.notes)
