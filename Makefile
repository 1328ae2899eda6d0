.PHONY: environment
LOCK  := requirements/development.lock
STAMP := .venv/installed-$(shell cat $(LOCK) pyproject.toml | sha256sum | cut -c1-16)

environment: $(STAMP)

$(STAMP):
	python3 -m venv .venv
	.venv/bin/python -m pip install -q --no-compile --no-deps --only-binary :all: --require-hashes -r $(LOCK)
	.venv/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	rm -f .venv/installed-*
	touch $@
