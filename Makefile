# One-line forwards, for hands that are used to make. The work is in
# crates/xtask: `cargo xtask help` shows all of it.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules
.PHONY: build cluster demo fmt generate help install lint manifests run setup test bench uninstall

demo: ## Watch a real load test on this machine, without a cluster
	@cargo run --quiet --package locust-operator -- demo

test: ## Run every check and test, on a real one-node Kubernetes too
	@cargo xtask test

cluster: ## Start a one-node Kubernetes with the operator in it, and a shell
	@cargo xtask cluster

build: ## Build the operator's container image into dist/
	@cargo xtask image

manifests: ## Write the CRD from the types
	@cargo xtask codegen crd

generate: ## Refresh every generated file
	@cargo xtask codegen

install: ## Install the CRD into the cluster that kubectl points at
	@cargo xtask install

uninstall: ## Remove the CRD, and with it every LocustTest, from that cluster
	@cargo xtask uninstall

run: ## Run the operator here, against the cluster that kubectl points at
	@cargo run --package locust-operator -- run

lint: ## Check formatting, lints and dependencies
	@cargo xtask lint

fmt: ## Format the code
	@cargo xtask fmt

setup: ## Install what tests and cluster need on this machine
	@cargo xtask setup

bench: ## Measure size and speed, and write docs/figures.md
	@cargo xtask bench

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
