"""What every benchmark reports beside its figures: the machine, and how much memory a process holds."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any


def describe() -> dict[str, Any]:
    """Return processor, cores, memory and Python of this machine."""
    cpu = next((x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")), ":?")
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return {
        "cpu": cpu.split(":", 1)[1].strip(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def resident_mib(pid: int) -> dict[str, float]:
    """Return the memory that a process holds now, and the most it has held, in MiB."""
    lines = dict(x.split(":", 1) for x in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in x)
    return {"now": _mib(lines["VmRSS"]), "most": _mib(lines["VmHWM"])}


def _mib(text: str) -> float:
    return round(int(text.split()[0]) / 1024, 1)


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in pids]


def write(target: Path | None, result: dict[str, Any]) -> None:
    """Write a result as JSON, or print it where no file is named."""
    text = json.dumps(result, ensure_ascii=False, indent=2)
    if target is None:
        print(text)
    else:
        target.write_text(text + "\n", encoding="utf-8")
