/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * musl's functions for the system calls that the gate has: `lupine link --gate` links these in place of
 * musl's own, for sources that know nothing of it. Time is not among them: the vDSO tells it without
 * the kernel. Nor can they be cancelled, so programs that call pthread_cancel() are refused.
 */
#include <errno.h>
#include <ukl.h>
#include <unistd.h>

static long result(long value)
{
	if (value >= 0)
		return value;
	errno = -value;
	return -1;
}

ssize_t read(int fd, void *to, size_t count)
{
	return result(ukl_read(fd, to, count));
}

ssize_t write(int fd, const void *from, size_t count)
{
	return result(ukl_write(fd, from, count));
}

ssize_t pread(int fd, void *to, size_t count, off_t offset)
{
	return result(ukl_pread64(fd, to, count, offset));
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t offset)
{
	return result(ukl_pwrite64(fd, from, count, offset));
}

/* Other names of these, for code that was compiled with them */
__typeof__(pread) pread64 __attribute__((alias("pread")));
__typeof__(pwrite) pwrite64 __attribute__((alias("pwrite")));

ssize_t readv(int fd, const struct iovec *to, int count)
{
	return result(ukl_readv(fd, to, count));
}

ssize_t writev(int fd, const struct iovec *from, int count)
{
	return result(ukl_writev(fd, from, count));
}

ssize_t sendto(int fd, const void *from, size_t count, int flags, const struct sockaddr *address, socklen_t length)
{
	return result(ukl_sendto(fd, from, count, flags, address, length));
}

ssize_t recvfrom(int fd, void *to, size_t count, int flags, struct sockaddr *address, socklen_t *length)
{
	return result(ukl_recvfrom(fd, to, count, flags, address, length));
}

int epoll_wait(int epoll, struct epoll_event *events, int room, int milliseconds)
{
	return result(ukl_epoll_wait(epoll, events, room, milliseconds));
}

pid_t getppid(void)
{
	return ukl_getppid();
}
