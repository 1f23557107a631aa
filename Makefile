# make course · make test · make lab: each sets up .venv first, which takes minutes once and no time afterwards.
PYTHON ?= python3
ONLY   ?=
REPO   ?=
CLASS  ?= 2
SUBMISSIONS ?=

ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PY := $(BIN)/python
STAMP := .venv/.ready
BOOK := .venv/.book
DEV := .venv/.dev

.PHONY: help setup course test browser lint lab book assignments grade publish full-rehearsal repeats doctor bench clean
help:
	@echo "make course            run all lessons       (make course ONLY=\"01 07\" for some)"
	@echo "make test              ruff, unit tests, every notebook"
	@echo "make browser           lessons in JupyterLab in Chromium, as a learner runs them (ten minutes)"
	@echo "make lab               open the lessons in JupyterLab"
	@echo "make setup             only set up .venv      (PYTHON=python3.12 chooses the Python)"
	@echo "make lint              only ruff"
	@echo "make book              the lessons and the library as a site, in build/book/html"
	@echo "make assignments CLASS=2       what students get of the assignments, in build/assignments"
	@echo "make grade SUBMISSIONS=folder CLASS=2   a class graded, each submission shut in; table and feedback in build/grades"
	@echo "make publish REPO=owner/name   the address of your copy on GitHub into lessons, README and site (Colab, links)"
	@echo "make full-rehearsal    lessons 05, 07, 08 in the full profile, on few rows from a small hub on this machine"
	@echo "make repeats           all lessons five times with other seeds; how far figures spread, in tests/spread.csv (an hour and a half)"
	@echo "make doctor            what is missing, and how to mend it"
	@echo "make bench             speed and memory against plain code, as ratios (half an hour, on a quiet machine)"
	@echo "make clean             remove build/ and .venv/"

setup: $(STAMP)

$(STAMP): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))" || { \
	  echo "$(PYTHON) is not one of 3.11 to 3.14; name one that is: make setup PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --progress-bar off -r requirements.txt -c constraints.txt -e .
	@touch $(STAMP)

course: $(STAMP)
	$(PY) -m bertlib course $(ONLY)

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

test: lint
	$(PY) -m pytest tests -n auto --maxprocesses 4 --dist loadfile
	$(PY) -m pytest --nbval-lax -x notebooks

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
	$(PY) -m bertlib assignments --class $(CLASS)

grade: $(STAMP)
	@test -n "$(SUBMISSIONS)" || { echo "say where they are: make grade SUBMISSIONS=folder CLASS=2"; exit 2; }
	$(PY) -m bertlib grade "$(SUBMISSIONS)" --class $(CLASS)

publish: $(STAMP)
	$(PY) colab/publish.py $(REPO)

full-rehearsal: $(STAMP)
	$(PY) tests/full_rehearsal.py

repeats: $(STAMP)
	$(PY) tests/repeats.py

doctor: # with what there is: it must work where the set-up failed
	$(firstword $(wildcard $(PY) $(PY).exe) $(PYTHON)) -m bertlib doctor

bench: $(STAMP)
	$(PY) benchmarks/pretraining.py
	$(PY) benchmarks/fine_tuning.py --data bbc_news
	$(PY) benchmarks/data.py
	$(PY) benchmarks/inference.py
	$(PY) benchmarks/memory.py
	$(PY) benchmarks/tagging.py

clean:
	rm -rf build .venv
