"""The server of the app: Streamlit behind the gate, set up from the start to let ``st.navigation`` declare the pages.

Streamlit takes a folder ``pages`` beside the entry point for its older kind of pages until the first run of the
app says otherwise. Whoever opened ``/learn`` first after a start would be told that there is no such page.
"""

from __future__ import annotations

import argparse
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount
from streamlit import net_util
from streamlit.runtime.pages_manager import PagesManager

from annotator import project_location
from maeumgyeol import private_files
from maeumgyeol.location import SCRIPT
from maeumgyeol.processes.limits import die_with_parent
from service import PREFIX
from service.lazy_app import LazyApp
from service.transport.hardening import Hardening
from service.transport.origins import named_origin
from service.transport.protocols import run
from web import streamlit_options
from web.gate.addresses import Addresses
from web.gate.content_policy import page_policy
from web.gate.identity import RequestIdentity
from web.gate.middleware import AuthMiddleware
from web.gate.routes import routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

_WEBSOCKET_BYTES = 64 << 20
"""More than a board ever sends. Streamlit refuses less, but only what it has read already."""


def _living(service: LazyApp) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Return the lifespan that ends the service with the app."""

    @asynccontextmanager
    async def living(_: object) -> AsyncIterator[None]:
        yield
        await service.close()

    return living


def serve() -> None:
    """Serve the app until it is stopped."""
    private_files.keep_process()
    options = argparse.ArgumentParser()
    options.add_argument("--address", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8501)
    options.add_argument("--parent", type=int)
    arguments = options.parse_args()
    if arguments.parent is not None:
        die_with_parent(arguments.parent)
    PagesManager.uses_pages_directory = False
    door = RequestIdentity()
    service = LazyApp(project_location.path)
    own = routes(door)
    app = st.App(
        SCRIPT,
        routes=[*own, Mount(PREFIX, service)],
        middleware=[Middleware(AuthMiddleware, door=door), Middleware(Addresses, gate_routes=own)],
        lifespan=_living(service),
    )
    streamlit_options.load(address=arguments.address, port=arguments.port)
    streamlit_options.use_own_components()
    keep_to_itself()
    served = Hardening(app, page_policy=page_policy, public_origin=named_origin())
    run(served, address=arguments.address, port=arguments.port, ws_max_size=_WEBSOCKET_BYTES)


def keep_to_itself() -> None:
    """Disable Streamlit's ways of finding out this machine's address, for which it asks an external service.

    It does so for a websocket from another address, which never reaches Streamlit here.
    """
    net_util.get_external_ip = lambda: None
    net_util.get_internal_ip = lambda: None
