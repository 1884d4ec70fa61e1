# The commands; the work is in CMake and in tools/.
PREFIX ?= /usr/local
SUITES ?=
python := .venv/bin/python

.PHONY: help setup build demo test bench ulp docs install format lint generate parity abi-accept asan tsan debug clean

help:        ## what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

setup:       ## install what is missing
	@tools/setup

build: setup ## the library, the Python module, the tests
	@cmake --preset release --log-level=WARNING
	@cmake --build --preset release
	@tools/link-python

demo: build  ## train a convolutional network on real handwritten digits
	@$(python) examples/python/digits.py

test: build  ## every test; SUITES="cxx python" runs some
	@$(python) tools/test $(SUITES)

bench: build ## compare with peers; CASE=pattern some of it, QUICK=1 fewer rounds
	@tools/env $(python) bench/run.py

ulp: build   ## errors of the transcendental functions at each level; CASE=pattern some of them
	@tools/env $(python) bench/ulp.py

docs: build  ## the reference pages
	@tools/env $(python) tools/docs

install: build ## library, headers, pkg-config and CMake package below PREFIX
	@cmake --install build/release --strip --prefix "$(PREFIX)"

format:      ## put all code into the house format
	@tools/lint --fix

lint:        ## report what is not
	@tools/lint

generate: build ## write the generated files that are committed
	@tools/env tools/generate
	@cmake --build --preset release

parity: build ## the same training run in four languages
	@$(python) tools/parity

abi-accept: build ## make the present ABI the one to be kept
	@$(python) tests/abi/abi.py accept build/release

asan tsan debug: setup ## the C and C++ tests in that preset
	@cmake --preset $@ --log-level=WARNING
	@cmake --build --preset $@
	@ctest --preset $@

clean:       ## remove what was built
	@rm -rf build dist
