"""The service at a project whose model was written down, not computed, so that no encoder is loaded."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from annotator import project
from annotator.accounts import api_tokens
from annotator.accounts.api_tokens import SCOPES
from db.label_sets import labels
from db.models import models, predictions
from db.texts import diaries
from service.app import create
from tests.conftest import fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db import Database


def add_model(db: Database, label: str, *, sure: float = 0.7) -> models.Model:
    """Let a model serve that says one label of every diary that is there."""
    label_ids = tuple(each.id for each in labels.list_labels(db))
    place = [each.name for each in labels.list_labels(db)].index(label)
    model_id = models.add_model(db, models.NewModel("instant", "bundled", "hash", label_ids, label.encode(), {}))
    proba = np.full((diaries.last_diary_id(db), len(label_ids)), (1 - sure) / (len(label_ids) - 1), np.float32)
    proba[:, place] = sure
    predictions.store_predictions(db, model_id, proba)
    models.activate(db, model_id, reason="test")
    return models.get_model(db, model_id)


@dataclass
class Program:
    """Another program, with a token of its own."""

    client: TestClient
    token: str

    def ask(self, method: str, path: str, **values: Any) -> Any:
        """Send a request and return the response; `headers` are added to the token's."""
        headers = {"Authorization": f"Bearer {self.token}", **values.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **values)

    def post(self, path: str, **values: Any) -> Any:
        return self.ask("POST", path, **values)

    def get(self, path: str, **values: Any) -> Any:
        return self.ask("GET", path, **values)


@pytest.fixture
def path(project_path: Path) -> Path:
    """A project with six diaries and a model that finds all of them sad."""
    with closing(project.open_project(project_path)) as db:
        fill(db, 6)
        add_model(db, "슬픔")
    return project_path


@pytest.fixture
def opened(path: Path) -> Iterator[Database]:
    with closing(project.open_project(path)) as db:
        yield db


@pytest.fixture
def client(path: Path) -> Iterator[TestClient]:
    app = create(path)
    yield TestClient(app, raise_server_exceptions=False)
    app.state.desk.engine.close()


@pytest.fixture
def web(client: TestClient, opened: Database) -> Program:
    """A program that may do everything."""
    return Program(client, api_tokens.add(opened, "web", SCOPES, per_minute=10_000))
