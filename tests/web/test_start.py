"""What the app loads when it starts, and what it leaves to the pages that need it."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT

_LEFT = {"pandas", "plotly", "annotator.try_out", "service.app", "torch"}


def test_the_server_starts_without_what_few_pages_need_and_charts_have_the_theme_of_streamlit() -> None:
    program = (
        f"import sys, web.serving, pages.widgets.tables; print(sorted({_LEFT!r} & sys.modules.keys()))\n"
        "from pages.simulate import chart; import plotly.io; print(plotly.io.templates.default)"
    )
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "[]\nstreamlit\n"


def test_charts_get_plotly_from_where_it_has_its_theme() -> None:
    direct = re.compile(r"^(import|from) plotly|^ +import plotly", re.MULTILINE)
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "pages").rglob("*.py") if direct.search(path.read_text())]
    assert files == ["pages/widgets/plots.py"]
