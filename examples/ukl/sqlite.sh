#!/bin/sh
# SQLite from Debian's source package, with its own speed test, as a kernel: DIR/sqlite.vmlinux. Then:
#   lupine run --rm -m 256m DIR/sqlite.vmlinux --size 10 --memdb
# Needs tclsh (package tcl).
set -eu
. "$(dirname "$0")/debian-source.sh"
lupine=${LUPINE:-lupine}
mkdir -p "$1"
cd "$1"

debian_source sqlite3
if [ ! -f source/sqlite3.c ]; then
	(cd source && ./configure --disable-tcl >/dev/null && make -s sqlite3.c >/dev/null)
fi
exec "$lupine" link -o sqlite.vmlinux -I source -D SQLITE_OMIT_LOAD_EXTENSION \
	source/test/speedtest1.c source/sqlite3.c -- --size 5 --memdb
