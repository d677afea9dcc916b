"""A Ray cluster of two computers that are addresses of this one, entered with a token."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from maeumgyeol.location import ROOT

if TYPE_CHECKING:
    from types import TracebackType

_START_SECONDS = 90


@dataclass
class Cluster:
    """A head on 127.0.0.2, and further nodes on 127.0.0.3 and so on, with one core each.

    127.0.0.1 would be replaced by the computer's own address.
    """

    folder: Path
    port: int = 0
    nodes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.2:{self.port}"

    @property
    def token_path(self) -> Path:
        return self.folder / "token"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_path),
            "RAY_USAGE_STATS_ENABLED": "0",
            # Otherwise its actors give way to all else that this computer does, for minutes.
            "RAY_worker_niceness": "0",
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
        }

    def __enter__(self) -> Cluster:
        self.home.mkdir()
        self.token_path.write_text(secrets.token_hex(32))
        self.token_path.chmod(0o600)
        with socket.socket() as free:
            free.bind(("127.0.0.2", 0))
            self.port = free.getsockname()[1]
        self.add_node()
        return self

    def add_node(self) -> subprocess.Popen[bytes]:
        """Start one more computer, and wait until it is there."""
        where = f"127.0.0.{2 + len(self.nodes)}"
        options = ["--head", f"--port={self.port}", "--include-dashboard=false"] if not self.nodes else []
        options += [] if not self.nodes else [f"--address={self.address}"]
        ray = Path(sys.executable).with_name("ray")
        log = (self.folder / f"node-{len(self.nodes)}.log").open("wb")
        temporary = [f"--temp-dir={self.folder / 'ray'}"] if not self.nodes else []
        command = [str(ray), "start", *options, f"--node-ip-address={where}", "--num-cpus=1", "--block"]
        command += ["--disable-usage-stats", "--object-store-memory=100000000", *temporary]
        node = subprocess.Popen(
            command, env=self.environment(), stdout=log, stderr=log, start_new_session=True, cwd=self.folder
        )
        self.nodes.append(node)
        self._wait()
        return node

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        script = f"import ray; ray.init('{self.address}', log_to_driver=False, logging_level='CRITICAL')"
        script += f"; raise SystemExit(ray.cluster_resources().get('CPU', 0) < {len(self.nodes)})"
        while time.monotonic() < until:
            command = [sys.executable, "-c", script]
            if not subprocess.run(command, env=self.environment(), capture_output=True, check=False).returncode:
                return
        raise AssertionError((self.folder / f"node-{len(self.nodes) - 1}.log").read_text())

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """End a computer as a power cut does."""
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for node in self.nodes:
            if node.poll() is None:
                self.kill(node)
        shutil.rmtree(self.folder, ignore_errors=True)  # the token is in it


def make() -> Cluster:
    """Return a cluster in a folder of its own; a long path would be too long for its sockets."""
    return Cluster(Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp")))
