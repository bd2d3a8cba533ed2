#!/usr/bin/env bash
# Each patch of the series `kml` by itself: the objects of all files that it touches compile with CONFIG_KML and without it,
# and without it they are those of a kernel that has none of the series, bit for bit (but for names of local symbols, in
# which the kernel puts line numbers).
# usage: scripts/kml-series.sh [TARBALL]    compiles on one core for some minutes, in a directory of its own
set -euo pipefail
cd "$(dirname "$0")/.."
patches=$PWD/kernel/patches/6.12
tarball=$(realpath "${1:-/usr/src/linux-source-6.12.tar.xz}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/linux"
tar -xf "$tarball" -C "$work/linux" --strip-components 1
cd "$work/linux"

apply() { patch -p1 --fuzz=0 --forward --batch --no-backup-if-mismatch --silent --input "$1"; }
for patch in "$patches"/{why,boot,size}/*.patch; do apply "$patch"; done

# What reaches most of what the series changes. No line numbers in tables of bugs: patches move lines.
cat > "$work/fragment" << EOF
CONFIG_64BIT=y
CONFIG_EXPERT=y
CONFIG_SMP=y
CONFIG_PREEMPT=y
CONFIG_BUG=y
CONFIG_PRINTK=y
CONFIG_PROC_FS=y
CONFIG_BINFMT_ELF=y
CONFIG_VMAP_STACK=y
CONFIG_KALLSYMS=y
CONFIG_DEBUG_KERNEL=y
CONFIG_DEBUG_ENTRY=y
CONFIG_KPROBES=y
CONFIG_PERF_EVENTS=y
CONFIG_KEXEC=y
CONFIG_CRASH_DUMP=y
CONFIG_X86_MCE=y
CONFIG_X86_MCE_INTEL=y
CONFIG_UNWINDER_ORC=y
CONFIG_X86_VSYSCALL_EMULATION=y
CONFIG_MODIFY_LDT_SYSCALL=y
# CONFIG_CPU_MITIGATIONS is not set
# CONFIG_MITIGATION_PAGE_TABLE_ISOLATION is not set
EOF
make_in() {
    make --silent O="$work/$1" "${@:2}" > "$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }
}
configure() {
    cp "$work/fragment" "$work/fragment.$1"
    echo "$2" >> "$work/fragment.$1"
    make_in "$1" KCONFIG_ALLCONFIG="$work/fragment.$1" allnoconfig
}

# The sources that any patch of the series changes, and users of its headers.
sources=$(sed -nE 's,^\+\+\+ b/(.*\.[cS])$,\1,p' "$patches"/kml/*.patch | sort -u)
objects() {
    for source in $sources arch/x86/kernel/crash.c arch/x86/kernel/step.c fs/binfmt_elf.c kernel/fork.c; do
        [[ $source == */asm-offsets.c || ! -e $source ]] && continue
        # A file that CONFIG_KML adds is nothing without it.
        [[ $1 == off && $source == */kml.c ]] || echo "${source%.*}.o"
    done
}
compile() {
    make_in "$1" prepare
    make_in "$1" $(objects "$1")
}
# The objects that there are without KML, below a directory.
keep() {
    for object in $(objects off); do
        mkdir -p "$work/$1/${object%/*}"
        objcopy --strip-unneeded "$work/off/$object" "$work/$1/$object"
    done
}

configure off '# CONFIG_KML is not set'
compile off
keep before
echo "unpatched: $(objects off | wc -l) objects"
for patch in "$patches"/kml/*.patch; do
    apply "$patch"
    configure off '# CONFIG_KML is not set'
    compile off
    keep after
    diff -r "$work/before" "$work/after"
    said='CONFIG_KML off: the same bytes'
    if grep -q '^config KML$' arch/x86/Kconfig; then
        configure on 'CONFIG_KML=y'
        grep -qx 'CONFIG_KML=y' "$work/on/.config"
        compile on
        said+="; on: $(objects on | wc -l) objects compile"
    fi
    echo "$(basename "$patch"): $said"
done
