"""The recipes to deploy: shell that parses, manifests that ask for tokens, in one version, and commands there are."""

from __future__ import annotations

import shlex
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner

from annotator.cli.main import cli
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

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


def test_there_are_recipes_so_the_look_is_not_blind() -> None:
    assert (len(SHELL), len(MANIFESTS)) == (2, 2)
