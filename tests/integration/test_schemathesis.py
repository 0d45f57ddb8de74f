"""Schemathesis over the OpenAPI description: whatever it makes up, the answer is one the description declares.

In both modes. A few examples for each call in a usual run, `--release` some 2,000 in each mode.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries, transaction
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from mast import tokens
from mast.practice import PracticeServer
from tests.factories import DataFileFactory, JobFactory, on_disk
from tests.integration.test_roles import API
from tests.people import person

# Whether a name is known and a cursor is one of ours no description can say: such a 422 is an answer, and declared.
# Every request here carries the token that opens the call, so none can show that it is ignored: `test_roles` does.
UNFIT = [not_a_server_error, positive_data_acceptance, ignored_auth]
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.release,
    # It reads an answer to its end and does not close it, as every server does: the file of a download stays open.
    pytest.mark.filterwarnings("ignore:.*FileIO:pytest.PytestUnraisableExceptionWarning"),
]
RELEASE = os.environ.get("FAULT_SIZE") == "release"
EXAMPLES = 70 if RELEASE else 3


@pytest.fixture
def described(mast_stand_in: PracticeServer, settings: Any, tmp_path: Any) -> Iterator[Any]:
    """The API as a WSGI application on the test's own database, with a file and a job to be found."""
    settings.FILES_DIR = tmp_path / "mast"
    on_disk(DataFileFactory())
    JobFactory(state="failed")
    settings.SEARCHES_PER_MINUTE = settings.IMPORTS_PER_MINUTE = 10**6
    # As Django's own test client does: the connection is the test's, and stays.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    request_started.disconnect(reset_queries)
    yield schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application(), headers={"Host": "localhost"})
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)
    request_started.connect(reset_queries)


some = hypothesis.settings(
    max_examples=EXAMPLES,
    # A usual run asks the same every time: what is new is looked for before a release.
    derandomize=not RELEASE,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    database=None,
    # A find is told as it was met: making it smaller would ask MAST's stand-in a hundred times more.
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
)


def run(described: Any, call: str, **headers: str) -> None:
    """Made-up requests of one call. MAST's failures are declared answers of ours; an error of our own is never one."""
    method, path = call.split()
    operation = described[path][method]

    @some
    @hypothesis.given(case=operation.as_strategy())
    def declared(case: Any) -> None:
        with transaction.atomic():
            response = case.call(headers={"Host": "localhost", **headers})
            transaction.set_rollback(True)
        assert response.status_code != 500, response.text
        case.validate_response(response, excluded_checks=UNFIT)

    declared()


@pytest.mark.parametrize("call", API)
def test_without_logins_every_answer_is_a_declared_one(described: Any, call: str) -> None:
    run(described, call)


@pytest.mark.parametrize("call", API)
def test_with_logins_every_answer_is_a_declared_one(described: Any, settings: Any, call: str) -> None:
    settings.ACCESS = "login"
    _, key = tokens.make(person("curator", "curator"), "schemathesis")
    run(described, call, Authorization=f"Bearer {key}")
