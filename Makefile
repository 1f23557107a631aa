# make course · make test · make lab: each sets up .venv first, which takes minutes once and no time afterwards.
PYTHON ?= python3
ONLY   ?=
FORCE  ?=
REPO   ?=
CLASS  ?= 2
TORCH_INDEX ?=
SUBMISSIONS ?=

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PY := $(BIN)/python
STAMP := .venv/.ready
TORCH_FROM = $(if $(TORCH_INDEX),--extra-index-url "$(TORCH_INDEX)")
BOOK := .venv/.book
DEV := .venv/.dev
# What nbval is given: all lessons, or those of these numbers. A number that is no lesson's is a file that is not found.
LESSONS = $(if $(ONLY),$(foreach number,$(ONLY),notebooks/$(number)_*.ipynb),notebooks)

.PHONY: help setup setup-all course check test lint unit rehearsal lessons browser lab book assignments grade publish
.PHONY: full-rehearsal repeats doctor bench clean
help:
	@echo "make course            the lessons, figures held to their bands; what passed and has not changed since is not"
	@echo "                       run again             (make course ONLY=\"01 07\" for some, FORCE=1 for unchanged ones)"
	@echo "make check             ruff and the unit tests, without the notebooks; the 20 slowest tests are listed"
	@echo "make test              ruff, unit tests, and every lesson's every cell in a rehearsal, on few rows"
	@echo "make rehearsal         only the rehearsal    (ONLY=\"05 07\")"
	@echo "make lessons           the lessons under nbval, as they stand, figures held to their bands (ONLY=\"05 07\")"
	@echo "make browser           lessons in JupyterLab in Chromium, as a learner runs them (ten minutes)"
	@echo "make lab               open the lessons in JupyterLab"
	@echo "make setup             only set up .venv, and fetch 231 MB of data (PYTHON=python3.12 chooses the Python;"
	@echo "                       TORCH_INDEX=ADDRESS adds a package index, such as that of torch's CPU builds, to pip's)"
	@echo "make setup-all         and what the site and the tests in a browser need"
	@echo "make lint              only ruff"
	@echo "make book              the lessons and the library as a site, in build/book/html"
	@echo "make assignments CLASS=2       what students get of the assignments, in build/assignments"
	@echo "make grade SUBMISSIONS=folder CLASS=2   a class graded, each submission shut in; table and feedback in build/grades"
	@echo "make publish REPO=owner/name   the address of your copy on GitHub into lessons, README and site (Colab, links)"
	@echo "make full-rehearsal    lessons 05, 05b, 07, 08 in the full profile, on few rows from a small hub on this machine"
	@echo "make repeats           all lessons five times with other seeds; how far figures spread, in tools/spread.csv (an hour and a half)"
	@echo "make doctor            what is missing, and how to mend it"
	@echo "make bench             speed and memory against plain code, as ratios (half an hour, on a quiet machine)"
	@echo "make clean             remove build/ and .venv/"

setup: $(STAMP)

setup-all: $(BOOK) $(DEV)

$(STAMP): requirements.txt constraints.txt requirements-data.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))" || { \
	  echo "$(PYTHON) is not one of 3.11 to 3.14; name one that is: make setup PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	@$(PY) tools/setup_note.py $(if $(TORCH_INDEX),"$(TORCH_INDEX)")
	$(PY) -m pip install --quiet --progress-bar off -r requirements.txt -c constraints.txt -e . $(TORCH_FROM)
	$(PY) -m bertcourse fetch
	@touch $(STAMP)

course: $(STAMP)
	$(PY) -m bertcourse course $(ONLY) $(if $(filter-out 0,$(FORCE)),--force)

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

check: lint unit

unit: $(DEV)
	$(PY) -m pytest tests -n auto --maxprocesses 4 --dist loadfile --durations=20

rehearsal: $(STAMP)
	$(PY) -m pytest --nbval-lax --rehearsal -x -n 2 --dist loadfile $(LESSONS)

# One after the other: some figures are speeds.
lessons: $(STAMP)
	$(PY) -m pytest --nbval-lax -x $(LESSONS)

# In this order, whatever -j says.
test: check
	@$(MAKE) --no-print-directory rehearsal

browser: $(DEV)
	$(PY) -m pytest -m long tests

$(DEV): $(STAMP) requirements-dev.txt
	$(PY) -m pip install --quiet --progress-bar off -r requirements-dev.txt -c constraints.txt
	@touch $(DEV)

lab: $(STAMP)
	$(PY) -m jupyterlab --notebook-dir=notebooks

book: $(BOOK)
	$(PY) book/build.py

$(BOOK): $(STAMP) requirements-book.txt
	$(PY) -m pip install --quiet --progress-bar off -r requirements-book.txt -c constraints.txt
	@touch $(BOOK)

assignments: $(STAMP)
	$(PY) -m bertcourse assignments --class $(CLASS)

grade: $(STAMP)
	@test -n "$(SUBMISSIONS)" || { echo "say where they are: make grade SUBMISSIONS=folder CLASS=2"; exit 2; }
	$(PY) -m bertcourse grade "$(SUBMISSIONS)" --class $(CLASS)

publish: $(STAMP)
	$(PY) -m bertcourse publish $(REPO)

full-rehearsal: $(STAMP)
	$(PY) tools/full_rehearsal.py

repeats: $(STAMP)
	$(PY) tools/repeats.py

doctor: # with what there is: it must work where the set-up failed
	$(firstword $(wildcard $(PY) $(PY).exe) $(PYTHON)) -m bertcourse doctor

bench: $(STAMP)
	$(PY) benchmarks/pretraining.py
	$(PY) benchmarks/fine_tuning.py --data bbc_news
	$(PY) benchmarks/data.py
	$(PY) benchmarks/inference.py
	$(PY) benchmarks/memory.py
	$(PY) benchmarks/tagging.py

clean:
	rm -rf build .venv
