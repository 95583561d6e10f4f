# Copyright (c) 2026 The Tocsin Authors
# SPDX-License-Identifier: Apache-2.0

# The two commands: `make demo` and `make test`. Each prepares what it needs, in .venv/ and build/.

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# One machine, one result: neither TensorFlow's chatter nor its optional kernels.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export TF_ENABLE_ONEDNN_OPTS ?= 0

SOURCES := $(shell find modules training -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name 'CMakeLists.txt' \
	-o -name '*.cmake' -o -name 'pyproject.toml')

.PHONY: help demo test test-all lint docs setup default-bundle vectors clean

help:
	@echo "make demo     synthesise a machine, train, evaluate, run on the host and in the emulator"
	@echo "make test     everything that can be tested on this machine"
	@echo "make test-all the same, the image of every board, and the tests that take minutes each"
	@echo "make lint     formatting and static checks alone"
	@echo "make docs     the site, in build/site"
	@echo "make setup    the Python environment in $(VENV)/ alone"
	@echo "make clean    remove build/ and $(VENV)/"

setup: $(VENV)/.ready

$(VENV)/.ready: tools/setup.sh $(SOURCES)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/setup.sh
	@touch $@

demo: setup
	@python tools/demo.py

test: setup
	@python tools/run_tests.py

test-all: setup
	@python tools/run_tests.py --all

lint: setup
	@python tools/run_tests.py lint

# Material says at each build that it will end; docs/decisions/0015 says what then.
docs: setup
	@NO_MKDOCS_2_WARNING=1 mkdocs build

default-bundle: setup
	@python app/bundles/make_default.py

vectors: setup
	@python tools/make_vectors.py

clean:
	rm -rf build $(VENV)
