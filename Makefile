# Every command of the project. `make` alone lists them.
SHELL := /bin/sh
NODE := .tools/node/bin/node
VITEST := $(NODE) node_modules/vitest/vitest.mjs run
ARCHIVE := build/vxtap$(if $(filter-out all,$(ARCH)),-$(ARCH))
.DEFAULT_GOAL := help

.PHONY: help setup demo test lint build bench bench-injector bench-injector-api-server bench-scale clean unit netns docs test-suricata format fuzz e2e e2e-results cluster chart image

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-26s %s\n", $$1, $$2 }'

setup: ## bring Node 24, system packages and npm packages (quick the second time)
	@sh scripts/setup.sh

demo: setup ## run the whole product on this machine: real packets, no Kubernetes needed (PCAP=file replays your own)
	@sh scripts/sandbox.sh bin/vxtap demo $(if $(PCAP),--pcap "$(PCAP)")

test: setup lint unit netns ## lint, type check, unit, docs and integration tests

lint: setup ## biome and the type checker
	@$(NODE) node_modules/@biomejs/biome/bin/biome check --error-on-warnings .
	@$(NODE) node_modules/typescript/bin/tsc

format: setup ## put every file into the house style
	@$(NODE) node_modules/@biomejs/biome/bin/biome check --write .

unit: setup ## unit, property and docs tests (pure code, no privileges)
	@$(VITEST) --project unit

fuzz: setup ## 100,000 hostile reviews at the injector over TLS (make test sends 2,000)
	@FUZZ_REVIEWS=100000 $(VITEST) --project unit test/unit/injector/hostile-fuzz.test.ts

netns: setup ## integration tests on the real kernel, in network namespaces of their own
	@sh scripts/sandbox.sh $(VITEST) --project netns

test-suricata: setup ## Suricata 7 as the sensor (brings a Debian trixie root file system, kept outside the checkout)
	@sh scripts/suricata.sh

chart: setup ## lint and render the Helm chart over its values matrix (the first run builds helm)
	@$(VITEST) --project chart

e2e: setup ## end-to-end tests on a real Kubernetes cluster of two nodes, which it starts (as root; the first run builds it for 10 minutes), or on kubectl's (CLUSTER=current IMAGE=...)
	@K8S='$(K8S)' IP_FAMILIES='$(IP_FAMILIES)' CLUSTER='$(CLUSTER)' IMAGE='$(IMAGE)' $(if $(findstring command line,$(origin KUBECONFIG)),KUBECONFIG_ON_COMMAND_LINE=1) sh scripts/e2e.sh $(FILE)

e2e-results: setup ## take what the last whole runs of make e2e found into docs/install.md
	@$(NODE) scripts/e2e-results.ts
	@$(NODE) scripts/docs.ts --write

cluster: setup ## a shell beside such a cluster, with kubectl and helm (K8S=1.28 for another release, IP_FAMILIES=6 for one without IPv4)
	@K8S=$(K8S) IP_FAMILIES=$(IP_FAMILIES) sh scripts/cluster.sh $${SHELL:-sh}

docs: setup ## regenerate the parts of docs/ and README.md that come from tables and real output
	@$(NODE) scripts/docs.ts --write

build: setup ## bundle every program into dist/
	@$(NODE) scripts/bundle.ts

image: setup ## the container image as an OCI archive, and its inventory (SBOM), in build/ (ARCH=arm64, amd64 or all); fails when it is too large
	@$(NODE) image/main.ts --archive $(ARCHIVE).tar --sbom $(ARCHIVE).cdx.json $(if $(ARCH),--arch "$(ARCH)") $(if $(NAME),--name "$(NAME)")

bench: setup build ## measure what a tap costs and loses, beside others, in under 10 minutes (as root; QUICK=1 for a minute, ONLY=name,... for a part)
	@QUICK='$(QUICK)' ONLY='$(ONLY)' sh scripts/bench.sh

bench-injector: setup build ## measure the webhook: throughput, latency, memory, beside a bare fastify echo
	@$(NODE) bench/injector/main.ts

bench-injector-api-server: setup ## the same as a real API server sees it, on a cluster of its own (PODS=2000 RATE=100; a minute and the cluster's start)
	@sh scripts/cluster.sh $(NODE) bench/injector/api-server.ts

bench-scale: setup ## work out what 10,000 sidecars do to an API server and to sensors, with the sidecar's own code
	@$(NODE) bench/scale/main.ts

clean: ## remove what make made (node_modules, .tools, dist, build)
	rm -rf node_modules .tools dist build coverage
