# make report   builds the site, make test checks everything. Each makes .venv on its first call.

VENV ?= .venv
PROFILE ?= $(if $(DATA),full,demo)
WORKERS ?= 2

# The first Python that its wheels are made for; `make PYTHON=/path/to/python3.11` names another.
SUPPORTED := (3, 11) <= sys.version_info < (3, 14)
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	if $$python -c 'import sys, venv; sys.exit(not $(SUPPORTED))' 2>/dev/null; \
	then echo $$python; break; fi; done)

INSTALLED := $(VENV)/installed
IN_VENV := PATH="$(abspath $(VENV))/bin:$$PATH"
PYTEST := $(IN_VENV) OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} \
  python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable

.DEFAULT_GOAL := help
.PHONY: help install report links test test-long lint format browser cross pictures bench constraints clean

help:  ## list the targets
	@echo "make TARGET [VARIABLE=VALUE ...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "variables"
	@echo "  PROFILE      demo (embedded speech, everything live) or full (real speech); now $(PROFILE)"
	@echo "  DATA         folder of Speech Commands, for report; the profile is then full"
	@echo "  PDF          1 prints the whole report to a PDF file too, for report"
	@echo "  P            parameters of chapters, for report: P=\"training.epochs=40 training.seed=1\""
	@echo "  TORCH_INDEX  extra index for torch: https://download.pytorch.org/whl/cpu has CPU builds"
	@echo "  PYTHON       the Python that makes $(VENV)"
	@echo "  WORKERS      processes that run the tests; now $(WORKERS)"

install: $(INSTALLED)  ## make .venv and install into it

# Bytecode is written when a module is first imported; compiling all of it here takes a minute.
$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(not $(SUPPORTED))' || \
	{ echo "Python 3.11, 3.12 or 3.13 is needed; $(or $(PYTHON),none) was found. Install it, or name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
	  $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt -e '.[dev]'
	@touch $@

report: $(INSTALLED)  ## build the site; PROFILE=, DATA= and P= choose what it shows
	$(IN_VENV) kws report --profile $(PROFILE) $(if $(DATA),--data "$(DATA)") $(foreach p,$(P),-p $(p)) \
	  $(if $(PDF),--pdf)

links: $(INSTALLED)  ## look at the links of the built site; EXTERNAL=1: at those to other sites
	$(IN_VENV) python -m kwslib.site.link_check $(if $(EXTERNAL),--external)

test: lint browser cross  ## lint, types and tests
	$(PYTEST) $(TESTS)

# The pages are tested as they are published, too: full, from committed records alone.
test-long: export KWS_SITE := $(abspath _build/html)
test-long: export KWS_DATA :=
test-long: browser  ## build PROFILE=full without data; run the tests marked long and those of its pages
	$(MAKE) report PROFILE=full DATA= P= PDF=
	$(PYTEST) -m long $(TESTS)
	$(PYTEST) tests/built_site

lint: $(INSTALLED)  ## ruff and mypy
	$(IN_VENV) ruff check .
	$(IN_VENV) ruff format --check .
	$(IN_VENV) mypy

format: $(INSTALLED)  ## write the code as ruff wants it
	$(IN_VENV) ruff check --fix .
	$(IN_VENV) ruff format .

# The tests of the site need a browser. Without one they are skipped, but not where CI=true.
browser:  ## install Chromium where apt-get can
	@reason=; for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	if ! command -v apt-get >/dev/null; then reason="there is no apt-get"; \
	elif test "$$(id -u)" = 0; then root=; \
	elif sudo -n true 2>/dev/null; then root="sudo -n"; \
	else reason="apt-get needs root"; fi; \
	if test -z "$$reason"; then \
	  echo "installing Chromium for the tests of the site"; \
	  $$root apt-get update -qq && \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null && \
	  exit 0; reason="apt-get could not install it"; fi; \
	echo "no Chromium: $$reason; install one of $(BROWSERS) for the tests of the site" >&2; \
	test "$$CI" != true

# A second compiler and a second emulator confirm the first, and a second synthesiser speaks what no
# network was trained on: their tests are skipped without them, but not where CI=true.
TOOLS := g++ gcc-arm-none-eabi qemu-system-arm flite
cross:  ## install gcc, the ARM gcc, QEMU and Flite where apt-get can
	@reason=; command -v g++ >/dev/null && command -v arm-none-eabi-gcc >/dev/null && \
	command -v qemu-system-arm >/dev/null && command -v flite >/dev/null && exit 0; \
	if ! command -v apt-get >/dev/null; then reason="there is no apt-get"; \
	elif test "$$(id -u)" = 0; then root=; \
	elif sudo -n true 2>/dev/null; then root="sudo -n"; \
	else reason="apt-get needs root"; fi; \
	if test -z "$$reason"; then \
	  echo "installing $(TOOLS) for the tests"; \
	  $$root apt-get update -qq && \
	  $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    $(TOOLS) >/dev/null && \
	  exit 0; reason="apt-get could not install them"; fi; \
	echo "gcc, the ARM gcc, QEMU or Flite is missing: $$reason; install $(TOOLS) for the tests" >&2; \
	test "$$CI" != true

pictures: browser report  ## pictures of the built site for the README; PROFILE=full has the real ones
	$(IN_VENV) python -m kwslib.site.pictures

bench: $(INSTALLED)  ## time the stages
	$(IN_VENV) python -m kwslib.studies.bench

# A fresh resolution in an environment of its own. A build's local suffix (+cpu) is dropped, so
# that a pin means every build; so are the CUDA packages that only some builds of torch need.
constraints:  ## resolve pyproject.toml anew and pin what comes out in constraints.txt
	"$(PYTHON)" -m venv --clear _build/constraints
	_build/constraints/bin/pip install --quiet --disable-pip-version-check \
	  $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -e '.[dev]'
	sed -n '/^#/!q;p' constraints.txt > _build/constraints.txt
	_build/constraints/bin/pip freeze --all --exclude-editable --exclude pip | \
	  sed 's/+[A-Za-z0-9.]*$$//' | grep -Eiv '^(nvidia|cuda|triton)' >> _build/constraints.txt
	mv _build/constraints.txt constraints.txt
	rm -r _build/constraints

clean:  ## remove what was built, and .venv
	rm -rf _build $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
