#!/bin/sh
# The server of Redis from Debian's source package as a kernel: DIR/redis.vmlinux; what stands behind DIR goes to
# lupine link (--gate, for one). Then:
#   lupine run --rm -m 256m -p 6379:6379 DIR/redis.vmlinux
#   redis-benchmark -c 4 -n 10000 -t set,get
set -eu
. "$(dirname "$0")/debian-source.sh"
lupine=${LUPINE:-lupine}
mkdir -p "$1"
cd "$1"
shift

debian_source redis
# Redis cancels threads where it has crashed; a call through the gate does not end for that.
sed -i "s/pthread_cancel([^)]*)/ENOSYS/" source/src/*.c
# Where only the server is made, all objects are the server's.
make -s -C source/src CC=musl-gcc LDFLAGS=-static MALLOC=libc BUILD_TLS=no USE_SYSTEMD=no redis-server >make.log 2>&1
exec "$lupine" link -o redis.vmlinux "$@" source/src/*.o source/deps/*/*.a source/deps/lua/src/*.a \
	-- --protected-mode no --save '' --dir /
