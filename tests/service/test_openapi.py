"""Whatever the description allows, and much that it doesn't, gets an answer of the service's own making."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from annotator import project
from annotator.accounts import api_tokens
from service.app import create
from tests.conftest import fill
from tests.service.conftest import add_model

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = 25
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BUSY = {503}
"""Said by design: this service's model is of an encoder that is not here."""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    path = tmp_path_factory.mktemp("openapi") / "project.db"
    project.init(path, seed="00" * 16)
    app = create(path)
    with closing(project.open_project(path)) as db:
        fill(db, 6)
        add_model(db, "슬픔")
        most = api_tokens.MOST_PER_MINUTE
        app.state.token = api_tokens.add(db, "web", api_tokens.SCOPES, per_minute=most)
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    app.state.desk.engine.close()


ADDRESSES = [
    ("POST", "/v1/diaries"),
    ("POST", "/v1/diaries/batch"),
    ("POST", "/v1/classifications"),
    ("GET", "/v1/diaries"),
    ("GET", "/v1/diaries/{diary_id}"),
    ("GET", "/v1/diaries/{diary_id}/explanation"),
    ("PUT", "/v1/diaries/{diary_id}/label"),
    ("GET", "/v1/diaries/{diary_id}/forgetting"),
    ("DELETE", "/v1/diaries/{diary_id}"),
    ("GET", "/v1/labels"),
    ("GET", "/v1/model"),
    ("GET", "/v1/health"),
    ("GET", "/v1/metrics"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_no_request_brings_the_service_down(schema: schemathesis.BaseSchema, method: str, address: str) -> None:
    operation = schema[address][method]
    modes = list(GenerationMode) if "{" in address or method != "GET" else [GenerationMode.POSITIVE]
    headers = {"Authorization": f"Bearer {schema.app.state.token}"}

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
    def check(case: schemathesis.Case) -> None:
        answer = case.call(headers=headers, timeout=120)  # the first question starts a process
        checks = CHECKS[1:] if answer.status_code in BUSY else CHECKS
        case.validate_response(answer, checks=checks)

    check()


@pytest.mark.slow
def test_every_address_of_the_description_is_tried(schema: schemathesis.BaseSchema) -> None:
    paths = schema.raw_schema["paths"].items()
    assert {(method.upper(), address) for address, methods in paths for method in methods} == set(ADDRESSES)
