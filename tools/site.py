"""What `make site` runs: build the documentation site and check that its pages fetch nothing from other computers.

    python tools/site.py [--out FOLDER]

Sphinx runs in strict mode: a broken link, a missing picture or a page outside the navigation fails the build. Then
every page and style sheet is searched for addresses that a browser would fetch from elsewhere.

Exit code 0 if the site was built in the folder, 1 otherwise.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_FETCHED = re.compile(
    r"<(?:script|img|iframe|source|audio|video|embed)\b[^>]*\bsrc=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b(?![^>]*\brel=[\"']?(?:canonical|alternate))[^>]*\bhref=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|url\([\"']?((?:https?:)?//[^\"')]+)"
    r"|@import\s+[\"']((?:https?:)?//[^\"']+)",
    re.IGNORECASE,
)


def fetched_from_elsewhere(text: str) -> list[str]:
    """Return the addresses that a browser would fetch by itself for a page or a style sheet."""
    return ["".join(groups) for groups in _FETCHED.findall(text)]


def main() -> None:
    """Build and check the site, and print where it is."""
    from sphinx.cmd.build import build_main

    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    out: Path = options.parse_args().out
    settings = ["-c", str(ROOT / "docs" / "site"), "-d", str(out.with_name(f"{out.name}-doctrees"))]
    if build_main(["-q", "-W", "--keep-going", "-b", "html", *settings, str(ROOT), str(out)]):
        sys.exit(1)
    # Browsers and servers look for this name when a folder is opened.
    (out / "index.html").write_text((out / "README.html").read_text("utf-8"), "utf-8")
    pages = sorted(file for ending in ("html", "css") for file in out.rglob(f"*.{ending}"))
    references = [
        f"{page.relative_to(out)}: {address}"
        for page in pages
        for address in fetched_from_elsewhere(page.read_text("utf-8"))
    ]
    for each in references:
        print(f"A browser would fetch this from elsewhere: {each}", file=sys.stderr)
    print(out / "index.html")
    sys.exit(1 if references else 0)


if __name__ == "__main__":
    main()
