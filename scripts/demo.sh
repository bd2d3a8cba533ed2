#!/usr/bin/env bash
# make run: Redis from Debian's packages, on a kernel of its own, asked from the host.
set -euo pipefail
lupine=$1
name=lupine-demo-$$
image=deb:redis-server

cleanup() { "$lupine" rm -f "$name" > /dev/null 2>&1 || true; }
trap cleanup EXIT

"$lupine" run -d --name "$name" -p 0:6379 --wait-ready "$image" > /dev/null
record=$("$lupine" inspect --format json "$name")
port=$(jq -r '.ports[0].host_port' <<< "$record")
ask() { timeout 20 redis-cli -h 127.0.0.1 -p "$port" "$@"; }

echo "SET greeting 'hello from a specialised kernel' -> $(ask SET greeting 'hello from a specialised kernel')"
echo "GET greeting -> $(ask GET greeting)"
echo
jq -r '
  def kib: (. / 1024 | floor | tostring) + " KiB";
  def ms: if . == null then "not measured" else (. / 1000 | floor | tostring) + " ms" end;
  .stats as $s |
  "kernel        \($s.kernel.bytes | kib), \($s.kernel.options) options set, Linux \($s.kernel.version)",
  "boot          vmm-start to init-start \($s.boot_us["vmm-start..init-start"] | ms), to app-ready \($s.boot_us["vmm-start..app-ready"] | ms)",
  "memory        \($s.memory.mem_mib) MiB for the guest, the VMM has \($s.memory.vmm_rss_kib // 0 | . / 1024 | floor) MiB resident",
  "root fs       \($s.rootfs.format), \($s.rootfs.bytes | kib)",
  "accelerator   \($s.accelerator.kind) (\($s.accelerator.why))",
  "kernel is in  \($s.kernel.path)",
  "root fs is in \($s.rootfs.path)",
  "guest was in  \(.dir)"
' <<< "$record"
"$lupine" stop "$name" > /dev/null
