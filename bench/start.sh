#!/usr/bin/env bash
# What `lupine run` of a cached bundle adds to the same QEMU command typed by hand: pairs in turn, medians in milliseconds.
# usage: bench/start.sh LUPINE [PAIRS]    needs busybox-static, jq and qemu-system-x86
set -euo pipefail
lupine=$(realpath "$1")
pairs=${2:-15}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/image/bin
cp "$(command -v busybox)" "$work/image/bin/busybox"
"$lupine" build --profile general -o "$work/bundle" "dir:$work/image" -- /bin/busybox true > /dev/null

# The program is started by the kernel in both, so that the guest does the same; its end resets the machine, which ends QEMU.
by_hand() {
    qemu-system-x86_64 -M microvm,x-option-roms=off,acpi=off -nodefaults -no-user-config -no-reboot -display none \
        -accel tcg -cpu max -m 128M -smp 1 -kernel "$work"/bundle/vmlinux \
        -append 'quiet earlyprintk=ttyS0,keep reboot=t panic=-1 no_timer_check nolapic_timer root=/dev/vda rootfstype=ext2 rw init=/bin/busybox console=hvc0 loglevel=0 true' \
        -chardev null,id=kernel -serial chardev:kernel -chardev null,id=marks -device isa-debugcon,iobase=0xe9,chardev=marks \
        -device virtio-serial-device,max_ports=2 -chardev null,id=terminal -device virtconsole,nr=0,chardev=terminal \
        -chardev null,id=control -device virtserialport,nr=1,chardev=control \
        -drive "id=root,if=none,format=raw,snapshot=on,file=$(echo "$work"/bundle/rootfs*)" -device virtio-blk-device,drive=root,werror=report
}
by_lupine() {
    "$lupine" run --rm --no-init --network none --accel tcg -m 128m --stats "$work/stats" "$work/bundle" > /dev/null 2>&1
}
timed() {
    local start end
    start=$(date +%s%N)
    "$1" || true
    end=$(date +%s%N)
    echo $(((end - start) / 1000)) >> "$work/$1"
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] / 1000 }'; }

by_hand; by_lupine
for _ in $(seq "$pairs"); do
    timed by_hand
    timed by_lupine
    echo $(($(tail -n 1 "$work/by_lupine") - $(jq .vmm_us "$work/stats"))) >> "$work/around"
done
hand=$(median "$work/by_hand") run=$(median "$work/by_lupine")
echo "pairs $pairs; medians: QEMU by hand $hand ms, lupine run $run ms, difference $(echo "$run - $hand" | bc) ms"
echo "lupine run's wall time minus its QEMU's lifetime: median $(median "$work/around") ms"
