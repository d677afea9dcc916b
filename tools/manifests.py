"""Holds the pods of the KubeRay recipes against the schemas of Kubernetes; what is not in them is an error, too.

pip install kubernetes-validate==1.37.0    # 72 MB of schemas, so not among what the tests install
python -m tools.manifests
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parent.parent / "deploy"

VERSIONS = ("1.28", "1.31", "1.34", "1.37")
"""Of Kubernetes."""


def list_pods(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pods that an operator would make of a manifest, without what it adds itself."""
    spec = manifest["spec"] if manifest["kind"] == "RayCluster" else manifest["spec"]["rayClusterSpec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    metadata = {"name": manifest["metadata"]["name"]}
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, **group["template"]} for group in groups]


def main() -> None:
    """Print how many pods were looked at; the first that is not one ends it."""
    import kubernetes_validate

    for path in sorted(DEPLOY.glob("*.yaml")):
        pods = list_pods(yaml.safe_load(path.read_text("utf-8")))
        for version in VERSIONS:
            for pod in pods:
                kubernetes_validate.validate(pod, version, strict=True)
        print(f"{path.name}: {len(pods)} pods, Kubernetes {', '.join(VERSIONS)}")


if __name__ == "__main__":
    main()
