"""One file of every kind the practice archive makes, and the observation it belongs to."""

from __future__ import annotations

IMAGE = "jw02733-o001_t001_nircam_clear-f090w"
EXPOSURE = "jw02733001001_02105_00001_nrcb1"
SHUTTERS = "jw05437-o003_s000004711_nirspec_clear-prism"
CUBE = "jw09442-c1002_t001_miri_ch2-medium"
SERIES = "jw01366-o001_t001_niriss_clear-gr700xd-substrip256"
DISPERSED = "jw01366001001_04101_00001-seg002_nis"
MASKS = "jw01093-c1014_t005_niriss_f480m-nrm-sub80"
PLANET = "jw01386-c1020_t001_nircam_f250m-maskrnd-sub320a335r"
GUIDER = "jw02733001001_gs"
VARIANCES = "VAR_POISSON VAR_RNOISE VAR_FLAT"

# file, HDUs between the primary and ASDF, dimensions of the first picture, its unit
PRODUCTS = [
    (f"{EXPOSURE}_uncal", "SCI ZEROFRAME GROUP INT_TIMES", 4, "DN", IMAGE),
    (f"{EXPOSURE}_ramp", "SCI PIXELDQ GROUPDQ INT_TIMES", 4, "DN", IMAGE),
    (f"{EXPOSURE}_dark", "SCI PIXELDQ GROUPDQ INT_TIMES", 4, "DN", IMAGE),
    (f"{EXPOSURE}_trapsfilled", "SCI", 3, None, IMAGE),
    (f"{EXPOSURE}_rate", "SCI ERR DQ VAR_POISSON VAR_RNOISE", 2, "DN/s", IMAGE),
    (f"{EXPOSURE}_rateints", "SCI ERR DQ VAR_POISSON VAR_RNOISE INT_TIMES", 3, "DN/s", IMAGE),
    (
        f"{EXPOSURE}_fitopt",
        "SLOPE SIGSLOPE VAR_POISSON VAR_RNOISE YINT SIGYINT WEIGHTS CRMAG PEDESTAL",
        4,
        None,
        IMAGE,
    ),
    (f"{EXPOSURE}_bsub", "SCI ERR DQ VAR_POISSON VAR_RNOISE", 2, "DN/s", IMAGE),
    (f"{EXPOSURE}_bsubints", "SCI ERR DQ VAR_POISSON VAR_RNOISE INT_TIMES", 3, "DN/s", IMAGE),
    (f"{EXPOSURE}_mbsub", f"SCI ERR DQ AREA {VARIANCES}", 2, "MJy/sr", IMAGE),
    (f"{EXPOSURE}_cal", f"SCI ERR DQ AREA {VARIANCES}", 2, "MJy/sr", IMAGE),
    (f"{EXPOSURE}_calints", f"SCI ERR DQ AREA {VARIANCES} INT_TIMES", 3, "MJy/sr", IMAGE),
    (f"{EXPOSURE}_flat", "SCI DQ ERR", 2, None, IMAGE),
    (f"{EXPOSURE}_o001_crf", f"SCI ERR DQ AREA {VARIANCES}", 2, "MJy/sr", IMAGE),
    (f"{DISPERSED}_o001_crfints", f"SCI ERR DQ {VARIANCES} INT_TIMES", 3, "MJy/sr", SERIES),
    (f"{EXPOSURE}_i2d", f"SCI ERR CON WHT {VARIANCES} HDRTAB", 2, "MJy/sr", IMAGE),
    (f"{IMAGE}_i2d", f"SCI ERR CON WHT {VARIANCES} HDRTAB", 2, "MJy/sr", IMAGE),
    (f"{IMAGE}_segm", "SCI", 2, None, IMAGE),
    (f"{IMAGE}_wfscmb", "SCI ERR DQ", 2, "MJy/sr", IMAGE),
    (f"{IMAGE}_blot", "SCI", 2, "MJy/sr", IMAGE),
    (f"{IMAGE}_median", "SCI", 2, "MJy/sr", IMAGE),
    (f"{IMAGE}_snr", "SCI", 2, "MJy/sr", IMAGE),
    (f"{CUBE}_s2d", f"SCI ERR CON WHT {VARIANCES} WCS-TABLE HDRTAB", 2, "MJy/sr", CUBE),
    (f"{SHUTTERS}_s2d", f"SCI ERR CON WHT {VARIANCES} WCS-TABLE", 2, "MJy/sr", SHUTTERS),
    (f"{CUBE}_s3d", "SCI ERR DQ WMAP WCS-TABLE HDRTAB", 3, "MJy/sr", CUBE),
    (f"{PLANET}_psfstack", "SCI DQ ERR", 3, "MJy/sr", PLANET),
    (f"{PLANET}_psfalign", "SCI ERR DQ", 3, "MJy/sr", PLANET),
    (f"{PLANET}_psfsub", "SCI ERR DQ", 3, "MJy/sr", PLANET),
    (f"{MASKS}_amilg", "CTRD N_CTRD FIT N_FIT RESID N_RESID SOLNS", 3, None, MASKS),
    (f"{GUIDER}-id_1_image_uncal", "SCI CENTROID_PACKET", 4, "DN", IMAGE),
    (f"{GUIDER}-track_2022154163000_cal", "SCI ERR DQ CENTROID_PACKET", 3, "DN/s", IMAGE),
    (f"{GUIDER}-track_2022154163000_stream", "POINTING", None, None, IMAGE),
    ("jw05437003001_01_msa", "SHUTTER_IMAGE SHUTTER_INFO SOURCE_INFO", 2, None, SHUTTERS),
    (f"{CUBE}_x1d", "EXTRACT1D", None, None, CUBE),
    (f"{SERIES}_x1dints", "EXTRACT1D INT_TIMES", None, None, SERIES),
    (f"{CUBE}_c1d", "COMBINE1D", None, None, CUBE),
    (
        f"{MASKS}_aminorm-oi",
        "OI_ARRAY OI_TARGET OI_T3 OI_VIS OI_VIS2 OI_Q4 OI_WAVELENGTH",
        None,
        None,
        MASKS,
    ),
]
