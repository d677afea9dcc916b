"""Programs that classify, store, read and correct at once: how long they wait, and what becomes of memory.

    .venv/bin/python -m benchmarks.service_soak --requests 10000 --clients 8 --json OUT

Starts the service alone, with a project of its own and the bundled encoder. Of twenty requests eight classify at once,
four store first, six read and two correct. Memory is that of the service and of the encoder's process, resident, in MB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from annotator import project
from annotator.accounts import api_tokens
from annotator.importing import import_file
from annotator.worker.runtime import WorkerRuntime
from annotator.worker.tasks import zero_shot_model
from learner.encoders.encoder import default_cache

ROOT = Path(__file__).resolve().parent.parent
KINDS = ["classify"] * 8 + ["store"] * 4 + ["read"] * 6 + ["correct"] * 2
WORDS = ["오늘", "비가 와서", "친구를", "만나", "밥을 먹고", "집에 와", "책을 읽다", "기뻤다.", "슬펐다.", "화가 났다."]
LABELS = ["분노", "행복", "불안", "당황", "슬픔", "중립", "혐오"]


def prepare(database: Path) -> str:
    """Make a project with the model that needs no label, and return a token."""
    project.init(database, seed="00" * 16)
    runtime = WorkerRuntime(database, cache=default_cache())
    with closing(project.open_project(database)) as db:
        import_file(db, (ROOT / "annotator" / "demo" / "diaries.csv").read_bytes(), "diaries.csv")
        ids = np.arange(1, 33)
        runtime.encode_missing(db, ids)
        zero_shot_model.make_zero_label_model(runtime, db, ids)
        most = api_tokens.MOST_PER_MINUTE
        token = api_tokens.add(db, "soak", ["classify", "read", "write"], per_minute=most)
    runtime.close()
    return token


def resident_mb(pid: int) -> list[float]:
    """Return the resident memory of the service and of its children, the largest of which holds the encoder."""
    children = {each for file in Path(f"/proc/{pid}/task").glob("*/children") for each in file.read_text().split()}
    page_counts = [int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in (str(pid), *sorted(children))]
    return [round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1) for pages in page_counts]


class Soak:
    """The clients, and what they measured."""

    def __init__(self, client: httpx.AsyncClient, pid: int, total: int) -> None:
        self._client, self._pid, self._total = client, pid, total
        self._numbers = iter(range(total))
        self._random = random.Random(0)
        self.seconds: dict[str, list[float]] = {kind: [] for kind in set(KINDS)}
        self.errors: Counter[str] = Counter()
        self.memory = [resident_mb(pid)]
        self.done = 0

    async def work(self) -> None:
        for number in self._numbers:
            kind = KINDS[number % len(KINDS)]
            began = time.perf_counter()
            try:
                status = str((await self._send(kind, number)).status_code)
            except httpx.HTTPError as error:
                status = type(error).__name__
            self.seconds[kind].append(time.perf_counter() - began)
            if status not in ("200", "201"):
                self.errors[f"{kind} {status}"] += 1
            self.done += 1
            if self.done % 1000 == 0:
                self.memory.append(resident_mb(self._pid))
                sys.stderr.write(f"{self.done} requests, {self.memory[-1]} MB\n")

    async def _send(self, kind: str, number: int) -> httpx.Response:
        text = f"{number}. " + " ".join(self._random.choices(WORDS, k=self._random.randint(4, 40)))
        diary_id = self._random.randint(1, 300)
        if kind == "classify":
            return await self._client.post("/diaries?classify=true", json={"text": text})
        if kind == "store":
            return await self._client.post("/diaries", json={"text": text}, headers={"Idempotency-Key": str(number)})
        if kind == "read":
            return await self._client.get(f"/diaries/{diary_id}")
        return await self._client.put(f"/diaries/{diary_id}/label", json={"label": self._random.choice(LABELS)})


def milliseconds(values: list[float]) -> dict[str, float]:
    cut = statistics.quantiles(values, n=100)
    return {"p50": round(1000 * cut[49], 1), "p95": round(1000 * cut[94], 1), "max": round(1000 * max(values), 1)}


async def soak(port: int, token: str, pid: int, total: int, clients: int) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=clients)
    headers = {"Authorization": f"Bearer {token}"}
    where = f"http://127.0.0.1:{port}/api/v1"
    async with httpx.AsyncClient(base_url=where, headers=headers, timeout=120, limits=limits) as client:
        await client.post("/classifications", json={"texts": ["처음"]})  # the encoder is loaded
        work = Soak(client, pid, total)
        began = time.perf_counter()
        await asyncio.gather(*[work.work() for _ in range(clients)])
        seconds = time.perf_counter() - began
    return {
        "requests": total,
        "clients": clients,
        "requests_per_second": round(total / seconds, 1),
        "errors": dict(work.errors),
        "ms": {
            "all": milliseconds([each for kind in work.seconds.values() for each in kind]),
            **{k: milliseconds(v) for k, v in work.seconds.items()},
        },
        "memory_mb": work.memory,
        "load": [round(each, 1) for each in os.getloadavg()],
    }


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--json", type=Path, required=True)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        database = Path(folder) / "project.db"
        token = prepare(database)
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        command = [sys.executable, "-m", "service.server", "--port", str(port)]
        environment = {**os.environ, "MAEUMGYEOL_DB": str(database)}
        with subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True) as server:
            try:
                wait(port)
                report = asyncio.run(soak(port, token, server.pid, asked.requests, asked.clients))
            finally:
                server.send_signal(signal.SIGTERM)
    asked.json.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


def wait(port: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/api/v1/health", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("The service does not answer")


if __name__ == "__main__":
    main()
