#!/usr/bin/env bash
# Installs what packages.txt lists for the scopes given (run, test) and is missing. Needs root only if something is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=$(for scope in "$@"; do awk -v s="$scope" '$1 == s { print $2 }' packages.txt; done)
missing=()
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "setup: these Debian packages are missing; install them as root:" >&2
    echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

echo "setup: installing ${missing[*]}" >&2
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
cleanup() {
    [ -z "$made_policy" ] || rm -f "$policy"
    rm -f "$log"
}
trap cleanup EXIT
# A package that brings a server must not start it here.
if [ ! -e "$policy" ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
fi
install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${missing[@]}" > "$log" 2>&1
}
refresh() { apt-get update -o DPkg::Lock::Timeout=300 > "$log" 2>&1; }
# Package lists that are there and fresh enough save the round trip.
install || { refresh && install; } || {
    tail -n 20 "$log" >&2
    echo "setup: apt-get failed (above); check the network and /etc/apt/sources.list, then run this again" >&2
    exit 1
}
