"""``python -m annotator.cli``: the command line without its installed script."""

from annotator.cli.main import main

main()
