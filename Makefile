# Shortcuts for people; the workflow itself needs none of them. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help check format hooks test test-slow kills disk corpus fuzz golden schema envs audit dag demo smoke bench bitflips

RUN := uv run
CORES ?= all
SMOKE := build/smoke

help:  ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

check:  ## lint, format, spelling and types, as in the continuous integration
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) snakefmt --check Snakefile workflow
	$(RUN) codespell
	$(RUN) mypy
	$(RUN) snakemake --lint

format:  ## fix lint and format where that is automatic
	$(RUN) ruff check --fix
	$(RUN) ruff format
	$(RUN) snakefmt Snakefile workflow

hooks:  ## run all pre-commit hooks on all files
	uvx pre-commit run --all-files

test:  ## the test suite without the slow tier
	$(RUN) pytest

test-slow:  ## the real recipes with their own nets; 20 minutes and more
	$(RUN) pytest -m slow

kills:  ## kill a small run 50 times, and compare its end with an undisturbed one; an hour and more
	$(RUN) python tests/faults/kill_harness.py build/kills --kills 50

disk:  ## the same on a disk that fills up and is emptied; as root, who may mount one
	$(RUN) python tests/faults/disk_harness.py build/disk

corpus:  ## hundreds of hostile inputs, each with its expected outcome; a quarter of an hour
	$(RUN) python tests/faults/corpus.py

fuzz:  ## look for inputs that break the parsers written here, a minute each (needs Python 3.11)
	$(RUN) --group fuzz python tests/faults/fuzz.py

smoke:  ## the demo cut down to minutes, in build/smoke: it never touches results/
	rm -rf $(SMOKE) && mkdir -p $(SMOKE)
	cp -r Snakefile config.yaml profiles workflow src envs $(SMOKE)
	cd $(SMOKE) && PYTHONPATH=$$PWD/src $(RUN) --project $(CURDIR) \
		snakemake --cores $(CORES) --configfile workflow/configs/smoke.yaml

bitflips: smoke  ## flip 300 bits in the files of a smoke run: docs/reliability.md says what must come out
	$(RUN) python tools/flip_bits.py $(SMOKE)/results --flips 300

golden: smoke  ## write this machine's golden numbers into tests/golden (CONTRIBUTING.md says when)
	$(RUN) python tools/write_golden.py $(SMOKE)/results

schema:  ## write workflow/schemas/config.schema.json from the config's classes
	$(RUN) python tools/write_schema.py

audit:  ## known vulnerabilities of uv.lock (asks api.osv.dev), and the licences in docs/dependencies.md
	$(RUN) python tools/write_licences.py
	uv audit --frozen --preview-features audit-command

envs:  ## write envs/ (conda, container) from uv.lock
	$(RUN) python tools/write_envs.py

dag:  ## print the graph of the rules, as Mermaid
	@$(RUN) snakemake results/tables/epic.csv --rulegraph mermaid-js

demo:  ## the whole method on the demo: about ten minutes on two cores
	$(RUN) snakemake results/tables/epic.csv --cores $(CORES)

bench:  ## speed of the loader, the nets and a student's step; docs/results.md has the options
	$(RUN) python tests/benchmarks/bench_student_step.py
	$(RUN) python tests/benchmarks/bench_models.py
	$(RUN) python tests/benchmarks/bench_loader.py
	$(RUN) python tests/benchmarks/bench_evaluate.py
