"""Downloads as the users of a Python library do them; run by the interpreter of the peers' own environment.

`python peer_child.py PEER OUT URL | @LIST`. Peers that speak S3 take BENCH_S3_ENDPOINT, astroquery takes BENCH_MAST;
BENCH_CA names a certificate to trust, BENCH_WORKERS how many files at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

BUCKET, PREFIX = "stpubdata", "jwst/public/"
MIB = 1 << 20
CA = os.environ.get("BENCH_CA")
WORKERS = int(os.environ.get("BENCH_WORKERS", "8"))
ENDPOINT = os.environ.get("BENCH_S3_ENDPOINT", "")
OUT = Path(sys.argv[2])
URLS = Path(sys.argv[3][1:]).read_text().split() if sys.argv[3].startswith("@") else sys.argv[3:]
IS_MANY = sys.argv[3].startswith("@")


def target(url: str) -> Path:
    return OUT / url.rsplit("/", 1)[1] if IS_MANY else OUT


def key(url: str) -> str:
    return PREFIX + url.rsplit("/", 1)[1]


def each(one: Callable[[str], object], workers: int = WORKERS) -> None:
    with ThreadPoolExecutor(min(workers, len(URLS))) as pool:
        list(pool.map(one, URLS))


# --- HTTP -------------------------------------------------------------------------------------------------------


def by_requests() -> None:
    import requests

    session = requests.Session()
    session.verify = CA or True
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=WORKERS))

    def one(url: str) -> None:
        with session.get(url, stream=True) as reply, target(url).open("wb") as file:
            reply.raise_for_status()
            for block in reply.iter_content(MIB):
                file.write(block)

    each(one)


def by_httpx() -> None:
    import ssl

    import httpx

    trust: Any = ssl.create_default_context(cafile=CA) if CA else True
    with httpx.Client(verify=trust, limits=httpx.Limits(max_connections=WORKERS)) as client:

        def one(url: str) -> None:
            with client.stream("GET", url) as reply, target(url).open("wb") as file:
                reply.raise_for_status()
                for block in reply.iter_bytes(MIB):
                    file.write(block)

        each(one)


def by_aiohttp() -> None:
    import asyncio
    import ssl

    import aiohttp

    async def main() -> None:
        trust: Any = ssl.create_default_context(cafile=CA) if CA else True
        connector = aiohttp.TCPConnector(limit=WORKERS, ssl=trust)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def one(url: str) -> None:
                async with session.get(url) as reply:
                    reply.raise_for_status()
                    with target(url).open("wb") as file:
                        async for block in reply.content.iter_chunked(MIB):
                            file.write(block)

            await asyncio.gather(*map(one, URLS))

    asyncio.run(main())


def by_pycurl() -> None:
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(curl.BUFFERSIZE, 512 * 1024)
    curl.setopt(curl.FAILONERROR, True)
    if CA:
        curl.setopt(curl.CAINFO, CA)
    for url in URLS:
        with target(url).open("wb") as file:
            curl.setopt(curl.URL, url)
            curl.setopt(curl.WRITEDATA, file)
            curl.perform()


# --- S3 ---------------------------------------------------------------------------------------------------------


def by_boto3() -> None:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}, max_pool_connections=64)
    client = boto3.client("s3", endpoint_url=ENDPOINT, region_name="us-east-1", verify=CA, config=config)
    each(lambda url: client.download_file(BUCKET, key(url), str(target(url))))


def by_crt() -> None:
    import botocore.session
    from botocore import UNSIGNED
    from botocore.config import Config
    from s3transfer.crt import BotocoreCRTRequestSerializer, CRTTransferManager, create_s3_crt_client

    config = Config(signature_version=UNSIGNED, s3={"addressing_style": "path"})
    settings = {"endpoint_url": ENDPOINT, "region_name": "us-east-1", "config": config}
    serializer = BotocoreCRTRequestSerializer(botocore.session.Session(), client_kwargs=settings)
    is_tls = urlsplit(ENDPOINT).scheme == "https"
    client = create_s3_crt_client("us-east-1", crt_credentials_provider=None, use_ssl=is_tls)
    with CRTTransferManager(client, serializer) as manager:
        for coming in [manager.download(BUCKET, key(url), str(target(url))) for url in URLS]:
            coming.result()


def by_obstore() -> None:
    import obstore
    from obstore.store import S3Store

    client_options = {"allow_http": True, "timeout": "300s", "allow_invalid_certificates": bool(CA)}
    store = S3Store(
        BUCKET,
        endpoint=ENDPOINT,
        region="us-east-1",
        skip_signature=True,
        virtual_hosted_style_request=False,
        client_options=client_options,
    )

    def one(url: str) -> None:
        with target(url).open("wb") as file:
            for block in obstore.get(store, key(url)).stream(min_chunk_size=MIB):
                file.write(block)

    each(one)


# --- astroquery -------------------------------------------------------------------------------------------------


def by_astroquery() -> None:
    _astroquery()


def by_astroquery_cloud() -> None:
    """As `enable_cloud_dataset` does it, with its boto3 led to our endpoint and its path_lookup to our server."""
    import boto3
    from astroquery.mast import Observations, utils
    from astroquery.mast.cloud import CloudAccess
    from botocore.config import Config

    boto3.client, boto3.resource = _led_astray(boto3.client, Config), _led_astray(boto3.resource, Config)
    Observations._cloud_connection = CloudAccess()
    utils._simple_request = _looked_up(utils._simple_request)
    _astroquery()


def _led_astray(make: Callable[..., Any], config: Any) -> Callable[..., Any]:
    def made(*arguments: Any, **options: Any) -> Any:
        path_style = options["config"].merge(config(s3={"addressing_style": "path"}))
        return make(
            *arguments, **options | {"endpoint_url": ENDPOINT, "region_name": "us-east-1", "config": path_style}
        )

    return made


def _looked_up(request: Callable[..., Any]) -> Callable[..., Any]:
    """The request is made, its answer given here."""

    def answered(url: str, params: dict[str, list[str]]) -> Any:
        request(os.environ["BENCH_MAST"] + urlsplit(url).path, params)
        paths = {uri: {"path": f"/{PREFIX}{uri.rsplit('/', 1)[1]}"} for uri in params["uri"]}
        return SimpleNamespace(json=lambda: paths)

    return answered


def _astroquery() -> None:
    from astropy.table import Table
    from astroquery.mast import Observations

    portal = Observations._portal_api_connection
    portal.MAST_DOWNLOAD_URL = os.environ["BENCH_MAST"] + "/api/v0.1/Download/file"
    names = [url.rsplit("/", 1)[1] for url in URLS]
    uris = [f"mast:JWST/product/{name}" for name in names]
    if not IS_MANY:
        made = OUT.with_suffix(".fits")
        status = Observations.download_file(uris[0], local_path=str(made), cache=False)
        made.rename(OUT)
        assert status[0] == "COMPLETE", status
        return
    alike = {"obs_collection": "JWST", "obs_id": "o", "productType": "SCIENCE"}
    columns = {"dataURI": uris, "productFilename": names} | {name: [value] * len(uris) for name, value in alike.items()}
    manifest = Observations.download_products(Table(columns), download_dir=str(OUT), flat=True, cache=False)
    assert all(manifest["Status"] == "COMPLETE"), manifest


if IS_MANY:
    OUT.mkdir()
globals()[f"by_{sys.argv[1]}"]()
