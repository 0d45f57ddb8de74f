"""Product lists as MAST makes them: a combined observation lists its members' files of every level before its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mast.practice.catalogue import PRODUCT_URI, Exposure, Observation
from mast.practice.columns import Row

_EXPOSURE_KINDS: Final = {
    "IMAGE": "uncal rate rateints cal i2d crf",
    "CORON": "uncal rate rateints calints crfints psfalign psfsub",
    "IFU": "uncal rate rateints cal s3d x1d crf",
    "MSA": "uncal rate rateints cal s2d x1d",
    "SLIT": "uncal rate rateints cal s2d x1d crf",
    "WFSS": "uncal rate rateints cal x1d",
    "AMI": "uncal rate rateints calints ami-oi",
    "SERIES": "uncal rateints calints x1dints crfints",
    "PHOTOMETRY": "uncal rateints calints crfints",
    "FGS": "uncal rate rateints cal i2d",
}
_OWN_KINDS: Final = {
    "IMAGE": "i2d.fits cat.ecsv segm.fits",
    "CORON": "i2d.fits psfstack.fits",
    "IFU": "s3d.fits x1d.fits",
    "MSA": "crf.fits s2d.fits x1d.fits",
    "SLIT": "s2d.fits x1d.fits c1d.fits",
    "WFSS": "x1d.fits c1d.fits",
    "AMI": "aminorm-oi.fits amilg.fits",
    "SERIES": "x1dints.fits whtlt.ecsv",
    "PHOTOMETRY": "phot.ecsv",
    "FGS": "i2d.fits cat.ecsv segm.fits",
}
_PICTURES: Final = {
    "IMAGE": "i2d.jpg",
    "CORON": "i2d.jpg",
    "IFU": "s3d.jpg x1d.png",
    "MSA": "cal.jpg crf.jpg s2d.jpg x1d.png",
    "SLIT": "s2d.jpg x1d.png",
    "WFSS": "x1d.png",
    "AMI": "amilg.jpg",
    "SERIES": "x1dints.png",
    "PHOTOMETRY": "phot.png",
    "FGS": "i2d.jpg",
}
"""Previews of a combined observation, the first the one its row points to."""
_TAGGED: Final = frozenset({"crf", "crfints", "psfalign", "psfsub", "ami-oi"})
"""Made per exposure by stage 3, and named with the candidate they were made for."""
_ASN_KINDS: Final = {
    "IMAGE": "image",
    "FGS": "image",
    "CORON": "coron",
    "SERIES": "tso",
    "PHOTOMETRY": "tso",
    "AMI": "ami",
}
_DESCRIPTIONS: Final = {
    "UNCAL": "exposure (L1b): Uncalibrated 4D exposure data",
    "RATE": "exposure (L2a): 2D count rate averaged over integrations",
    "RATEINTS": "exposure (L2a): 3D countrate per integration",
    "CAL": "exposure (L2b): 2D calibrated exposure average over integrations",
    "CALINTS": "exposure (L2b): 3D calibrated exposure per integration",
    "ANNNN_CRF": "exposure (L2c): 2D Calibrated data averaged over integrations",
    "ANNNN_CRFINTS": "exposure (L2c): 3D Calibrated data per integration",
    "ANNNN_S2D": "exposure(L2c): 2D image of spectrum avg integrations",
    "ANNNN_X1D": "exposure(L2c): 1D extracted spectrum",
    "I2D": "exposure/target (L2b/L3): rectified 2D image",
    "S2D": "exposure/target (L2b/L3): 2D image of spectrum avg integrations",
    "S3D": "exposure/target (L2b/L3): 3D IFU cube",
    "X1D": "exposure/target (L2b/L3): 1D extracted spectrum",
    "X1DINTS": "exposure/target (L2b/L3): 1D spectrum per integration",
    "C1D": "source/target (L3): 1D combined spectrum",
    "CAT": "source/target (L3) : catalog of sources",
    "SEGM": "source/target (L3) : segmentation map",
    "PHOT": "source/target (L3) : photometry over time",
    "WHTLT": "source/target (L3) : white light curve",
    "PSFSTACK": "source/target (L3) : stacked PSF images",
    "ANNNN_PSFALIGN": "exposure/target (L3): aligned PSF images",
    "ANNNN_PSFSUB": "exposure/target (L3): PSF-subtracted images",
    "ANNNN_AMI-OI": "exposure (L3): interferometric observables",
    "AMINORM-OI": "source/target (L3) : normalized interferometric observables",
    "AMILG": "source/target (L3) : fringe parameters",
    "ASN": "source/target (L3) : association generator",
    "POOL": "source/target (L3) : association pool",
    "MSA": "MSA metadata",
}
RECOMMENDED: Final = "Minimum Recommended Products"


def recipe(observation: Observation) -> str:
    """Which set of products an observation's instrument and mode give."""
    if observation.instrument == "fgs":
        return "FGS"
    if observation.dataproduct_type == "timeseries":
        return "PHOTOMETRY" if observation.mode == "IMAGE" else "SERIES"
    return observation.mode


@dataclass(frozen=True, slots=True)
class Product:
    """One file of an observation before MAST's columns are put around it."""

    file_name: str
    level: int
    product_type: str
    sub_group: str
    description: str
    is_recommended: bool = False


def file_names(observation: Observation) -> tuple[str | None, str | None]:
    """Preview and data file that the observation's row points to."""
    if observation.level < 0:
        return None, None
    kind = recipe(observation)
    if observation.level == 3:
        own = "s2d.fits" if kind == "MSA" else _OWN_KINDS[kind].split()[0]
        return f"{observation.obs_id}_{_PICTURES[kind].split()[0]}", f"{observation.obs_id}_{own}"
    kinds = _EXPOSURE_KINDS[kind].split()
    suffix = "uncal" if observation.level == 1 else next(name for name in ("cal", "calints", "rate") if name in kinds)
    return f"{observation.obs_id}_{suffix}.jpg", f"{observation.obs_id}_{suffix}.fits"


def of_observation(observation: Observation) -> Iterator[tuple[str, str, Product]]:
    """Every product with the obsid and obs_id it is listed under, members first, duplicates as MAST has them."""
    if observation.level < 0:
        return
    for exposure in observation.members:
        own = exposure.obs_id == observation.obs_id
        for product in _of_exposure(observation, exposure):
            yield (observation.obsid if own else exposure.obsid), exposure.obs_id, product
    if observation.level == 3:
        for product in _own(observation):
            yield observation.obsid, observation.obs_id, product


def row(observation: Observation, obsid: str, obs_id: str, product: Product, size_bytes: int) -> Row:
    """A product as `Mast.Caom.Products` sends it."""
    own = obsid == observation.obsid and observation.level == 3
    spectral = observation.dataproduct_type if product.level > 1 else "image"
    return {
        "obsID": obsid,
        "obs_collection": "JWST",
        "dataproduct_type": spectral,
        "obs_id": obs_id,
        "description": product.description,
        "type": "D" if own else "S",
        "dataURI": PRODUCT_URI + product.file_name,
        "productType": product.product_type,
        "productGroupDescription": RECOMMENDED if product.is_recommended else None,
        "productSubGroupDescription": product.sub_group or None,
        "productDocumentationURL": None,
        "project": "CALJWST",
        "prvversion": "1.17.1",
        "proposal_id": observation.program.number,
        "productFilename": product.file_name,
        "size": size_bytes,
        "parent_obsid": observation.obsid,
        "dataRights": "EXCLUSIVE_ACCESS" if observation.is_exclusive else "PUBLIC",
        "calib_level": product.level,
        "filters": observation.filters or None,
    }


def _of_exposure(observation: Observation, exposure: Exposure) -> Iterator[Product]:
    kind = recipe(observation)
    if kind == "MSA":
        yield Product(f"{exposure.visit_id}_01_msa.fits", 1, "AUXILIARY", "MSA", _DESCRIPTIONS["MSA"])
    names = ["uncal"] if observation.level == 1 else _EXPOSURE_KINDS[kind].split()
    if observation.level > 1:
        yield _info(association_name(observation, exposure), "ASN", 2)
        yield _info(pool_name(observation), "POOL", 2)
    for suffix in names:
        picture = "png" if suffix in {"x1d", "x1dints"} else "jpg"
        if suffix not in _TAGGED:
            yield _preview(f"{exposure.obs_id}_{suffix}.{picture}", 1 if suffix == "uncal" else 2)
    for suffix in names:
        yield _exposure_file(observation, exposure, suffix)
    if exposure.dither == 0 and kind in {"IMAGE", "FGS"}:
        yield from _guide_star(observation, exposure)


def _exposure_file(observation: Observation, exposure: Exposure, suffix: str) -> Product:
    if suffix in _TAGGED:
        name, group = f"{exposure.obs_id}_{observation.candidate}_{suffix}.fits", f"ANNNN_{suffix.upper()}"
        level = 2 if suffix.startswith("crf") else 3
    else:
        name, group, level = f"{exposure.obs_id}_{suffix}.fits", suffix.upper(), 1 if suffix == "uncal" else 2
    return Product(name, level, "SCIENCE", group, _DESCRIPTIONS.get(group, suffix))


def _guide_star(observation: Observation, exposure: Exposure) -> Iterator[Product]:
    """The guider's files of a visit hang on each of its exposures."""
    stamp = 20_220_000_000_000 + int((observation.t_min or 59_000) * 1e5) % 10_000_000_000
    for name, level in (
        ("id_1_image_uncal", 1),
        ("id_1_image_cal", 2),
        (f"acq1_{stamp}_cal", 2),
        (f"track_{stamp}_cal", 2),
        (f"track_{stamp}_stream", 1),
    ):
        group = f"GS-{name.partition('_')[0].upper()}"
        yield Product(f"{exposure.visit_id}_gs-{name}.fits", level, "AUXILIARY", group, "guide star data")


def _own(observation: Observation) -> Iterator[Product]:
    kind = recipe(observation)
    yield _info(association_name(observation), "ASN", 3, recommended=True)
    yield _info(pool_name(observation), "POOL", 3, recommended=True)
    for picture in _PICTURES[kind].split():
        yield _preview(f"{observation.obs_id}_{picture}", 3)
    if kind in {"IMAGE", "FGS", "CORON"}:
        yield Product(f"{observation.obs_id}_i2d_thumb.jpg", 3, "THUMBNAIL", "", "Preview-Thumb")
    for one in _OWN_KINDS[kind].split():
        group = one.partition(".")[0].upper()
        if kind == "MSA":
            group = f"ANNNN_{group}"
        yield Product(
            f"{observation.obs_id}_{one}", 3, "SCIENCE", group, _DESCRIPTIONS.get(group, group), is_recommended=True
        )


def _info(name: str, group: str, level: int, *, recommended: bool = False) -> Product:
    return Product(name, level, "INFO", group, _DESCRIPTIONS[group], is_recommended=recommended)


def _preview(name: str, level: int) -> Product:
    return Product(name, level, "PREVIEW", "", "Preview-Full")


def pool_name(observation: Observation) -> str:
    return f"{observation.program.prefix}_{observation.program.stamp}_pool.csv"


def association_name(observation: Observation, exposure: Exposure | None = None) -> str:
    """Of the whole observation, or of one exposure's own stage 2."""
    word = _ASN_KINDS.get(recipe(observation), "spec")
    stem = f"{observation.program.prefix}-{observation.candidate}_{observation.program.stamp}"
    if exposure is None:
        return f"{stem}_{word}3_{observation.number:05d}_asn.json"
    second = {"coron": "image", "ami": "image", "tso": "tso-spec"}.get(word, word)
    return f"{stem}_{second}2_{exposure.number:05d}_asn.json"
