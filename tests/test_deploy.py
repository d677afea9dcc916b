"""The recipes to deploy: shell that parses, manifests that ask for tokens, in one version, and commands there are."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from annotator.cli.main import cli
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

DEPLOY = ROOT / "deploy"
SHELL = sorted(DEPLOY.glob("*.sh"))
MANIFESTS = sorted(DEPLOY.glob("*.yaml"))


def _cluster(path: Path) -> dict[str, Any]:
    manifest = yaml.safe_load(path.read_text("utf-8"))
    assert manifest["apiVersion"] == "ray.io/v1"
    spec: dict[str, Any] = manifest["spec"]
    return spec if manifest["kind"] == "RayCluster" else spec["rayClusterSpec"]


@pytest.mark.parametrize("path", SHELL, ids=lambda path: path.name)
def test_shell_parses_and_works_with_tokens(path: Path) -> None:
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert "RAY_AUTH_MODE=token" in path.read_text("utf-8")


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_asks_for_tokens_and_the_locked_version_and_what_the_operator_asks(path: Path) -> None:
    cluster = _cluster(path)
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["scale"]
    assert f"ray[data]=={cluster['rayVersion']}" in extra
    assert cluster["authOptions"] == {"mode": "token"}
    # The operator's probes ask it, and it takes the jobs; both need ray[default].
    assert cluster["headGroupSpec"]["rayStartParams"]["include-dashboard"] == "true"
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values()), "it is a map of strings"
        (container,) = group["template"]["spec"]["containers"]
        volumes = {volume["name"] for volume in group["template"]["spec"]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]


def test_the_command_of_the_job_is_one_that_there_is() -> None:
    words = shlex.split(yaml.safe_load((DEPLOY / "kuberay-rayjob.yaml").read_text("utf-8"))["spec"]["entrypoint"])
    assert words[:4] == ["maeumgyeol", "pool", "run", "encode"]
    shown = CliRunner().invoke(cli, ["pool", "run", "--help"]).output
    assert all(word in shown for word in words if word.startswith("--"))


SCONTROL = "#!/bin/sh\nprintf 'n1\\nn2\\n'\n"
SRUN = """#!/bin/bash
while [ "${1#--}" != "$1" ]; do shift; done
for task in 1 0; do SLURM_PROCID=$task "$@"; done
"""
SSH = """#!/bin/bash
echo "ssh $*" >>"$CALLS"
cat >/dev/null
"""
RAY = """#!/bin/bash
echo "ray $*" >>"$CALLS"
if [ "$1" = symmetric-run ] && [ "$SLURM_PROCID" = 0 ] && [ -z "$RAY_FAILS" ]; then
    while [ "$1" != -- ]; do shift; done
    shift
    "$@"
fi
"""
MAEUMGYEOL = """#!/bin/bash
echo "maeumgyeol $*" >>"$CALLS"
exit "${STATUS:-0}"
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Runs a script with programs in place of Slurm, ssh, Ray and ours that write down how they were called."""
    programs = {"scontrol": SCONTROL, "srun": SRUN, "ssh": SSH, "ray": RAY, "maeumgyeol": MAEUMGYEOL}
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o700)

    def run_script(name: str, *words: str, **variables: str) -> tuple[int, list[str]]:
        environment = {
            "PATH": f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "CALLS": str(tmp_path / "calls"),
            "TMPDIR": str(tmp_path),
            "SLURM_JOB_NODELIST": "n[1-2]",
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_CPUS_PER_TASK": "16",
            "SLURM_JOB_ID": "7",
            **variables,
        }
        command = ["bash", str(DEPLOY / name), str(tmp_path / "project.db"), *words]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return ended.returncode, (tmp_path / "calls").read_text().splitlines()

    return run_script


def test_slurm_starts_ray_on_each_computer_and_only_the_head_knows_of_a_dashboard(
    run: Callable[..., tuple[int, list[str]]], tmp_path: Path
) -> None:
    status, (worker, head, encode) = run("slurm.sh")
    assert status == 0
    assert worker.startswith("ray symmetric-run --address n1:6379 --min-nodes 2 --num-cpus=16")
    assert ("--include-dashboard=false" in head, "dashboard" in worker) == (True, False)
    assert encode == f"maeumgyeol pool run encode --db {tmp_path / 'project.db'} --engine ray --address n1:6379"
    assert (tmp_path / "ray-token").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("ray-job-*"))


@pytest.mark.parametrize("trouble", [{"RAY_FAILS": "1"}, {"STATUS": "2"}], ids=["ray", "the command"])
def test_slurm_hears_of_what_failed(run: Callable[..., tuple[int, list[str]]], trouble: dict[str, str]) -> None:
    assert run("slurm.sh", **trouble)[0] != 0


def test_ssh_makes_this_computer_the_head_and_stops_ray_everywhere(
    run: Callable[..., tuple[int, list[str]]], tmp_path: Path
) -> None:
    status, calls = run("ssh.sh", "127.0.0.2", "n2", "n3", STATUS="2")
    assert status == 2
    head, two, three, encode, *stops = calls
    assert head.startswith("ray start --head --node-ip-address=127.0.0.2 --port=6379 --include-dashboard=false")
    assert ["start --address='127.0.0.2:6379'" in call for call in (two, three)] == [True, True]
    assert encode.endswith("--engine ray --address 127.0.0.2:6379")
    assert [call.split()[:2] for call in stops] == [["ssh", "n2"], ["ssh", "n3"], ["ray", "stop"]]
    assert not list(tmp_path.glob("tmp.*")), "the token is gone"


def test_there_are_recipes_so_the_look_is_not_blind() -> None:
    assert (len(SHELL), len(MANIFESTS)) == (2, 2)
