"""Metrics for Prometheus: how many requests there are, how long they take, and what the project holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.routing import APIRoute
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

if TYPE_CHECKING:
    from starlette.types import Scope

    from service.batching import Engine

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TEXTS = (1, 2, 4, 8, 16, 32, 64)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


disable_created_metrics()  # type: ignore[no-untyped-call]


def _route(scope: Scope) -> str:
    """Return the route of the endpoint that served a request; ``other`` if there was none."""
    if not isinstance(scope.get("route"), APIRoute):
        return "other"
    parts = scope["path"].removeprefix(scope.get("root_path", "")).split("/")
    names = {str(value): f"{{{name}}}" for name, value in scope.get("path_params", {}).items()}
    return "/".join(names.get(part, part) for part in parts)


class Metrics:
    """The metrics of one service, in its own registry. Labels are routes, not addresses, which are unlimited."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "maeumgyeol_requests", "Requests", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "maeumgyeol_request_seconds", "Time to an answer", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._batches = Histogram(
            "maeumgyeol_batch_texts", "Texts classified together", buckets=_TEXTS, registry=self._registry
        )
        self._texts = Counter("maeumgyeol_texts_classified", "Texts classified", registry=self._registry)
        self._diaries = Gauge("maeumgyeol_diaries", "Diaries in the project", registry=self._registry)
        self._version = Gauge("maeumgyeol_model_version", "Version of the serving model", registry=self._registry)

    def watch(self, engine: Engine) -> None:
        """Expose how many texts wait for an engine."""
        waiting = Gauge("maeumgyeol_texts_waiting", "Texts that wait for the encoder", registry=self._registry)
        waiting.set_function(lambda: engine.waiting)

    def batch(self, count: int) -> None:
        """Count texts that were classified together."""
        self._batches.observe(count)
        self._texts.inc(count)

    def request(self, scope: Scope, status: int, seconds: float) -> None:
        """Count an answered request; status 0 if its client had gone."""
        route = _route(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, *, diary_count: int, model_version: int | None) -> bytes:
        """Return everything in Prometheus' text format.

        Args:
            model_version: None while no model serves.
        """
        self._diaries.set(diary_count)
        self._version.set(float("nan") if model_version is None else model_version)
        return generate_latest(self._registry)
