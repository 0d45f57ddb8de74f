"""The README's tables say what the code does: each is compared with the code it describes."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from mast.errors import all_codes

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def rows_of(heading: str) -> dict[str, list[str]]:
    """The table under a heading: its first cell, without backticks, to the others."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def variables_read() -> set[str]:
    """Names of environment variables that the settings read, from their source."""
    sources = ("jwstarchive/settings.py", "jwstarchive/login_settings.py")
    trees = [ast.parse((ROOT / source).read_text()) for source in sources]
    readers = {"_number", "_whole_number", "_one_of", "_address", "_hours", "_networks", "str", "list", "bool", "int"}
    names = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in readers and re.fullmatch(r"[A-Z][A-Z0-9_]+", str(node.args[0].value)):
                names.add(str(node.args[0].value))
    return names


def test_every_environment_variable_has_a_row() -> None:
    assert set(rows_of("Environment")) == variables_read()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("JWST_PORT", "5001"), ("MAST_TIMEOUT_S", "120"), ("DOWNLOAD_CONNECTIONS", "16"), ("DOWNLOAD_FILES", "4"),
     ("DOWNLOAD_CHUNK_MB", "8"), ("DOWNLOAD_RATE_MB", "0"), ("STORAGE_MIN_FREE_GB", "2"),
     ("MAST_S3_BUCKET", "stpubdata"), ("MAST_ARCHIVE", "auto")],
)  # fmt: skip
def test_the_defaults_in_the_table_are_those_of_the_settings(variable: str, value: str) -> None:
    assert rows_of("Environment")[variable][0].startswith(f"`{value}`")
    source = (ROOT / "jwstarchive/settings.py").read_text()
    assert re.search(rf'"{variable}"(, default="")?\)?,? ?(or )?"?{value}\b', source)


def test_every_error_code_has_a_row() -> None:
    written = {code: (int(cells[0]), cells[1]) for code, cells in rows_of("Error codes").items()}
    assert written == {code: (kind.http_status, kind.meaning) for code, kind in all_codes().items()}


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[>=;]", requirement)[0] for requirement in project["dependencies"]}
    assert set(rows_of("Dependencies")) == names


def test_the_locks_hold_what_the_ranges_ask_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = {
        line.split("==")[0].split("[")[0]
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line
    }
    developed = (ROOT / "requirements-dev.txt").read_text()
    assert {re.split(r"[\[>=;]", requirement)[0] for requirement in project["project"]["dependencies"]} <= locked
    for requirement in project["dependency-groups"]["dev"]:
        name = re.split(r"[\[>=;]", requirement)[0]
        assert re.search(rf"^{name}(\[[^]]*\])?==", developed, re.MULTILINE), name


def test_every_command_has_a_row() -> None:
    commands = {path.stem for path in (ROOT / "mast/management/commands").glob("*.py") if not path.stem.startswith("_")}
    assert set(rows_of("Commands")) == commands | {"up", "down", "test", "bench", "doctor"}


def test_the_rooms_in_the_table_exist() -> None:
    for places in rows_of("The house"):
        for place in re.findall(r"[\w./]+", places):
            assert (ROOT / place).exists(), place


def test_the_import_order_is_the_one_the_linter_holds() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    drawn = README.split("which `lint-imports` holds:\n\n```\n", 1)[1].split("\n```", 1)[0].splitlines()
    assert [line.strip() for line in drawn] == floors


def test_pictures_and_files_it_names_exist() -> None:
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / target).is_file(), target
    for name in ("LICENSE", "CHANGELOG.md", "ACCEPTANCE.md", "Procfile", "manage.py", "requirements.txt"):
        assert (ROOT / name).is_file(), name
