/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What a program that is linked into the kernel may call in it: docs/ukl.md. `lupine link` knows this
 * header, and gives the kernel the options for what the program calls.
 *
 * Not for programs at CPL 3: a call is all that it is.
 */
#ifndef UKL_H
#define UKL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

/*
 * Through the gate: what the system calls of these names do. All return their result, or a negative
 * error number such as -EAGAIN; errno stays as it is. They can sleep, and come back with -EINTR or go on after a
 * signal as SA_RESTART says. None is a point where a thread is cancelled.
 */
ssize_t ukl_read(int fd, void *to, size_t count);
ssize_t ukl_write(int fd, const void *from, size_t count);
ssize_t ukl_pread64(int fd, void *to, size_t count, off_t offset);
ssize_t ukl_pwrite64(int fd, const void *from, size_t count, off_t offset);
ssize_t ukl_readv(int fd, const struct iovec *to, size_t count);
ssize_t ukl_writev(int fd, const struct iovec *from, size_t count);
ssize_t ukl_sendto(int fd, const void *from, size_t count, int flags, const struct sockaddr *address, socklen_t length);
ssize_t ukl_recvfrom(int fd, void *to, size_t count, int flags, struct sockaddr *address, socklen_t *length);
long ukl_epoll_wait(int epoll, struct epoll_event *events, int room, int milliseconds);
long ukl_clock_gettime(clockid_t clock, struct timespec *now);
long ukl_getppid(void);

static inline ssize_t ukl_send(int fd, const void *from, size_t count, int flags)
{
	return ukl_sendto(fd, from, count, flags, NULL, 0);
}

static inline ssize_t ukl_recv(int fd, void *to, size_t count, int flags)
{
	return ukl_recvfrom(fd, to, count, flags, NULL, NULL);
}

/*
 * Plain: without any change of state, for functions that need none. CRC-32 of Ethernet and zlib, without
 * the inversions before and after.
 */
uint32_t crc32_le(uint32_t crc, const unsigned char *bytes, size_t count);

#endif
