"""Target names: their usual spelling, and the places JWST is most asked for, for when no resolver answers."""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_CATALOGUES: Final = {
    "ngc": "NGC",
    "ic": "IC",
    "m": "M",
    "messier": "M",
    "hd": "HD",
    "hip": "HIP",
    "hr": "HR",
    "hh": "HH",
    "gj": "GJ",
    "ugc": "UGC",
    "arp": "Arp",
    "abell": "Abell",
    "mrk": "Mrk",
    "markarian": "Mrk",
    "sh2": "Sh2",
    "toi": "TOI",
    "wasp": "WASP",
    "hat-p": "HAT-P",
    "vv": "VV",
    "wr": "WR",
    "pgc": "PGC",
}
_CATALOGUE_NAME: Final = re.compile(
    rf"(?P<catalogue>{'|'.join(sorted(_CATALOGUES, key=len, reverse=True))})[\s_-]*(?P<number>\d+)\s*(?P<rest>[a-z]?)",
    re.IGNORECASE,
)
_DASHED: Final = frozenset({"WASP", "TOI", "HAT-P", "Sh2"})
_STARS: Final = frozenset({"HD", "HIP", "HR", "GJ", "WASP", "TOI", "HAT-P"})
_DASHES: Final = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")


@dataclass(frozen=True)
class Place:
    """A well-known target. Position in ICRS degrees, good to a few arcminutes."""

    name: str
    ra_deg: float
    dec_deg: float


def normalise_target(name: str) -> str:
    """`NGC3132`, `ngc-3132` and `NGC  3132` as resolvers like it best: `NGC 3132`."""
    text = unicodedata.normalize("NFKC", name).translate(_DASHES)
    text = " ".join(text.split())
    match = _CATALOGUE_NAME.fullmatch(text)
    if not match:
        return text
    catalogue = _CATALOGUES[match["catalogue"].lower()]
    joint = "-" if catalogue in _DASHED else " "
    rest = match["rest"]
    # After a star's number a small letter is a planet and a capital one a companion: it stays as typed.
    part = f" {rest}" if rest and catalogue in _STARS else rest.upper()
    return f"{catalogue}{joint}{int(match['number'])}{part}"


def lookup_key(name: str) -> str:
    """What spellings of one name have in common: `carinanebula` for `Carina Nebula`."""
    plain = unicodedata.normalize("NFKD", normalise_target(name).casefold())
    return "".join(character for character in plain if character.isalnum() or character == "+")


def well_known(name: str) -> Place | None:
    """The place of a target in the table below, by any of its names."""
    return _PLACES.get(lookup_key(name))


def places() -> list[Place]:
    """Every place of the table."""
    return list(dict.fromkeys(_PLACES.values()))


def suggestions(name: str, *, most: int = 5) -> list[str]:
    """Names of the table that look like this one, the likest first."""
    key = lookup_key(name)
    near = difflib.get_close_matches(key, _PLACES, n=2 * most, cutoff=0.6)
    spellings = (_SPELLINGS[found] for found in near)
    return list(dict.fromkeys(spellings))[:most]


_TABLE: Final = """
NGC 3132 = Southern Ring Nebula = Southern Ring = Eight-Burst Nebula | 151.75735 -40.436428
Carina Nebula = Eta Carinae = NGC 3372 | 161.265 -59.684
NGC 3324 = Cosmic Cliffs | 159.246 -58.620
SMACS J0723.3-7327 = SMACS 0723 = SMACS J0723 = Webb's First Deep Field | 110.827 -73.454
Stephan's Quintet = HCG 92 = Arp 319 | 338.990 33.960
NGC 7319 | 339.015 33.976
M 16 = Eagle Nebula = NGC 6611 | 274.700 -13.807
Pillars of Creation | 274.718 -13.845
Tarantula Nebula = 30 Doradus = NGC 2070 | 84.676 -69.101
M 42 = Orion Nebula = NGC 1976 | 83.822 -5.391
Orion Bar | 83.838 -5.416
Horsehead Nebula = Barnard 33 | 85.246 -2.458
Flame Nebula = NGC 2024 | 85.425 -1.900
M 1 = Crab Nebula = NGC 1952 | 83.633 22.015
Cassiopeia A = Cas A | 350.866 58.812
M 57 = Ring Nebula = NGC 6720 | 283.396 33.029
Helix Nebula = NGC 7293 | 337.411 -20.837
NGC 6302 = Butterfly Nebula = Bug Nebula | 258.435 -37.103
NGC 6537 = Red Spider Nebula | 271.305 -19.843
NGC 6334 = Cat's Paw Nebula | 260.212 -36.115
Rho Ophiuchi = L1688 | 246.600 -24.390
Serpens Nebula | 277.490 1.240
NGC 1333 | 52.297 31.310
IC 348 | 56.130 32.160
NGC 7023 = Iris Nebula | 315.400 68.163
M 8 = Lagoon Nebula = NGC 6523 | 270.904 -24.387
M 17 = Omega Nebula = NGC 6618 | 275.196 -16.172
M 20 = Trifid Nebula = NGC 6514 | 270.675 -22.972
Pismis 24 | 261.180 -34.200
NGC 3603 | 168.779 -61.261
Westerlund 1 | 251.767 -45.851
Westerlund 2 | 155.992 -57.764
L1527 | 69.975 26.053
L483 = Lynds 483 | 274.375 -4.661
HH 30 | 67.907 18.207
HH 46 = HH 46/47 = HH 47 | 126.433 -51.010
HH 211 | 55.987 32.014
HL Tau = HL Tauri | 67.910 18.233
Cartwheel Galaxy = ESO 350-40 | 9.422 -33.716
M 31 = Andromeda Galaxy = NGC 224 | 10.685 41.269
M 33 = Triangulum Galaxy = NGC 598 | 23.462 30.660
M 51 = Whirlpool Galaxy = NGC 5194 | 202.470 47.195
M 66 = NGC 3627 | 170.062 12.992
M 74 = Phantom Galaxy = NGC 628 | 24.174 15.784
M 77 = NGC 1068 | 40.670 -0.013
M 81 = NGC 3031 | 148.888 69.065
M 82 = Cigar Galaxy = NGC 3034 | 148.969 69.680
M 83 = Southern Pinwheel = NGC 5236 | 204.254 -29.866
M 87 = Virgo A = NGC 4486 | 187.706 12.391
M 95 = NGC 3351 | 160.991 11.704
M 100 = NGC 4321 | 185.729 15.822
M 101 = Pinwheel Galaxy = NGC 5457 | 210.802 54.349
M 104 = Sombrero Galaxy = NGC 4594 | 189.998 -11.623
M 106 = NGC 4258 | 184.740 47.304
M 4 = NGC 6121 | 245.897 -26.526
M 13 = NGC 6205 | 250.424 36.461
M 92 = NGC 6341 | 259.281 43.136
47 Tucanae = 47 Tuc = NGC 104 | 6.024 -72.081
Omega Centauri = NGC 5139 | 201.697 -47.480
NGC 253 = Sculptor Galaxy | 11.888 -25.288
NGC 346 | 14.772 -72.176
NGC 602 | 22.383 -73.560
NGC 604 | 23.638 30.784
NGC 1300 | 49.921 -19.411
NGC 1365 | 53.402 -36.140
NGC 1433 | 55.506 -47.222
NGC 1566 | 65.002 -54.938
NGC 1672 | 71.427 -59.247
NGC 2207 = IC 2163 | 94.092 -21.373
NGC 3256 | 156.964 -43.904
NGC 4038 = Antennae Galaxies = NGC 4039 | 180.471 -18.868
NGC 4449 | 187.046 44.094
NGC 5068 | 199.728 -21.039
NGC 6240 | 253.245 2.401
NGC 6822 | 296.241 -14.803
NGC 7469 | 345.815 8.874
NGC 7496 | 347.447 -43.428
IC 5332 | 353.615 -36.101
Centaurus A = NGC 5128 | 201.365 -43.019
Cygnus A | 299.868 40.734
Circinus Galaxy | 213.292 -65.339
I Zw 18 | 143.508 55.241
II Zw 96 | 314.351 17.128
VV 114 = IC 1623 | 16.947 -17.507
Arp 142 = Penguin and Egg | 144.434 2.758
Arp 220 | 233.738 23.503
Galactic Centre = Galactic Center = Sgr A* | 266.417 -29.008
Sgr B2 = Sagittarius B2 | 266.835 -28.385
Sgr C = Sagittarius C | 266.150 -29.470
SN 1987A | 83.867 -69.270
SN 2023ixf | 210.911 54.312
SN 2024ggi | 169.592 -32.838
WR 124 | 287.879 16.861
WR 140 | 305.117 43.855
Abell 370 | 39.970 -1.577
Abell 1689 | 197.873 -1.341
Abell 2744 = Pandora's Cluster | 3.588 -30.397
Abell S1063 = RXC J2248.7-4431 | 342.183 -44.531
MACS J0416.1-2403 | 64.038 -24.068
MACS J0647.7+7015 | 101.961 70.248
MACS J0717.5+3745 | 109.387 37.751
MACS J1149.5+2223 = MACS J1149.6+2223 | 177.399 22.399
MACS J1423.8+2404 | 215.950 24.079
El Gordo = ACT-CL J0102-4915 | 15.721 -49.255
Bullet Cluster = 1E 0657-56 | 104.658 -55.950
WHL0137-08 = Sunrise Arc = Earendel | 24.354 -8.457
RX J2129.6+0005 | 322.416 0.089
SPT0418-47 | 64.665 -47.881
HUDF = Hubble Ultra Deep Field | 53.163 -27.791
GOODS-S = GOODS South = Chandra Deep Field South | 53.123 -27.805
GOODS-N = GOODS North = Hubble Deep Field North | 189.228 62.236
COSMOS = COSMOS field | 150.116 2.201
UDS = Ultra Deep Survey | 34.406 -5.200
EGS = Extended Groth Strip = CEERS | 214.825 52.825
JWST NEP TDF = NEP Time-Domain Field | 260.700 65.823
GN-z11 | 189.106 62.242
JADES-GS-z14-0 | 53.083 -27.856
MoM-z14 | 150.093 2.273
TRAPPIST-1 | 346.622 -5.041
WASP-18 = WASP-18 b | 24.355 -45.678
WASP-39 = WASP-39 b | 217.327 -3.445
WASP-43 = WASP-43 b | 154.908 -9.806
WASP-96 = WASP-96 b | 1.046 -47.361
WASP-107 = WASP-107 b | 188.386 -10.146
HAT-P-18 = HAT-P-18 b | 256.346 33.013
HD 189733 = HD 189733 b | 300.182 22.711
HD 209458 = HD 209458 b | 330.795 18.884
HIP 65426 = HIP 65426 b | 201.150 -51.505
HR 8799 | 346.870 21.134
K2-18 = K2-18 b | 172.560 7.588
GJ 367 = GJ 367 b | 146.124 -45.776
GJ 486 = GJ 486 b | 191.986 9.751
GJ 1214 = GJ 1214 b | 258.829 4.964
55 Cancri = 55 Cnc | 133.149 28.331
TOI-270 | 68.415 -51.956
AF Lep = AF Leporis | 81.770 -11.901
Beta Pictoris = Beta Pic | 86.821 -51.067
Fomalhaut | 344.413 -29.622
Vega | 279.235 38.784
Epsilon Eridani = Eps Eri | 53.233 -9.458
51 Eridani = 51 Eri | 69.401 -2.474
Alpha Centauri | 219.900 -60.834
Proxima Centauri | 217.429 -62.680
PDS 70 | 212.042 -41.398
TW Hydrae = TW Hya | 165.466 -34.705
VHS 1256 = VHS 1256 b | 194.008 -12.958
Luhman 16 = WISE 1049-5319 | 162.328 -53.319
P330E | 247.891 30.146
"""


def _read_table(table: str) -> tuple[dict[str, Place], dict[str, str]]:
    places, spellings = {}, {}
    for line in table.strip().splitlines():
        spelled, position = line.split("|")
        ra, dec = (float(number) for number in position.split())
        first, *others = (name.strip() for name in spelled.split("="))
        for name in (first, *others):
            places[lookup_key(name)] = Place(first, ra, dec)
            spellings[lookup_key(name)] = name
    return places, spellings


_PLACES, _SPELLINGS = _read_table(_TABLE)
