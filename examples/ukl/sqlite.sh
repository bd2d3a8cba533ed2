#!/bin/sh
# SQLite from Debian's source package, with its own speed test, as a kernel: DIR/sqlite.vmlinux. Then:
#   lupine run --rm -m 256m DIR/sqlite.vmlinux --size 10 --memdb
# Needs tclsh (package tcl) and apt's access to the archive; changes nothing of apt's own.
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
lupine=${LUPINE:-lupine}
cd "$dir"

if [ ! -f source/sqlite3.c ]; then
	mkdir -p apt/lists/partial apt/cache/archives/partial
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb-src [signed-by=$key] http://deb.debian.org/debian bookworm main" >apt/sources.list
	cat >apt/conf <<-EOF
		Dir::Etc::sourcelist "$dir/apt/sources.list";
		Dir::Etc::sourceparts "-";
		Dir::State::lists "$dir/apt/lists";
		Dir::Cache "$dir/apt/cache";
	EOF
	APT_CONFIG=$dir/apt/conf
	export APT_CONFIG
	apt-get -qq update
	apt-get -qq --download-only source sqlite3
	rm -rf source && mkdir source
	tar -C source --strip-components 1 -xf sqlite3_*.orig.tar.xz
	tar -C source -xf sqlite3_*.debian.tar.xz
	cd source
	grep -v '^#' debian/patches/series | while read -r patch; do
		patch -s -p1 <"debian/patches/$patch"
	done
	./configure --disable-tcl >/dev/null
	make -s sqlite3.c >/dev/null
	cd ..
fi
exec "$lupine" link -o sqlite.vmlinux -I source -D SQLITE_OMIT_LOAD_EXTENSION \
	source/test/speedtest1.c source/sqlite3.c -- --size 5 --memdb
