# Kaskad. `make` alone says what there is to do.
#
# Everything that is fetched comes through the ordinary clients: the embedded ClickHouse through npm, Apache Kafka for
# the delivery tests through Maven, what analysts read our files with through pip, Go modules and tools through go.
# Versions are pinned in engine/package.json, engine/kafkatest/pom.xml, query/testdata/requirements.txt, go.mod and below.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
WEB := dashboards/web
# renovate: github.com/golangci/golangci-lint/v2
GOLANGCI_VERSION := v2.15.0
# renovate: github.com/goreleaser/goreleaser/v2
GORELEASER_VERSION := v2.15.1
# renovate: github.com/oapi-codegen/oapi-codegen/v2
OAPI_CODEGEN_VERSION := v2.8.2
GOLANGCI := bin/tools/golangci-lint-$(GOLANGCI_VERSION)
GORELEASER := bin/tools/goreleaser-$(GORELEASER_VERSION)

# Two packages at a time, and six tests of each: many wait for ClickHouse or Kafka. Four packages of three tests keep as
# many ClickHouses of their own, and take an eighth more of the processors. Programs are linked as bin/kaskad is, which
# shares what was compiled for it, and without what a debugger reads: for a third of the processor's time. make lint vets
# the code.
TEST_FLAGS ?= -p 2 -parallel 6 -timeout 30m -vet=off -trimpath -ldflags=-w
# What tests store lies in memory where 4 GB are free for it, for the files of new tables are what costs ClickHouse most
# about a test; all tests together store 1 GB or so. A test that fails says what it leaves there. Some tests play a
# stranger, another user of the machine, whose program lies there too.
MEMORY := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 == "tmpfs" && $$4 > 4000000 {print $$NF}')
in_memory = $(if $(MEMORY),export GOTMPDIR="$${GOTMPDIR:-$${TMPDIR:-/tmp}}" TMPDIR="$$(mktemp -d \
	$(MEMORY)/kaskad-test.XXXXXX)"; chmod 711 "$$TMPDIR"; $(1); rm -rf "$$TMPDIR",$(1))
# COVERAGE=coverage.out writes which statements ran; go tool cover -html=coverage.out shows them.
COVERAGE ?=
# Those that take longest begin first, so that none of them is left alone in the end, and beside them those that wait most.
TEST_PACKAGES ?= ./query ./engine ./cmd/kaskad ./aggregate ./schema/erasure ./ingest ./query/savings ./...
# What has a larger world with TEST_LONG=1, and a tenth of it with TEST_LONG=10, see enginetest.World.
LONG_TESTS ?= TestNumbers_Model|TestAggregator_Editions_AddUp|TestAggregator_Audit_FindsAndMends|TestKeys_Time_AllZones|\
	TestServer_[A-Za-z]+_Naive|TestServer_Spend_Model|TestServer_Compare_[A-Z][a-z]+|TestSavings_Model|\
	TestForecasts_FromHistory_Model|TestServer_Reports_Changing|TestServer_Reports_Remembered|TestServer_Standing|TestDB_State_[FO][a-z]+|\
	TestServer_Drawn_Remembered|TestServer_Document_Examples|TestServer_Door_ForeignAccount|TestServer_Export_BrokenOff|\
	TestAggregator_Join_SplitMessage|TestServer_Document_Schemathesis|TestServer_Exports_Memory|\
	TestRun_NumbersRandomWorlds|TestRun_SavingsRandomWorlds|TestRun_DeliverySurvivesKills|TestRun_ReportsAtTheCommandLine|TestRun_FullDisk|\
	TestRun_Soak|TestIngester_Run_ApacheKafka|TestServer_Export_Resumes|TestAggregator_Days_Built|TestMessages_List_Rules|\
	TestNumbers_Dead_Workbook|TestTry_AsHourByHour|TestEraseNumber_UnderLoad
LONG_PACKAGES ?= ./aggregate/... ./ingest/ ./query/... ./cmd/kaskad/ ./schema/...
# The rows of docs/performance.md; BENCH=LateReceipts runs one of them, SCALE=full at the size of the goals.
BENCH ?= LateReceipts|LateSettled|HotHour|ManyAccounts|Backlog|Roles|TopicToFacts|Freshness|Reports|Mixed|Penetration|DeadNumbers|Exports|Idle|Growth
BENCH_PACKAGES ?= ./bench/ ./cmd/kaskad/
export SCALE

##@ Use it

.PHONY: demo
demo: build ## Build, start everything on this machine, play two simulated weeks and print where to look
	bin/kaskad demo

.PHONY: build
build: engine page ## Fetch the embedded ClickHouse (npm), build the page (npm) and bin/kaskad
	@$(MAKE) --no-print-directory binary    # once the page that it holds is there, however many jobs there are

.PHONY: binary
binary: ## Build bin/kaskad alone, for use with --clickhouse or with a clickhouse on PATH
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/kaskad ./cmd/kaskad

.PHONY: page
page: $(WEB)/embedded/dist/index.html ## Build the page that the program serves at / (npm)

# Without npm the program says in place of the page how to build it.
WEB_SOURCES := $(shell find $(WEB)/src -type f -not -name '*.test.ts') $(addprefix $(WEB)/,index.html vite.config.ts tsconfig.json)
$(WEB)/embedded/dist/index.html: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	cd $(WEB) && npm run --silent build

$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json $(WEB)/.npmrc
	@command -v npm >/dev/null 2>&1 || { echo "npm not found: install Node.js 20.19 or newer to build the page; make binary builds the program without it" >&2; exit 1; }
	cd $(WEB) && npm ci --ignore-scripts --loglevel=error
	touch $@

.PHONY: engine
engine: ## Fetch the embedded ClickHouse into bin/lib (180 MB to download, 570 MB on disk; once)
	engine/fetch.sh

##@ Work on it

.PHONY: test
test: page-test go-test ## Run all tests; with CI=true a missing service is a failure, elsewhere a skip that says so

.PHONY: go-test
go-test: engine kafka python clients schemathesis ## Run all tests but those of the page
	$(call in_memory,CGO_ENABLED=$(or $(CGO_ENABLED),0) $(GO) test $(TEST_FLAGS) $(COVERAGE:%=-coverprofile=%) $(TEST_PACKAGES))

.PHONY: page-test
page-test: build ## Test the page in Chromium, where there is one: every view in both languages, both themes, three widths; TEST_LONG=1 opens it in both
	@if [ -n "$${CHROMIUM:-}$$(command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome)" ] || [ -n "$${CI:-}" ]; \
	then cd $(WEB); npm run --silent check & check=$$!; $(call in_memory,npm test); wait $$check; \
	else echo "Chromium is missing: tests of the page fail with CI=true and are skipped elsewhere"; fi

.PHONY: page-test-long
page-test-long: export TEST_LONG := $(or $(TEST_LONG),1)
page-test-long: page-test

.PHONY: page-types
page-types: openapi $(WEB)/node_modules/.package-lock.json ## Write the page's types of the API anew from its OpenAPI document; a test fails while they are stale
	cd $(WEB) && node api.mjs ../../bin/openapi.json

.PHONY: pictures
pictures: build ## Draw the pictures of the page that the README shows, from the demo (Chromium)
	cd $(WEB) && npx vitest run --config vitest.pictures.config.ts

.PHONY: test-long
test-long: engine schemathesis $(if $(filter file,$(origin LONG_TESTS)),page-test-long) ## Run the tests that have larger worlds on these (CONTRIBUTING.md names them; LONG_TESTS='TestA|TestB' for some)
	TEST_LONG=$(or $(TEST_LONG),1) $(GO) test -p 2 -timeout 120m -run '^($(subst | ,|,$(LONG_TESTS)))$$' -v $(LONG_PACKAGES)

.PHONY: bench
bench: engine ## Measure what docs/performance.md says, and write it there (BENCH=LateReceipts SCALE=full BENCH_RATE=5000)
	BENCH_PAGE=$(CURDIR)/docs/performance.md $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 24h $(BENCH_PACKAGES)

.PHONY: soak
soak: engine ## Run SEEDS=200 schedules of faults under load (FROM=101, or one again: SEED=7); what passed is not run again
	TEST_SOAK_SEEDS=$(or $(SEEDS),20) TEST_SOAK_FROM=$(FROM) TEST_SOAK_SEED=$(SEED) $(GO) test -v -count 1 -timeout 0 -run '^TestRun_Soak$$' ./cmd/kaskad

.PHONY: lint
lint: $(GOLANGCI) ## Check formatting and everything of .golangci.yml (go vet is a part of it)
	$(GOLANGCI) run --allow-serial-runners ./...

.PHONY: lint-new
lint-new: $(GOLANGCI) ## Check what is not committed yet; .pre-commit-config.yaml runs it
	$(GOLANGCI) run --allow-serial-runners --new-from-rev=HEAD ./...

.PHONY: fmt
fmt: $(GOLANGCI) ## Format the Go files
	$(GOLANGCI) fmt ./...

.PHONY: release-check
release-check: $(GORELEASER) ## Prove that .goreleaser.yaml can be read
	IMAGE=kaskad GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url \
		GIT_CONFIG_VALUE_0=https://github.com/owner/kaskad $(GORELEASER) check    # it insists on a remote

.PHONY: tools
tools: $(GOLANGCI) ## Build golangci-lint at its pinned version into bin/tools (a minute or two; once)

# A tool is built from the module proxy, once for each version: bin/tools keeps the program and go's cache its parts.
$(GOLANGCI):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_VERSION))

$(GORELEASER):
	$(call install,github.com/goreleaser/goreleaser/v2,$(GORELEASER_VERSION))

# The program gets its final name when it is complete, and one without a version, for editors.
define install
mkdir -p $(dir $@)
GOBIN=$(abspath $(dir $@)) GOFLAGS= $(GO) install $(1)@$(2)
mv -f $(@:-$(2)=) $@
ln -sf $(notdir $@) $(@:-$(2)=)
endef

.PHONY: docs
docs: ## Write docs/metrics.md, the alerts and Grafana's boards anew, and number new decisions; tests fail while they are stale
	$(GO) generate ./cmd/kaskad/ ./docs/ ./dashboards/grafana/

.PHONY: openapi
openapi: ## Write the OpenAPI document to bin/openapi.json, for who generates a client; needs no service
	@mkdir -p bin
	$(GO) run ./cmd/openapi > bin/openapi.json.new
	@mv bin/openapi.json.new bin/openapi.json

.PHONY: kafka
kafka: ## Fetch Apache Kafka (Maven, 45 MB; once) for the delivery tests, where java and mvn are
	@if command -v java >/dev/null 2>&1 && command -v mvn >/dev/null 2>&1; then engine/kafkatest/fetch.sh; \
	else echo "java or mvn is missing: tests against Apache Kafka fail with CI=true and are skipped elsewhere"; fi

.PHONY: python
python: bin/python/.done ## Fetch polars and pandas (PyPI, 200 MB; once) for the tests that read our files with them
bin/python/.done: query/testdata/requirements.txt
	python3 -m venv bin/python
	bin/python/bin/pip install --quiet --retries 10 -r $<
	touch $@

.PHONY: clients
clients: bin/clients/.done ## Fetch what generates clients from the OpenAPI document (Go modules, npm; once) for their test
bin/clients/.done: $(wildcard query/testdata/clients/*/*) Makefile
	mkdir -p bin/clients
	GOBIN=$(abspath bin/clients) GOFLAGS= $(GO) install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@$(OAPI_CODEGEN_VERSION)
	cd query/testdata/clients/go && $(GO) mod download
	cp query/testdata/clients/typescript/package.json query/testdata/clients/typescript/package-lock.json \
		query/testdata/clients/typescript/.npmrc bin/clients/
	cd bin/clients && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

.PHONY: schemathesis
schemathesis: bin/schemathesis/.done ## Fetch schemathesis (PyPI; once), which tries the API by its document
bin/schemathesis/.done: query/testdata/schemathesis.txt
	python3 -m venv bin/schemathesis
	bin/schemathesis/bin/pip install --quiet --retries 10 -r $<
	touch $@

.PHONY: clean
clean: ## Remove what was built and fetched; the data of demo and run (data/) stay
	rm -rf bin

##@

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2} \
		END {print ""}' $(MAKEFILE_LIST)
