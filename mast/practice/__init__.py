"""The practice archive: a server that speaks MAST's protocol and S3, with observations and FITS files of its own.

Standard library only until the first picture is made; numpy and Pillow then. Nothing in `mast` imports it.
"""

from mast.practice.server import PracticeServer

__all__ = ["PracticeServer"]
