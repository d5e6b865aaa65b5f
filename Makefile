# tilt-session: build, try, test. "make help" lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help

GO       ?= go
BIN      := bin/tilt-session
VERSION  ?= $(shell git describe --tags --always --dirty --match 'v*' 2>/dev/null | sed 's/^[^v]/v0.1.0-&/')
LDFLAGS  := -s -w -X main.version=$(VERSION)
IMAGE    ?= tilt-session:$(VERSION)
DEMO     := hack/demo/Tiltfile
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/tilt-session.
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/tilt-session

.PHONY: run
run: build ## Run the demo project to its verdict with "tilt-session ci".
	$(BIN) ci -f $(DEMO)

.PHONY: run-up
run-up: build ## Keep the demo project running with "tilt-session up"; end it with Ctrl-C.
	$(BIN) up -f $(DEMO)

.PHONY: test
test: ## Run all tests once, concurrent packages under the race detector, and list the slowest.
	hack/test.sh

.PHONY: test-short
test-short: ## Run the quick half of the tests.
	hack/test.sh --short

.PHONY: test-race
test-race: ## Run all tests under the race detector.
	hack/test.sh --race

.PHONY: parity
parity: build ## Run the corpus of what Tilt does, and compare.
	hack/parity.sh

.PHONY: soak
soak: build ## Run random Tiltfiles with random signals, and look for what is left behind (RUNS=200, SEED to repeat).
	$(GO) run ./hack/soak -bin $(BIN) -runs $(or $(RUNS),200) $(if $(SEED),-seed $(SEED))

.PHONY: crash
crash: ## Kill a process that stores objects again and again, and check what is found (KILLS=200, SEED to repeat).
	$(GO) test -count=1 -timeout 60m -v -run '^TestCrash$$' ./pkg/storage -args -crash.kills=$(or $(KILLS),200) $(if $(SEED),-crash.seed=$(SEED))

.PHONY: interop
interop: ## Show that Sessions work with tilt-apiserver, Tilt's Go types and controller-runtime.
	hack/interop.sh

.PHONY: e2e
e2e: ## Run replicas over etcd behind an aggregator, and what users do with them.
	hack/e2e.sh

.PHONY: e2e-engine
e2e-engine: ## Run the tests that need a Docker engine, which comes up for them (root, Debian).
	hack/e2e-engine.sh

.PHONY: e2e-cluster
e2e-cluster: build ## Run the stories on a cluster, which comes up for them and is built at first (root, Debian).
	hack/e2e-cluster.sh

.PHONY: e2e-browser
e2e-browser: build ## Open pages of reports and the page in Chromium, which is installed for that (root, Debian; ARGS=run.story).
	hack/e2e-browser.sh $(ARGS)

.PHONY: web
web: ## Build the page into pkg/web/dist (node 20.19 or later).
	hack/web.sh

.PHONY: web-test
web-test: ## Check and test the sources of the page.
	cd hack/web && npm ci --ignore-scripts --no-audit --no-fund && npm run check && npm test

.PHONY: web-dev
web-dev: ## Serve the page from its sources for TILT_SESSION_API, an API without a login such as that of "kubectl proxy".
	cd hack/web && npm run dev

.PHONY: image
image: ## Build the container image IMAGE with docker or podman, and try it.
	hack/image.sh "$(IMAGE)" "$(VERSION)"

.PHONY: dist
dist: ## Build the archives of a release below bin/dist.
	hack/dist.sh "$(VERSION)" $(PLATFORMS)

.PHONY: e2e-kube
e2e-kube: ## Run the same behind a kube-apiserver, which is built for that at first.
	hack/e2e-kube.sh

.PHONY: generate
generate: ## Regenerate all generated code, the published API documents and the table of builtins.
	hack/update-codegen.sh
	hack/update-openapi.sh
	hack/update-tiltfile.sh
	hack/update-web.sh

.PHONY: verify
verify: ## Fail if generated code, the published API documents, the built page or go.mod is stale.
	hack/verify-codegen.sh
	hack/verify-openapi.sh
	hack/verify-tiltfile.sh
	hack/verify-modules.sh
	hack/verify-web.sh

.PHONY: lint
lint: ## Run gofmt, the linters of .golangci.yml, and govulncheck where its data is reachable.
	hack/lint.sh

.PHONY: cross
cross: ## Compile for every supported platform.
	@for p in $(PLATFORMS); do \
	  echo "$$p"; GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/tilt-session || exit 1; \
	done

.PHONY: bench
bench: build ## Run the benchmarks; the output suits benchstat (COUNT=6 by default).
	$(GO) test -run '^$$' -bench . -benchmem -count $(or $(COUNT),6) ./pkg/... ./cmd/...

.PHONY: bench-peers
bench-peers: build ## Compare the API server with other servers of Sessions; bin/bench-peers.txt suits benchstat (ARGS=-quick, ARGS=-h).
	cd hack/bench && $(GO) build -o ../../bin/bench-peers ./peers
	bin/bench-peers -bin $(BIN) $(ARGS)

.PHONY: bench-runner
bench-runner: build ## Compare "ci" with xargs and process-compose; bin/bench-runner.txt suits benchstat (ARGS=-quick, ARGS=-h).
	cd hack/bench && $(GO) build -o ../../bin/bench-runner ./runner
	cd hack/bench/processcompose && $(GO) build -o ../../../bin/process-compose github.com/f1bonacc1/process-compose/src
	bin/bench-runner -bin $(BIN) -process-compose bin/process-compose $(ARGS)

.PHONY: bench-web
bench-web: build ## Measure the embedded page in Chromium; each run adds to bin/bench-web.txt, which suits benchstat.
	cd hack/web && npm ci --ignore-scripts --no-audit --no-fund && npx vitest run --config e2e/bench.config.ts

.PHONY: bench-cluster
bench-cluster: build ## Measure "up" of the sample and live updates beside what they cost by hand; the output suits benchstat (COUNT=3).
	hack/e2e-cluster.sh -run '^$$' -bench . -benchtime 1x -count $(or $(COUNT),3)

.PHONY: bench-test
bench-test: ## Vet and test the programs of bench-peers and bench-runner.
	cd hack/bench && $(GO) vet ./... && $(GO) test -count=1 ./...

.PHONY: clean
clean: ## Remove what was built.
	rm -rf bin
