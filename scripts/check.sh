#!/usr/bin/env bash
# Formatting, lints, licences and the architecture's invariants.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo fmt --manifest-path guest/init/Cargo.toml --check
cargo fmt --manifest-path guest/recorder/Cargo.toml --check
cargo fmt --manifest-path guest/bench/Cargo.toml --check
cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
cargo xtask tidy
if cargo deny --version > /dev/null 2>&1; then
    cargo deny --log-level error check bans licenses sources
else
    echo "check: cargo-deny is not installed: licences were not checked (cargo install --locked cargo-deny)" >&2
fi
