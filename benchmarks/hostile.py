"""Every hostile file, request, websocket, press and payload against the product as people start it.

    python benchmarks/hostile.py --json OUT [--files DIR] [--payloads FILE] [--only KIND…]

Starts `maeumgyeol app` with its worker and `maeumgyeol api` at projects of their own, and the command line once for
each file. `--files` takes a folder of files that are not in the project: each must become rows or be refused in one
sentence with exit code 2. `--payloads` takes strings that are not in the project, one a line or a JSON list: they are
put wherever a text goes, and every page is opened for every role. The exit code is 1 if anything was wrongly accepted,
a process died, or one try took more than 20 seconds.

By kind: how many were tried, wrongly accepted, process deaths, and the slowest in seconds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

# In place of this folder, where a file would hide the project's package `pages`.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotator import project
from benchmarks import machine
from benchmarks.hostile_corpus import PAYLOADS, write_files
from benchmarks.hostile_corpus.files import unseen_files
from benchmarks.hostile_corpus.payloads import read_payloads
from benchmarks.hostile_trials.cells import try_cells
from benchmarks.hostile_trials.command_line import Sandbox
from benchmarks.hostile_trials.outcome import MOST_SECONDS, Outcome, summarise
from benchmarks.hostile_trials.pages import chromium, try_pages
from benchmarks.hostile_trials.planting import plant
from benchmarks.hostile_trials.presses import try_presses
from benchmarks.hostile_trials.target import build, make_keys, started
from benchmarks.hostile_trials.uploads import try_uploads
from benchmarks.hostile_trials.web import try_half_open, try_messages, try_requests, try_sockets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.hostile_corpus import HostileFile, Payload

    Found = list[tuple[HostileFile, Path]]

_PER_PROJECT = 200
"""Payloads put into one project: a page shows all of them at once."""


def main() -> None:
    """Try everything that was asked for, write the figures, and exit with 1 if anything is wrong."""
    arguments = _arguments()
    began, outcomes = time.perf_counter(), []
    with tempfile.TemporaryDirectory(prefix="hostile-") as root:
        for name in arguments.only or TRIALS:
            for outcome in TRIALS[name](Path(root) / name, arguments):
                outcomes.append(outcome)
                if outcome.problem():
                    print(f"{outcome.kind}: {outcome.name!a}: {outcome.problem()}", file=sys.stderr, flush=True)
    figures = summarise(outcomes)
    wrong = bool(figures["problems"]) or not outcomes
    result = {
        "machine": machine.describe(),
        "seed": arguments.seed,
        "most_seconds": MOST_SECONDS,
        "minutes": round((time.perf_counter() - began) / 60, 1),
        **figures,
        "passed": not wrong,
    }
    machine.write(arguments.json, result)
    sys.exit(int(wrong))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--files", type=Path, help="a folder of further hostile files, tried in place of the corpus")
    parser.add_argument("--payloads", type=Path, help="further payloads, tried in place of the corpus")
    parser.add_argument("--data", type=Path, help="a folder of ordinary files that must still be imported")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="commands at a time")
    parser.add_argument("--only", nargs="+", choices=TRIALS, metavar="KIND", help=f"of {', '.join(TRIALS)}")
    return parser.parse_args()


def _files(folder: Path, arguments: argparse.Namespace) -> Found:
    if arguments.files is not None:
        files = unseen_files(arguments.files)
        if not files:
            raise SystemExit(f"{arguments.files} holds no file.")
        return files
    return write_files(folder / "corpus", seed=arguments.seed)


def _payloads(arguments: argparse.Namespace) -> Sequence[Payload]:
    payloads = PAYLOADS if arguments.payloads is None else read_payloads(arguments.payloads)
    if not payloads:
        raise SystemExit(f"{arguments.payloads} holds no payload.")
    return payloads


def _try_files(folder: Path, arguments: argparse.Namespace) -> Iterator[Outcome]:
    files = _files(folder, arguments)
    if arguments.data is not None:
        files += [(_ordinary(file), path) for file, path in unseen_files(arguments.data) if file.entry == "import"]
    (folder / "sandbox").mkdir(parents=True)
    sandbox = Sandbox(folder / "sandbox")
    with ThreadPoolExecutor(arguments.jobs) as workers:
        yield from workers.map(lambda each: sandbox.try_file(*each), files)
    yield from try_cells(folder)


def _ordinary(file: HostileFile) -> HostileFile:
    from dataclasses import replace

    return replace(file, kind="ordinary", expected="rows")


def _try_uploads(folder: Path, arguments: argparse.Namespace) -> Iterator[Outcome]:
    files = _files(folder, arguments)
    path = _project(folder)
    keys = make_keys(path)
    with started("app", path, with_worker=True) as app, chromium() as browser:
        yield from try_uploads(browser, app, keys, files)


def _try_requests(folder: Path, _: argparse.Namespace) -> Iterator[Outcome]:
    path = _project(folder)
    keys = make_keys(path)
    with started("app", path) as app, started("api", path) as api:
        yield from try_requests(keys, {"app": app, "api": api})
        yield from try_half_open(app, "/_stcore/health")
        yield from try_half_open(api, "/api/v1/health")


def _try_sockets(folder: Path, _: argparse.Namespace) -> Iterator[Outcome]:
    path = _project(folder)
    keys = make_keys(path)
    with started("app", path) as app:
        yield from try_sockets(keys, app)
        yield from try_messages(keys, app)
        yield from try_presses(keys, app, path)
    alone = folder / "alone.db"
    project.init(alone)
    with started("app", alone) as app:
        yield from try_sockets(None, app)


def _try_payloads(folder: Path, arguments: argparse.Namespace) -> Iterator[Outcome]:
    payloads = _payloads(arguments)
    folder.mkdir()
    with chromium() as browser:
        for number, start in enumerate(range(0, len(payloads), _PER_PROJECT)):
            part = payloads[start : start + _PER_PROJECT]
            path = folder / f"project-{number}.db"
            plant(path, part)
            with started("app", path) as app:
                yield from try_pages(browser, app, make_keys(path), part)


def _project(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "project.db"
    build(path)
    return path


TRIALS: dict[str, Callable[[Path, argparse.Namespace], Iterator[Outcome]]] = {
    "files": _try_files,
    "uploads": _try_uploads,
    "requests": _try_requests,
    "sockets": _try_sockets,
    "payloads": _try_payloads,
}


if __name__ == "__main__":
    main()
