# Each target works from nothing on a fresh machine: it makes the virtual environment it needs.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin
COMPARE = $(RUN)/aenbench run --dataset g-digits --config d4 --budget quick --out demo --overwrite

.PHONY: demo test slow lint types docs leaderboard install
demo: install
	$(COMPARE) --baseline mlp
	$(COMPARE) --baseline aen
	$(COMPARE) --baseline aen --search discover
	$(RUN)/aenbench leaderboard --dir demo
	@$(RUN)/aenbench leaderboard --dir demo --format markdown | tr -d '\\'

test: install
	$(RUN)/python -m pytest --numprocesses 2 --dist loadfile --durations 15

slow: install
	$(RUN)/python -m pytest -m slow --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 15

lint: install
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: install
	$(RUN)/mypy

docs: install
	$(RUN)/mkdocs build --strict
	$(RUN)/python tools/figures.py --check

leaderboard: install
	$(RUN)/aenbench leaderboard

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet torch torchvision
	$(RUN)/python -m pip install --quiet --editable '.[test,docs]'
	touch $@
