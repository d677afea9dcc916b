"""The server of the app: Streamlit behind the gate, told from the beginning that ``st.navigation`` declares the pages.

Streamlit takes a folder ``pages`` beside the entry point for its older kind of pages until the first run of the
app says otherwise. Whoever opens ``/learn`` first after a start would be told that there is no such page.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount
from streamlit.runtime.pages_manager import PagesManager

from pages.gate.addresses import Addresses
from pages.gate.door import Door
from pages.gate.gate import Gate
from pages.gate.routes import routes
from pages.widgets import project
from service.beside import PREFIX, Beside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

SCRIPT = Path(__file__).resolve().parents[2] / "streamlit_app.py"


def _living(service: Beside) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Return what ends the service with the app."""

    @asynccontextmanager
    async def living(_: object) -> AsyncIterator[None]:
        yield
        await service.close()

    return living


def main() -> None:
    """Serve the app until it is stopped."""
    options = argparse.ArgumentParser()
    options.add_argument("--address", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8501)
    asked = options.parse_args()
    # Whom a header may speak for another address: nobody, unless a proxy is named in this variable of uvicorn's.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    # Streamlit looks for its settings beside the script that was started.
    sys.argv = [str(SCRIPT)]
    PagesManager.uses_pages_directory = False
    door = Door()
    service = Beside(project.path)
    app = st.App(
        SCRIPT,
        routes=[*routes(door), Mount(PREFIX, service)],
        middleware=[Middleware(Gate, door=door), Middleware(Addresses)],
        lifespan=_living(service),
    )
    app.run(config={"server.address": asked.address, "server.port": asked.port})


if __name__ == "__main__":
    main()
