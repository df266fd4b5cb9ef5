# Everything that a clone needs. `make` alone prints the list; recipes may be repeated at any time.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup swift build test quickstart bench faults chaos yaml-suite decisions lint format clean

PACKAGES := pkg-config libyaml-dev libopenblas-dev libpng-dev libjpeg-dev gnuplot-nox
PLUMB := .build/release/plumb

# Debian's OpenBLAS falls back to old kernels on CPUs that it does not know (see engine notes in
# Sources/Tensors): choose as `plumb` chooses for its workers, before the library is loaded.
FLAGS := $(shell grep -m1 '^flags' /proc/cpuinfo 2>/dev/null)
HAS = $(and $(filter $(1),$(FLAGS)),$(if $(2),$(call HAS,$(firstword $(2)),$(wordlist 2,9,$(2))),yes))
KERNELS := $(if $(call HAS,avx512f,avx512dq avx512bw avx512vl),SkylakeX,$(if $(call HAS,avx2,fma),Haswell))
ifneq ($(KERNELS),)
export OPENBLAS_CORETYPE ?= $(KERNELS)
endif
export OPENBLAS_NUM_THREADS ?= 1

help: ## this list
	@printf 'Plumb: experiments in YAML, with every result explained.\n\n'
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\nThen: $(PLUMB) --help\n'

setup: ## install the Debian packages that are missing (as root; else says what to type)
	@missing=''; \
	for package in $(PACKAGES); do \
	  case $$package in \
	    gnuplot-nox) command -v gnuplot >/dev/null && continue ;; \
	    pkg-config) command -v pkg-config >/dev/null && continue ;; \
	    libyaml-dev) pkg-config --exists yaml-0.1 2>/dev/null && continue ;; \
	    libopenblas-dev) pkg-config --exists openblas 2>/dev/null && continue ;; \
	    libpng-dev) pkg-config --exists libpng 2>/dev/null && continue ;; \
	    libjpeg-dev) pkg-config --exists libjpeg 2>/dev/null && continue ;; \
	  esac; \
	  missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	  echo "Plumb needs what Debian calls$$missing; install it with this system's package manager." >&2; \
	  exit 1; \
	fi; \
	if [ "$$(id -u)" != 0 ]; then \
	  printf 'Plumb needs these packages:%s\nInstall them, then run make again:\n\n' "$$missing" >&2; \
	  printf '  sudo apt-get install --yes --no-install-recommends%s\n\n' "$$missing" >&2; \
	  exit 1; \
	fi; \
	echo "Installing$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get install --yes --quiet=2 --no-install-recommends $$missing >/dev/null 2>&1 \
	  || { apt-get update --quiet=2; \
	       apt-get install --yes --quiet=2 --no-install-recommends $$missing >/dev/null; }

swift:
	@command -v swift >/dev/null || { \
	  printf 'Plumb is built with Swift 6.2 or later, and there is no `swift` on the PATH.\n' >&2; \
	  printf 'Install it from https://www.swift.org/install/linux/ and open a new shell,\n' >&2; \
	  printf 'or add its folder to the PATH:  export PATH=/path/to/swift/usr/bin:$$PATH\n' >&2; \
	  exit 1; }

build: setup swift ## build plumb (release)
	@swift build --configuration release --product plumb

test: setup swift ## build and run all tests; the last lines are the test runner's summary
	@swift build --build-tests
	@swift test --skip-build --disable-xctest

quickstart: build ## build, run pipelines/quickstart.yaml, show its results
	@$(PLUMB) run pipelines/quickstart.yaml
	@printf '\nShare of articles that the judge calls right, mean of the seeds:\n'
	@$(PLUMB) metrics pipelines/quickstart.yaml score --name share --where class=right \
	  --across generation --mean seed
	@$(PLUMB) status pipelines/quickstart.yaml --quiet

bench: setup swift ## time the operations, a training step and generation
	@swift build --configuration release --product plumb-bench
	@.build/release/plumb-bench

faults: setup swift ## kill and fail the engine at system calls (PLUMB_FAULT_POINTS=1000, needs strace)
	@swift build --build-tests
	@PLUMB_FAULT_POINTS=$${PLUMB_FAULT_POINTS:-1000} \
	  swift test --skip-build --disable-xctest --filter FaultInjectionTests

chaos: setup swift ## many runs at once with random kills (PLUMB_CHAOS_SECONDS=1800)
	@swift build --build-tests
	@PLUMB_CHAOS_SECONDS=$${PLUMB_CHAOS_SECONDS:-1800} \
	  swift test --skip-build --disable-xctest --filter ConcurrentRunsTests

decisions: setup swift ## what runs again, against make, dvc and snakemake (PLUMB_PEERS=python that has them)
	@swift build --build-tests
	@PLUMB_GRAPHS=200 swift test --skip-build --disable-xctest --filter RerunDecision

yaml-suite: setup swift ## hold the YAML reader against the YAML test suite (fetched from GitHub)
	@test -d .build/yaml-test-suite || git clone --quiet --depth 1 --branch data-2022-01-17 \
	  https://github.com/yaml/yaml-test-suite .build/yaml-test-suite
	@swift build --build-tests
	@PLUMB_YAML_SUITE=$(CURDIR)/.build/yaml-test-suite \
	  swift test --skip-build --disable-xctest --filter YAMLTestSuite

lint: swift ## check the format of all sources
	@swift format lint --strict --recursive Sources Tests Package.swift

format: swift ## put all sources into the format
	@swift format format --in-place --recursive Sources Tests Package.swift

clean: ## remove what was built (artifacts stay)
	@rm -rf .build
