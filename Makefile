# Everything here also works by hand with the go command alone.

GO          ?= go
FUZZTIME    ?= 1m
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all build test test-long race fuzz mutate bench manypeers microbench lint interop ci clean

all: build

build: ## bin/starling
	$(GO) build -trimpath -o bin/ ./cmd/starling

test: ## what everybody runs before a commit
	$(GO) test ./...

test-long: ## also the tests that take many minutes
	STARLING_TEST_LONG=1 $(GO) test -timeout 3h ./...
	cd interop && STARLING_TEST_LONG=1 $(GO) test -timeout 3h ./...

race: ## the tests under the race detector; needs a C compiler
	$(GO) test -race -timeout 1h ./...

fuzz: ## every fuzz target, FUZZTIME each
	GO="$(GO)" FUZZTIME="$(FUZZTIME)" ./.ci/fuzz

mutate: ## what the tests of a package let pass; PKG=relay for one, hours for all
	GO="$(GO)" ./.ci/mutate $(PKG)

bench: ## Starling beside btcd in one table; some ten minutes, BENCH="-blocks 50" for less
	cd interop && $(GO) run ./cmd/bench $(BENCH)

manypeers: ## what 1,000 and 10,000 idle peers cost a node; MANYPEERS="-peers 1000" for less
	cd interop && $(GO) run ./cmd/manypeers $(MANYPEERS)

microbench: ## the benchmarks of single functions
	$(GO) test -run '^$$' -bench . -benchmem ./...
	cd interop && $(GO) test -run '^$$' -bench . -benchmem -timeout 3h ./...

lint: ## format, vet, staticcheck, the project's own rules, code that nothing reaches
	test -z "$$(gofmt -l $$(git ls-files '*.go'))"
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) test ./internal/lint
	GO="$(GO)" ./.ci/deadcode

interop: ## tests against programs that others wrote
	cd interop && $(GO) test ./...

ci: ## all that must pass before a change is taken
	./.ci/run

clean:
	rm -rf bin
