"""Use the service from a real Label Studio: connect it, get predictions, annotate, start a round.

    python3 -m venv studio && studio/bin/pip install label-studio==1.23.2
    .venv/bin/python -m benchmarks.label_studio --studio studio/bin/label-studio --json OUT [--golden FOLDER]

Starts both on loopback, with a project and a database of their own in a temporary folder, and a recorder between them.
With ``--golden`` the bodies that went over the wire are written there, as the tests read them. It takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from annotator import project
from annotator.accounts import api_tokens
from annotator.importing import import_file
from annotator.labelling.queueing import enqueue_import
from db.answers import decisions
from db.models import models, rounds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
USER, PASSWORD, TOKEN = "tester@example.org", "a long password", "0123456789abcdef0123456789abcdef01234567"
TEXTS = [
    "오늘은 친구들과 바다에 다녀와서 정말 행복했다.",
    "시험을 망쳐서 하루 종일 눈물이 났다.",
    "버스에서 누가 새치기를 해서 너무 화가 났다.",
    "내일 발표가 있어서 잠이 오지 않는다.",
]
ANSWERS = ["행복", "슬픔", "분노", "불안"]
CONFIG = """<View>
  <Text name="diary" value="$text"/>
  <Choices name="emotion" toName="diary" choice="single">
    <Choice value="분노"/><Choice value="행복"/><Choice value="불안"/><Choice value="Sad" alias="슬픔"/>
  </Choices>
</View>"""


class Recorder:
    """A proxy in front of the service that records the exchanges, without tokens."""

    def __init__(self, service: str) -> None:
        self.said: list[dict[str, Any]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._pass_on(b"")

            def do_POST(self) -> None:
                self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def _pass_on(self, body: bytes) -> None:
                headers = {k: v for k, v in self.headers.items() if k.lower() in ("authorization", "content-type")}
                answer = httpx.request(self.command, service + self.path, content=body, headers=headers, timeout=300)
                recorder.keep(self.command, self.path, body, answer)
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("content-type", "application/json"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keep(self, method: str, path: str, body: bytes, answer: httpx.Response) -> None:
        request = json.loads(body) if body else None
        for each in (request, (request or {}).get("project")):
            for secret in ("access_token", "token") if isinstance(each, dict) else ():
                if secret in each:
                    each[secret] = "…"
        exchange = {"method": method, "path": path.removeprefix("/api/label-studio"), "request": request}
        self.said.append(exchange | {"status": answer.status_code, "response": answer.json()})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        child = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=file, stderr=file, start_new_session=True, cwd=ROOT
        )
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)


def wait_for(what: str, ask: Any, *, seconds: float = 1200) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if answer := ask():
                return answer
        except httpx.HTTPError:
            pass
        time.sleep(1)
    raise SystemExit(f"No {what} after {seconds:.0f} s")


def prepare(database: Path) -> str:
    """Make a project with some labelled diaries and return a token."""
    project.init(database, seed="00" * 16)
    with closing(project.open_project(database)) as db:
        rows = [
            "text,label",
            *(f"{i}번째 날. {text},{label}" for i in range(6) for text, label in zip(TEXTS, ANSWERS, strict=True)),
        ]
        import_file(db, "\n".join(rows).encode(), "known.csv", after=enqueue_import)
        return api_tokens.add(db, "studio", ["classify", "write"])


def connect(studio: httpx.Client, recorder: Recorder, token: str) -> tuple[int, int]:
    """Make a project with tasks, connect the service and its webhook; return the ids of project and backend."""
    studio_project = (
        studio.post("/api/projects", json={"title": "Diaries", "label_config": CONFIG}).raise_for_status().json()
    )
    tasks = [{"data": {"text": text}} for text in TEXTS]
    studio.post(f"/api/projects/{studio_project['id']}/import", json=tasks).raise_for_status()
    url = f"http://127.0.0.1:{recorder.port}/api/label-studio"
    backend = {"project": studio_project["id"], "url": url, "title": "Maeumgyeol", "auth_method": "BASIC_AUTH"}
    wrong = studio.post("/api/ml/", json={**backend, "basic_auth_user": "any", "basic_auth_pass": "wrong"})
    if wrong.status_code != 400 or "authentication" not in wrong.text:
        raise SystemExit(f"A wrong token was answered with {wrong.status_code} {wrong.text[:300]}")
    linked = studio.post("/api/ml/", json={**backend, "basic_auth_user": "any", "basic_auth_pass": token})
    # Label Studio has made a webhook for the backend by itself; it only lacks the token.
    (hook,) = studio.get("/api/webhooks/", params={"project": studio_project["id"]}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {token}"}
    studio.patch(f"/api/webhooks/{hook['id']}/", json={"headers": headers}).raise_for_status()
    return int(studio_project["id"]), int(linked.raise_for_status().json()["id"])


def predictions(studio: httpx.Client, project_id: int) -> list[dict[str, Any]]:
    """Let Label Studio fetch predictions for all tasks, and return those that it has stored."""
    action = {"selectedItems": {"all": True, "excluded": []}, "project": str(project_id)}
    where = f"/api/dm/actions?id=retrieve_tasks_predictions&project={project_id}"
    studio.post(where, json=action).raise_for_status()
    answer = studio.get(f"/api/predictions/?project={project_id}").raise_for_status().json()
    return list(answer if isinstance(answer, list) else answer["results"])


def annotate(studio: httpx.Client, project_id: int) -> None:
    """Annotate every task, then change the first one's answer, skip the last one's."""
    listed = studio.get(f"/api/tasks/?project={project_id}&fields=all").raise_for_status().json()
    tasks = sorted(listed["tasks"] if isinstance(listed, dict) else listed, key=lambda task: task["id"])
    for place, (task, answer) in enumerate(zip(tasks, ANSWERS, strict=True)):
        response = studio.post(f"/api/tasks/{task['id']}/annotations/", json=annotation(answer, skip=place == 3))
        if place == 0:
            changed = annotation("슬픔", skip=False)
            studio.patch(
                f"/api/annotations/{response.raise_for_status().json()['id']}/", json=changed
            ).raise_for_status()


def annotation(answer: str, *, skip: bool) -> dict[str, Any]:
    value = {"choices": [answer]}
    result = [{"from_name": "emotion", "to_name": "diary", "type": "choices", "value": value}]
    return {"result": [] if skip else result, "was_cancelled": skip, "lead_time": 2.5}


def kept(database: Path) -> list[tuple[str, str]]:
    """Return who gave which standing labels, of those that came through the service."""
    from db.label_sets import labels
    from db.people import annotators

    with closing(project.open_project(database)) as db:
        names, people = {e.id: e.name for e in labels.list_labels(db)}, dict(annotators.list_annotators(db))
        standing = decisions.list_standing(db, range(1, 100))
        return [
            (people[d.annotator_id], names[d.label_id or 0])
            for d in standing
            if "label-studio" in people[d.annotator_id]
        ]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--studio", type=Path, required=True)
    options.add_argument("--json", type=Path, required=True)
    options.add_argument("--golden", type=Path)
    options.add_argument(
        "--home", type=Path, help="Label Studio's folder, to be used again: an empty one takes minutes"
    )
    asked = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home = asked.home or folder / "studio"
        report = run(asked.studio, folder, home, stack, asked.golden)
    asked.json.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


def run(executable: Path, folder: Path, home: Path, stack: ExitStack, golden: Path | None) -> dict[str, Any]:
    database, ports = folder / "project.db", (free_port(), free_port())
    token = prepare(database)
    start = [sys.executable, "-m", "annotator.cli", "api", "--db", str(database), "--port", str(ports[0])]
    stack.enter_context(running(start, folder / "service.log"))
    environment = {
        "LABEL_STUDIO_BASE_DATA_DIR": str(home.resolve()),
        # Since 1.20 or so Label Studio refuses addresses of its own machine unless told otherwise.
        "ML_BLOCK_LOCAL_IP": "false",
        "SSRF_PROTECTION_ENABLED": "false",
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "WEBHOOK_TIMEOUT": "60",
        "ML_TIMEOUT_SETUP": "60",
        "ML_TIMEOUT_HEALTH": "60",
    }
    open_up = [str(executable), "start", "--no-browser", "--port", str(ports[1]), "--username", USER, "--password"]
    open_up += [PASSWORD, "--user-token", TOKEN, "--enable-legacy-api-token", "--log-level", "ERROR"]
    open_up += ["--internal-host", "127.0.0.1"]
    stack.enter_context(running(open_up, folder / "studio.log", **environment))
    recorder = Recorder(f"http://127.0.0.1:{ports[0]}")
    studio = httpx.Client(
        base_url=f"http://127.0.0.1:{ports[1]}", headers={"Authorization": f"Token {TOKEN}"}, timeout=300
    )
    try:
        version = wait_for("Label Studio", lambda: studio.get("/api/version").raise_for_status().json()["release"])
        wait_for("model", lambda: model_version(database) is not None)
        return use(studio, recorder, database, token) | {"label_studio": version, "golden": write(recorder, golden)}
    except BaseException:
        for log in ("service.log", "studio.log"):
            sys.stderr.write(f"--- {log}\n{(folder / log).read_text(errors='replace')[-3000:]}\n")
        sys.stderr.write(json.dumps(recorder.said[-2:], ensure_ascii=False)[:3000] + "\n")
        raise


def model_version(database: Path) -> int | None:
    with closing(project.open_project(database)) as db:
        active = models.find_active(db)
        return None if active is None else active.version


def use(studio: httpx.Client, recorder: Recorder, database: Path, token: str) -> dict[str, Any]:
    project_id, backend_id = connect(studio, recorder, token)
    state = studio.get(f"/api/ml/{backend_id}").raise_for_status().json()
    began = time.monotonic()
    first_predictions = predictions(studio, project_id)
    seconds = time.monotonic() - began
    annotate(studio, project_id)
    standing = wait_for("decisions", lambda: kept(database) if len(kept(database)) == 3 else None, seconds=60)
    before = model_version(database)
    studio.post(f"/api/ml/{backend_id}/train", json={}).raise_for_status()
    wait_for("round", lambda: _last_round(database) == "done")
    again = predictions(studio, project_id)
    return {
        "state": state["readable_state"],
        "predictions": [
            {"choice": p["result"][0]["value"]["choices"][0], "score": p["score"], "version": p["model_version"]}
            for p in first_predictions
        ],
        "prediction_seconds": round(seconds, 2),
        "decisions": [list(each) for each in standing],
        "versions": [before, model_version(database)],
        "predictions_after": sorted({p["model_version"] for p in again}),
        "requests": [f"{each['method']} {each['path']} {each['status']}" for each in recorder.said],
    }


def _last_round(database: Path) -> str | None:
    with closing(project.open_project(database)) as db:
        history = rounds.list_rounds(db)
        return history[-1].status if history else None


def write(recorder: Recorder, golden: Path | None) -> int:
    """Save one exchange of each kind, as the tests replay them."""
    chosen: dict[str, dict[str, Any]] = {}
    for each in recorder.said:
        if each["status"] == 401:
            continue
        action = (each["request"] or {}).get("action", "")
        name = re.sub(r"\W+", "_", f"{each['path'].strip('/')} {action}".strip()).lower()
        chosen.setdefault(name or "root", each)
    if golden is not None:
        golden.mkdir(parents=True, exist_ok=True)
        for name, each in chosen.items():
            (golden / f"{name}.json").write_text(json.dumps(each, ensure_ascii=False, indent=1) + "\n")
    return len(chosen)


if __name__ == "__main__":
    main()
