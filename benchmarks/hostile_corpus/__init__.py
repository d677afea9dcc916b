"""The attack corpus: hostile files, payload strings, requests and websocket messages, all made by a script.

Nothing binary lies in the repository: `write_files` makes the same files from the same seed. `benchmarks/hostile.py`
tries all of it against the running product, the tests try each kind.
"""

from benchmarks.hostile_corpus.files import FILES, write_files
from benchmarks.hostile_corpus.hostile_file import HostileFile
from benchmarks.hostile_corpus.payloads import PAYLOADS, Payload

__all__ = ["FILES", "PAYLOADS", "HostileFile", "Payload", "write_files"]
