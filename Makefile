# SPDX-License-Identifier: Apache-2.0
# The few commands a person needs; the work is done by CMake's presets and the scripts in tools/.
PREFIX ?= /usr/local

.PHONY: help demo test build deps check install clean
help:
	@echo "make demo       install what is missing, build, find people in a video"
	@echo "make test       install what is missing, build, run every test"
	@echo "make build      install what is missing, build: the command is build/osprey"
	@echo "make check      what must hold before a commit (tools/check --help: more of it)"
	@echo "make install    into PREFIX=$(PREFIX)"
	@echo "make clean      remove what was built; build/deps, what was fetched, stays"

deps:
	@tools/bootstrap

build: deps
	@cmake --preset dev --log-level=WARNING >/dev/null
	@cmake --build --preset dev

demo: build
	@tools/demo

test: build
	@ctest --preset dev

check: deps
	@tools/check

install: deps
	@cmake --preset release --log-level=WARNING >/dev/null
	@cmake --build --preset release
	@cmake --install build/release --prefix "$(PREFIX)"

clean:
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +; fi
