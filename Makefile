# `make app` runs the app on the demo diaries; `make test` runs every check. Both install what they need first.

PYTHON ?= python3
PORT   ?= 8501
DB     ?= data/maeumgyeol.db

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --quiet --disable-pip-version-check
# On all cores; pip takes one. Some packages bring files that another Python would read, which is no failure.
COMPILE = $(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true

.PHONY: app test suite pictures walk lint types contracts browser audit data-model site lock clean

app: $(VENV)/installed
	@HF_HUB_OFFLINE=1 $(BIN)/maeumgyeol app --demo --db $(DB) --port $(PORT)

# Tests make hundreds of databases, and SQLite waits for the disk at each commit: where there is room, they lie in memory.
# One thread each for what computes: two of torch's pools on two cores wait for each other. Hundreds of processes start,
# and each would compile our modules anew where the environment forbids to keep what was compiled. Three at once keep two
# cores busy, as tests wait for servers and pages; in the order of tests/conftest.py, slow ones first, which xdist would
# turn around: it takes modules of many tests for slow ones.
TESTS_AT_ONCE ?= 3
test: $(VENV)/installed-test browser lint
	@$(MAKE) --no-print-directory -j3 types contracts suite

suite: $(VENV)/installed-test
	@free=$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $$4}'); \
	if [ "$${free:-0}" -gt 4000000 ]; then export TMPDIR=/dev/shm; fi; \
	unset PYTHONDONTWRITEBYTECODE; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadfile \
		--no-loadscope-reorder

# Take the pictures of the documents anew, the moving one too.
pictures: $(VENV)/installed-test browser
	MAEUMGYEOL_SCREENSHOTS=$(CURDIR)/docs/screenshots $(BIN)/python -m pytest -q tests/browser/test_main_job.py

# Every page in both languages and themes, at all sizes and at 150 %, with axe; keeps the pictures in build/walk.
walk: $(VENV)/installed-test browser
	@mkdir -p build/walk
	MAEUMGYEOL_WALK=$(CURDIR)/build/walk OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/browser/test_walk.py

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-test
	$(BIN)/mypy

contracts: $(VENV)/installed-test
	$(BIN)/lint-imports

# The page tests want a browser and Korean glyphs: Debian's where we may install packages, Playwright's elsewhere. Of the
# browser its shell without windows is enough, and takes half the processor time; the whole one serves where that isn't.
browser: $(VENV)/installed-test
	@has_glyphs() { fc-list :lang=ko 2>/dev/null | grep -q .; }; \
	if command -v chromium-headless-shell >/dev/null && has_glyphs; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
			chromium-headless-shell fontconfig fonts-nanum fonts-noto-color-emoji >/dev/null; } || \
		{ command -v chromium >/dev/null && has_glyphs; }; \
	elif command -v chromium >/dev/null && has_glyphs; then :; \
	else $(BIN)/playwright install chromium || true; fi

# torch comes first and from its pinned line, so that pip takes the build it finds, not the newest with CUDA.
$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.11 …"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "Install the venv module: apt install python3-venv"; exit 2; }
	@touch $@

$(VENV)/installed: requirements.txt pyproject.toml | $(VENV)/python
	$(PIP) install --no-compile "$$(grep '^torch==' requirements.txt)"
	$(PIP) install --no-compile -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@$(COMPILE)
	@touch $@

$(VENV)/installed-test: requirements-test.txt $(VENV)/installed
	$(PIP) install --no-compile -r requirements-test.txt
	@$(COMPILE)
	@touch $@

# Write docs/data-model.md anew from the schema; a test fails while it is not current.
data-model: $(VENV)/installed
	@$(BIN)/python -m db.data_model > docs/data-model.md.new && mv docs/data-model.md.new docs/data-model.md

# The documentation as a site in build/site. Sphinx has an environment of its own, so that no test needs it.
site: $(VENV)/docs/installed
	@$(VENV)/docs/bin/python tools/site.py

$(VENV)/docs/installed: requirements-docs.txt | $(VENV)/python
	@test -x $(VENV)/docs/bin/python || $(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/python -m pip --quiet --disable-pip-version-check install -r requirements-docs.txt
	@touch $@

# The dependencies: locked, licensed as documented, without known holes. Exit code 3: nobody could be asked about holes.
# pip-audit has an environment of its own, so that what it brings along is not in the one that is audited.
audit: $(VENV)/installed-test
	@test -x $(VENV)/audit/bin/pip-audit || { $(PYTHON) -m venv $(VENV)/audit && \
		$(VENV)/audit/bin/python -m pip --quiet --disable-pip-version-check install pip-audit==2.10.1; }
	$(BIN)/python tools/audit.py --advisories $(VENV)/audit/bin/pip-audit

# Write the locks anew from pyproject.toml. A local version such as +cpu is this machine's, so it is cut off.
lock: $(VENV)/installed
	$(PIP) install pip-tools==7.6.2
	$(BIN)/pip-compile -q --no-emit-index-url --no-emit-find-links --no-header --strip-extras \
		-o requirements.txt pyproject.toml
	$(BIN)/pip-compile -q --no-emit-index-url --no-emit-find-links --no-header --strip-extras \
		--extra test -c requirements.txt -o requirements-test.txt pyproject.toml
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['docs'], sep='\n')" | \
		$(BIN)/pip-compile -q --no-emit-index-url --no-emit-find-links --no-header --strip-extras -o requirements-docs.txt -
	sed -i 's/^\(torch==[^+]*\)+.*/\1/' requirements.txt requirements-test.txt

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
