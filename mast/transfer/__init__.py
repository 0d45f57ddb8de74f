"""Bytes to disk: fetch a file over several connections, go on after any interruption, prove it whole.

A library of its own, without Django::

    from pathlib import Path
    from mast.transfer import HttpSource, S3Source, TransferConfig, Wanted, fetch

    name = "jw02733-o001_t001_nircam_clear-f090w_i2d.fits"
    fetched = fetch(
        Wanted(
            name,
            sources=[
                S3Source("", "stpubdata", f"jwst/public/jw02733/L3/t/o001/{name}"),
                HttpSource(f"https://mast.stsci.edu/api/v0.1/Download/file?uri=mast:JWST/product/{name}"),
            ],
            partial_dir=Path("data/.partial"),
            final_path=Path("data/mast/2733") / name,
        ),
        TransferConfig(),
        on_progress=print,
    )
    print(fetched.sha256, fetched.proof)

`fetch_many(files, TransferConfig())` fetches many over a warm pool of connections and gives out their ends as they
come.

What it holds to, whatever the server, the network or a SIGKILL does:

- `final_path` is one complete version of the file, synced and read-only, or it is not there.
- A reply counts only with status 206 and exactly the range asked for, of the same version (ETag, else Last-Modified,
  else the same bytes where they overlap) and the same length, uncompressed. A 200 is used from its first byte or not
  at all.
- Bytes are put at their place in a part file, then into a journal with a CRC32C for every MiB or less. A later attempt
  trusts only records that agree with the bytes on disk; a kill costs at most 1 MiB per connection.
- The SHA-256 is taken from what is read back, record by record against its CRC, while the rest still arrives; a small
  file's is taken in passing, and nothing is read twice.
- How many connections a file gets, and how much each request asks for, is found out from what they bring and how long
  they wait (`growth`), `connections` at most. A `Site` tells what others leave of connections and bandwidth.
- The file's blocks are set aside before its first byte, where the file system can: a disk too small says so then.
- A part begun from one source goes on from another only when length, first 64 KiB and last record are the same.
- Waiting is bounded by lack of progress (`give_up_after_s`), not by a count of attempts; a server's Retry-After holds
  for all connections of the process to it.

`python -m mast.transfer URL OUT` does the same from a shell. `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`,
`REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured.

The rooms: `engine` (attempts at one file) · `many` (many files) · `session` (one go at one source) · `stream` (one
connection) · `spans` (who fetches what) · `growth` (how many) · `site`, `waits` (what others leave, and ask for) ·
`sources`, `reply`, `admission`, `headers`, `wire`, `pool` (HTTP) · `partfile`, `journal`, `disk`, `lock` (the disk) ·
`readback`, `sums`, `verify`, `finish` (proof).
"""

from mast.transfer.config import TransferConfig
from mast.transfer.engine import fetch
from mast.transfer.many import Ended, fetch_many
from mast.transfer.sources import HttpSource, S3Source, Source
from mast.transfer.values import Fetched, Progress, Verified, Wanted
from mast.transfer.verify import verify_file

__all__ = [
    "Ended",
    "Fetched",
    "HttpSource",
    "Progress",
    "S3Source",
    "Source",
    "TransferConfig",
    "Verified",
    "Wanted",
    "fetch",
    "fetch_many",
    "verify_file",
]
