# Kaskad. `make` alone says what there is to do.
#
# Everything that is fetched comes through the ordinary clients: the embedded ClickHouse through npm, Apache Kafka for
# the delivery tests through Maven, Go modules and tools through go. Versions are pinned in engine/package.json,
# engine/kafkatest/pom.xml, go.mod and below.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
GOLANGCI_VERSION := v2.15.0

# Two packages at a time, because each may run a ClickHouse of its own: two cores and 8 GB are enough then.
TEST_FLAGS ?= -p 2 -timeout 30m
TEST_PACKAGES ?= ./...
# What has a larger world with TEST_LONG=1, see enginetest.Long.
LONG_TESTS ?= TestNumbers_Model|TestKeys_Time_AllZones|TestRun_NumbersRandomWorlds|TestRun_SavingsRandomWorlds|TestRun_DeliverySurvivesKills|TestRun_FullDisk
LONG_PACKAGES ?= ./aggregate/... ./query/... ./cmd/kaskad/
BENCH ?= TopicToFacts
BENCH_PACKAGES ?= ./cmd/kaskad/

##@ Use it

.PHONY: demo
demo: build ## Build, start everything on this machine, play a simulated day and print where to look
	bin/kaskad demo

.PHONY: build
build: engine binary ## Fetch the embedded ClickHouse (npm) and build bin/kaskad

.PHONY: binary
binary: ## Build bin/kaskad alone, for use with --clickhouse or with a clickhouse on PATH
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/kaskad ./cmd/kaskad

.PHONY: engine
engine: ## Fetch the embedded ClickHouse into bin/lib (180 MB to download, 570 MB on disk; once)
	engine/fetch.sh

##@ Work on it

.PHONY: test
test: engine kafka ## Run all tests; with CI=true a missing service is a failure, elsewhere a skip that says so
	$(GO) test $(TEST_FLAGS) $(TEST_PACKAGES)

.PHONY: test-long
test-long: engine ## Run the tests that have larger worlds on these (CONTRIBUTING.md names them; LONG_TESTS='TestA|TestB' for some)
	TEST_LONG=1 $(GO) test -p 2 -timeout 120m -run '^($(LONG_TESTS))$$' -v $(LONG_PACKAGES)

.PHONY: bench
bench: engine ## Measure events/s from the topic to facts beside ClickHouse's ceiling and its Kafka engine (BENCH_EVENTS=5000000)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 60m $(BENCH_PACKAGES)

.PHONY: soak
soak: engine ## Run SEEDS=200 schedules of faults under load (FROM=101, or one again: SEED=7); what passed is not run again
	TEST_SOAK_SEEDS=$(or $(SEEDS),20) TEST_SOAK_FROM=$(FROM) TEST_SOAK_SEED=$(SEED) $(GO) test -v -count 1 -timeout 0 -run '^TestRun_Soak$$' ./cmd/kaskad

.PHONY: lint
lint: ## Check formatting, go vet, and golangci-lint (taken from PATH, else built by go: minutes the first time)
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './.git/*' -not -path '*/node_modules/*')); \
	if [ -n "$$unformatted" ]; then printf 'gofmt -w is needed for:\n%s\n' "$$unformatted" >&2; exit 1; fi
	$(GO) vet ./...
	@if command -v golangci-lint >/dev/null 2>&1; then golangci-lint run ./...; \
	else $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) run ./...; fi

.PHONY: kafka
kafka: ## Fetch Apache Kafka (Maven, 45 MB; once) for the delivery tests, where java and mvn are
	@if command -v java >/dev/null 2>&1 && command -v mvn >/dev/null 2>&1; then engine/kafkatest/fetch.sh; \
	else echo "java or mvn is missing: tests against Apache Kafka fail with CI=true and are skipped elsewhere"; fi

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
