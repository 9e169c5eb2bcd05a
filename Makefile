# Two commands for a start: `make repro` and `make test`. Both make the environment first. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# stages are run as `python -m stages.<stage>`, and so by this environment's python
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONUNBUFFERED := 1
# they would lead pip, uv or Python away from the environment in .venv, or end DVC at its first warning
unexport PIP_USER PIP_TARGET PIP_PREFIX PYTHONHOME PYTHONPATH PYTHONOPTIMIZE PYTHONWARNINGS UV_SYSTEM_PYTHON
# DVC and Git ask for a home, which a container's user may not have
export HOME := $(or $(HOME),$(shell getent passwd "$$(id -u)" | cut -d: -f6),$(CURDIR)/.dvc/tmp/home)

.PHONY: moved help repro undo compare seeds folds published freeze pr-report pr-comment test bench lint format env lock check-lock check-python check-place check-git clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

repro: check-place check-git env  ## rebuild whatever is out of date: data, models, metrics/report.html
	@python -m tools.warm dvc repro
	@echo "Results: metrics/report.md and metrics/report.html"

# DVC stages params.yaml, and writes it in the second in which Git has last looked at it, mostly with as many characters:
# after an experiment that failed or was killed, `git restore .` would see nothing to do. A touched file is read again.
undo: env  ## drop the experiment in the working tree: params, scores, data and models are the commit's again
	@touch -c params.yaml
	@git restore --source=HEAD --staged --worktree params.yaml dvc.lock metrics ':!metrics/paper.csv' MODEL_CARD.md
	@dvc checkout

compare: env  ## experiments of this commit, best on validation images first: ROW=tables.vgg16 BY=f1_macro
	@python -m tools.compare --row $(or $(ROW),model) --by $(or $(BY),accuracy)

seeds: env  ## one setting with several seeds, mean and spread on validation images: N=5 ROW=model SET="model.dropout=0.4"
	@python -m tools.repeat seeds --count $(or $(N),5) --row $(or $(ROW),model) $(foreach change,$(SET),-S $(change))

folds: env  ## one setting cross-validated, mean and spread on validation images: ROW=model SET="model.dropout=0.4"
	@python -m tools.repeat folds --row $(or $(ROW),model) $(foreach change,$(SET),-S $(change))

published: env  ## what each known fault of the published run is worth: ROW=tables.resnet101v2-type-d40
	@python -m tools.published $(if $(ROW),--row $(ROW))

freeze: env  ## the catalog with this split in it, so that added images move none: CATALOG=catalogs/mine.csv
	@python -m tools.freeze "$(or $(CATALOG),$(error name the file to write: make freeze CATALOG=catalogs/mine.csv))"

pr-report: env  ## what this branch changes against BASE=main, as Markdown; OUTPUT=file
	@python -m tools.pull_request "$${BASE:-main}" $(if $(BASE_NAME),--name "$$BASE_NAME") $(if $(OUTPUT),--output "$$OUTPUT")

pr-comment: env
	@python -m tools.comment "$$NUMBER" "$$OUTPUT"

test: env  ## run the tests
	@python -m pytest

bench: env  ## measure what the README says about speed, beside what it replaces (about 15 minutes)
	@python -m bench

lint: env  ## check style and formatting
	@ruff check . && ruff format --check .

format: env  ## bring style and formatting in order
	@ruff check --fix . && ruff format .

env: $(VENV)/.complete  ## make the environment in .venv from requirements.lock

# the programs of an environment name their Python by its place: in a checkout that was moved or copied, that of the old one
MOVED := $(shell test ! -e $(BIN)/dvc || test "$$(sed -n 's|^[^/]*\(/.*\)/python.*|\1|p' $(BIN)/dvc | head -n 1)" -ef $(BIN) || echo moved)

# uv installs and compiles bytecode in a third of pip's time; its own version and hash are in the lock file too
$(VENV)/.complete: requirements.lock $(MOVED) | check-python check-place
	@echo "Making the environment in $(VENV) (once, about a minute)"
	@test ! -L $(VENV) || { echo "error: $(VENV) is a link; what it points to is not ours to replace: remove the link first" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	@touch $@
	@test ! requirements.lock -nt $@ || touch -r requirements.lock $@  # one dated in the future would never be older

lock: env  ## resolve pyproject.toml to requirements.lock anew
	@$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --fork-strategy fewest \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

check-lock: env  ## fail if dvc.lock or the committed metrics are stale
	@.ci/check-lock

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "error: Python 3.11, 3.12 or 3.13 is needed, and '$(PYTHON)' is not one: name it, as in 'make $(MAKECMDGOALS) PYTHON=python3.12'" >&2; exit 1; }

check-place:
	@case "$$PWD" in *:*) echo "error: $$PWD: a path with a colon cannot be on PATH: move this folder" >&2; exit 1;; esac
	@test -w . || { echo "error: $$PWD: you may not write here: work in a copy of it, or in a clone" >&2; exit 1; }

check-git:
	@command -v git >/dev/null || { echo "error: git is needed: install it, then run this again" >&2; exit 1; }
	@top=$$(LC_ALL=C git rev-parse --show-toplevel 2>&1) || { case "$$top" in \
	  *"not a git repository"*) echo "error: this folder is no Git checkout, and DVC needs one: run 'git init && git add -A && git commit -m start', then this again" >&2;; \
	  *) echo "error: git:" $$top >&2;; esac; exit 1; }; \
	test "$$top" -ef . || { echo "error: this folder is a part of the Git repository $$top, and DVC needs one of its own: move it out of there, then run this again" >&2; exit 1; }
	@git rev-parse --quiet --verify HEAD >/dev/null || { \
	  echo "error: this Git repository has no commit yet: run 'git add -A && git commit -m start', then this again" >&2; exit 1; }
	@touch -c params.yaml  # see `undo`
	@test -z "$$(git status --porcelain)" || \
	  echo "note: there are uncommitted changes; commit them with the dvc.lock and metrics that this run gives, so that the results follow from a commit"

clean:  ## remove the environment (data, models and DVC's cache stay)
	@rm -rf $(VENV)
