"""What starts the server of the app, `web.serving`, and loads it."""

from __future__ import annotations

import gc


def main() -> None:
    """Serve the app until it is stopped."""
    # Modules leave next to nothing behind while they load, and to look for it again and again takes a sixth of that.
    gc.disable()
    from web.serving import serve

    gc.freeze()
    gc.enable()
    serve()


if __name__ == "__main__":
    main()
