"""The practice archive as a process and as a server: starting, faults on demand, recorded rows and files."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from astropy.io import fits
from PIL import Image

from mast.practice import PracticeServer
from mast.practice.columns import Row
from tests.practice_fixture import bytes_sent

pytestmark = pytest.mark.one_database

MOSAIC = "mast:JWST/product/jw02733-o001_t001_nircam_clear-f090w_i2d.fits"
EXPOSURE = "mast:JWST/product/jw02733001001_02105_00001_nrcb1_rate.fits"


def invoke(server: PracticeServer, service: str, params: Row, **extra: Any) -> Row:
    request = {"service": service, "params": params, "format": "json"} | extra
    response = requests.post(f"{server.url}/api/v0/invoke", data={"request": json.dumps(request)}, timeout=20)
    response.raise_for_status()
    answer: Row = response.json()
    return answer


def observations(server: PracticeServer, **values: str) -> list[Row]:
    filters = [{"paramName": name, "values": [value]} for name, value in values.items()]
    rows: list[Row] = invoke(server, "Mast.Caom.Filtered", {"columns": "*", "filters": filters})["data"]
    return rows


def download(server: PracticeServer, uri: str, **headers: str) -> requests.Response:
    return requests.get(f"{server.url}/api/v0.1/Download/file", params={"uri": uri}, headers=headers, timeout=60)


# --- process ------------------------------------------------------------------------------------------------------


def test_the_process_says_it_is_ready_and_ends_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mast.practice", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("practice archive ready at http://127.0.0.1:")
        url = line.split()[-1]
        assert requests.get(f"{url}/health", timeout=5).json() == {"name": "practice archive"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0


def test_a_busy_port_is_one_clear_line(practice: PracticeServer, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mast.practice", "--port", str(practice.port), "--data", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("practice archive: cannot start:")
    assert ended.stderr.count("\n") == 1


def test_starting_loads_neither_numpy_nor_astropy() -> None:
    script = (
        "import sys; from mast.practice import PracticeServer; import tempfile\n"
        "server = PracticeServer(tempfile.mkdtemp()).start(); server.holdings.observations(); server.stop()\n"
        "print(sorted({'numpy', 'astropy', 'PIL', 'django', 'requests'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.strip() == "[]"


def test_stopping_drops_idle_connections(tmp_path: Path) -> None:
    server = PracticeServer(tmp_path).start()
    with requests.Session() as session:
        assert session.get(f"{server.url}/health", timeout=5).ok
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 2
        with pytest.raises(requests.ConnectionError):
            session.get(f"{server.url}/health", timeout=5)


# --- requests -----------------------------------------------------------------------------------------------------


def test_a_query_may_come_by_get(practice: PracticeServer) -> None:
    request = {"service": "Mast.Caom.Filtered", "params": {"columns": "obs_id,calib_level", "filters": []}}
    answer = requests.get(f"{practice.url}/api/v0/invoke", params={"request": json.dumps(request)}, timeout=20).json()
    assert set(answer["data"][0]) == {"obs_id", "calib_level"}


@pytest.mark.parametrize("body", [{}, {"request": ""}, {"request": "{"}, {"request": "[1]"}, {"other": "x"}])
def test_a_body_that_is_no_request_is_refused(practice: PracticeServer, body: dict[str, str]) -> None:
    assert requests.post(f"{practice.url}/api/v0/invoke", data=body, timeout=5).status_code == 400


def test_a_huge_body_is_refused(practice: PracticeServer) -> None:
    try:
        response = requests.post(f"{practice.url}/api/v0/invoke", data=b"x" * (5 << 20), timeout=5)
    except requests.ConnectionError:
        return  # refused before it was sent to the end
    assert response.status_code == 413


@pytest.mark.parametrize(
    ("service", "params", "sentence"),
    [
        ("Mast.Nothing", {}, "Unknown service"),
        ("Mast.Caom.Cone", {"ra": 1, "dec": 2}, "radius must be a number"),
        ("Mast.Caom.Cone", {"ra": "NaN", "dec": 2, "radius": 1}, "ra must be a number"),
        ("Mast.Caom.Filtered.Position", {"columns": "*", "position": "1, x, 2"}, "dec must be a number"),
        ("Mast.Caom.Filtered", {"columns": "nothing"}, "Invalid column name 'nothing'"),
        ("Mast.Caom.Filtered", {"filters": {}, "columns": "*"}, None),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "nothing"}]}, "Invalid column name 'nothing'"),
        ("Mast.Caom.Filtered", {"filters": "x"}, "filters must be a list"),
    ],
)
def test_a_mistake_is_an_envelope_with_a_sentence(
    practice: PracticeServer, service: str, params: Row, sentence: str | None
) -> None:
    answer = invoke(practice, service, params)
    assert answer["status"] == ("ERROR" if sentence else "COMPLETE")
    assert sentence is None or sentence in answer["msg"]


def test_names_are_looked_up_by_the_portal_too(practice: PracticeServer) -> None:
    answer = invoke(practice, "Mast.Name.Lookup", {"input": "M 16"})
    assert answer["data"][0]["canonicalName"] == "M  16"


def test_an_unknown_address_is_404(practice: PracticeServer) -> None:
    assert requests.get(f"{practice.url}/nothing", timeout=5).status_code == 404
    assert practice.counts["unknown"] == 1


# --- counts and faults --------------------------------------------------------------------------------------------


def test_requests_are_counted_by_kind(practice: PracticeServer) -> None:
    observations(practice, proposal_id="2733")
    download(practice, EXPOSURE, Range="bytes=0-99")
    requests.head(f"{practice.url}/api/v0.1/Download/file", params={"uri": EXPOSURE}, timeout=5)
    counts = requests.get(f"{practice.url}/counts", timeout=5).json()
    assert counts == {
        "invoke": 1,
        "invoke Mast.Caom.Filtered": 1,
        "download": 1,
        "download_head": 1,
        "counts": 1,
    }
    assert bytes_sent(practice, "http", 100) == 100
    assert set(practice.sent_bytes) == {"http"}
    practice.reset()
    assert practice.counts == {}


def test_one_kind_of_request_can_be_broken_alone(practice: PracticeServer) -> None:
    practice.broken = {"s3"}
    refused = requests.get(f"{practice.url}/s3/stpubdata/x", timeout=5)
    assert (refused.status_code, "SlowDown" in refused.text) == (503, True)
    assert observations(practice, proposal_id="2733")
    practice.broken = {"invoke"}
    refused = requests.get(f"{practice.url}/api/v0/invoke", timeout=5)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")


def test_answers_can_be_delayed(practice: PracticeServer) -> None:
    practice.delay_s = 0.3
    started = time.monotonic()
    observations(practice, proposal_id="2733")
    assert time.monotonic() - started >= 0.3


def test_two_clients_that_ask_for_a_new_file_at_once_get_the_same_whole_file(tmp_path: Path) -> None:
    with PracticeServer(tmp_path) as server:
        contents: list[bytes] = []
        clients = [
            threading.Thread(target=lambda: contents.append(download(server, EXPOSURE).content)) for _ in range(6)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert len(set(contents)) == 1
        assert len(contents) == 6
        assert [path.name for path in (tmp_path / "files").iterdir()] == [EXPOSURE.rpartition("/")[2]]


# --- recorded rows and files --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with PracticeServer(tmp_path_factory.mktemp("recorded"), recorded=shared_data, fill=True) as server:
        yield server


def test_recorded_rows_are_found(recorded: PracticeServer) -> None:
    assert len(observations(recorded, proposal_id="2733")) == 10
    assert len(observations(recorded, proposal_id="5224")) == 2
    near = invoke(recorded, "Mast.Caom.Cone", {"ra": 150.0935, "dec": 2.2732, "radius": 0.01})["data"]
    assert {row["obsid"] for row in near} == {"254258482", "254258368"}


def test_addresses_that_the_recorder_rewrote_are_uris_again(recorded: PracticeServer) -> None:
    row = observations(recorded, obs_id="jw02733-o001_t001_nircam_clear-f090w")[0]
    assert row["dataURL"] == MOSAIC
    assert row["sequence_number"] is None
    assert row["mtFlag"] is False
    assert row["obsid"] == "87602454"


def test_the_recorded_product_list_comes_row_by_row(recorded: PracticeServer) -> None:
    rows = invoke(recorded, "Mast.Caom.Products", {"obsid": "254258482,254258368"})["data"]
    assert len(rows) == 718
    assert len({row["dataURI"] for row in rows}) == 323
    assert max(row["size"] for row in rows) == 314_622_720
    member = next(row for row in rows if row["type"] == "S")
    own = invoke(recorded, "Mast.Caom.Products", {"obsid": member["obsID"]})["data"]
    assert {row["parent_obsid"] for row in own} == {member["obsID"]}


@pytest.mark.parametrize(
    ("obs_id", "level", "target"),
    [
        ("jw01714001001_02103_00003_mirimage", 2, "CRAB-NEBULA"),
        ("jw01288-o001_t011_nircam_clear-f480m", 3, "ORIBAR-IMAGING-NIRCAM"),
        ("jw01373-o019_t001_nirspec_g395h-f290lp", 3, "GANYMEDE"),
    ],
)
def test_a_real_file_without_a_row_gets_one_and_is_served_as_it_is(
    recorded: PracticeServer, shared_data: Path, obs_id: str, level: int, target: str
) -> None:
    row = observations(recorded, obs_id=obs_id)[0]
    assert (row["calib_level"], row["target_name"]) == (level, target)
    product = invoke(recorded, "Mast.Caom.Products", {"obsid": row["obsid"]})["data"][0]
    content = download(recorded, product["dataURI"]).content
    assert len(content) == product["size"]
    assert content == (shared_data / "fits" / "jwst" / product["productFilename"]).read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "jw05224-o004_s000277193_nirspec_clear-prism_s2d.fits",
        "jw05224-o004_s000277193_nirspec_clear-prism_x1d.fits",
        "jw05224004001_01_msa.fits",
        "jw05224004001_07101_00003_nrs1_cal.jpg",
        "jw05224004001_07101_00003_nrs1_x1d.png",
        "jw05224-o004_20251221t142913_spec2_00004_asn.json",
        "jw05224_20251221t142913_pool.csv",
    ],
)
def test_a_listed_file_that_nobody_recorded_is_made_to_its_recorded_length(
    recorded: PracticeServer, tmp_path: Path, name: str
) -> None:
    rows = invoke(recorded, "Mast.Caom.Products", {"obsid": "254258482"})["data"]
    size = next(row["size"] for row in rows if row["productFilename"] == name)
    content = download(recorded, f"mast:JWST/product/{name}").content
    assert len(content) == size
    target = tmp_path / name
    target.write_bytes(content)
    if name.endswith("fits"):
        with fits.open(target) as hdus:
            hdus.verify("exception")
            assert hdus[0].header["FILENAME"] == name
    elif name.endswith(("jpg", "png")):
        with Image.open(target) as picture:
            picture.load()
    elif name.endswith("json"):
        assert json.loads(content)["asn_type"] == "spec2"


def test_every_recorded_length_can_be_had(recorded: PracticeServer) -> None:
    rows = invoke(recorded, "Mast.Caom.Products", {"obsid": "254258482,254258368"})["data"]
    lengths = {row["productFilename"]: row["size"] for row in rows}
    held = {name: recorded.holdings.find(name) for name in lengths}
    assert {name: one.size_bytes for name, one in held.items() if one} == lengths


def test_without_filling_a_file_that_nobody_recorded_is_404(shared_data: Path, tmp_path: Path) -> None:
    with PracticeServer(tmp_path, recorded=shared_data) as server:
        assert download(server, MOSAIC).status_code == 404
        assert observations(server, proposal_id="2733")


def test_a_folder_of_json_rows_alone_is_enough(tmp_path: Path) -> None:
    rows = [
        {"obs_id": f"jw0000{n}-o001_t001_miri_f770w", "obsid": n, "calib_level": 3, "dataURL": None} for n in (1, 2)
    ]
    (tmp_path / "observations").mkdir()
    (tmp_path / "observations" / "rows.json").write_text(json.dumps({"results": rows}))
    with PracticeServer(tmp_path / "data", recorded=tmp_path) as server:
        assert [row["obsid"] for row in observations(server)] == ["1", "2"]
        assert invoke(server, "Mast.Caom.Products", {"obsid": "1"})["data"] == []
