#!/usr/bin/env bash
# All tests. cargo-nextest where it is present, plain cargo test otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
# The map of features is what the kernel's source says today.
cargo xtask generate features --check
if cargo nextest --version > /dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast "$@"
    cargo test --workspace --locked --doc --quiet
else
    cargo test --workspace --locked --no-fail-fast "$@"
fi
