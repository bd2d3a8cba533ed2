// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// What `lupine bench ukl` measures, whatever starts it: a process, or what is linked into a kernel.
//
//     ukl                              serves: port 5555 sends back what it gets, port 8080 answers requests of HTTP
//     ukl MILLISECONDS OPERATION...    repeats each operation, and writes what guest/bench does (docs/bench.md)
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

/* An instruction that does nothing, and that bench/plugin/count.c looks for. */
#define MARK(letter) __asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.ascii \"LUP" letter "\"" : : : "memory")

enum { ECHO_PORT = 5555, HTTP_PORT = 8080, DESCRIPTORS = 256, BUFFER = 4096 };

static const char MESSAGE[64] = "what is said and sent back";
static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 6\r\n\r\nhello\n";

static void must(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(1);
}

/* The server. */

static struct {
	char listens, echoes;
} sockets[DESCRIPTORS];

static void watch(int epoll, int fd, int listens, int echoes)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= DESCRIPTORS || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
		close(fd);
		return;
	}
	sockets[fd].listens = listens;
	sockets[fd].echoes = echoes;
}

static struct sockaddr_in address(int port, in_addr_t host)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host) };
}

static int listening(int port)
{
	struct sockaddr_in any = address(port, INADDR_ANY);
	int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(!bind(listener, (struct sockaddr *)&any, sizeof(any)) && !listen(listener, DESCRIPTORS), "listen");
	return listener;
}

static int is_whole(const char *bytes, ssize_t count)
{
	return count >= 4 && !memcmp(bytes + count - 4, "\r\n\r\n", 4);
}

/* What fits into a socket's buffer is sent at once. */
static void answer(int peer)
{
	static char bytes[BUFFER];
	ssize_t count = recv(peer, bytes, sizeof(bytes), 0);

	if (count <= 0)
		close(peer);
	else if (sockets[peer].echoes)
		send(peer, bytes, count, MSG_NOSIGNAL);
	else if (is_whole(bytes, count))
		send(peer, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL);
}

/* A server that can be asked from now on; serve() answers. */
static int server(void)
{
	int epoll = epoll_create1(0);

	watch(epoll, listening(ECHO_PORT), 1, 1);
	watch(epoll, listening(HTTP_PORT), 1, 0);
	return epoll;
}

static void serve(int epoll)
{
	struct epoll_event event;

	while (epoll_wait(epoll, &event, 1, -1) >= 0) {
		int fd = event.data.fd;

		if (sockets[fd].listens)
			watch(epoll, accept(fd, NULL, NULL), 0, sockets[fd].echoes);
		else
			answer(fd);
	}
	must(0, "epoll_wait");
}

/* The operations. Those with a server leave the way into the kernel to it: their client makes system calls always. */

static int null_fd, zero_fd, epoll_fd, pair[2], echoing, answering;
static char byte;
static struct epoll_event none;

static void null(void) { getppid(); }
static void read_byte(void) { must(read(zero_fd, &byte, 1) == 1, "read"); }
static void write_byte(void) { must(write(null_fd, &byte, 1) == 1, "write"); }
static void wait_for_none(void) { must(!epoll_wait(epoll_fd, &none, 1, 0), "epoll_wait"); }

static void over_a_pair(void)
{
	must(send(pair[0], &byte, 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1, "send and receive");
}

static void ask(int peer, const char *text, size_t size, ssize_t expected)
{
	char bytes[BUFFER];

	must(syscall(SYS_write, peer, text, size) == (long)size, "ask");
	while (expected > 0) {
		ssize_t got = syscall(SYS_read, peer, bytes, sizeof(bytes));

		must(got > 0, "be answered");
		expected -= got;
	}
}

static void echo(void) { ask(echoing, MESSAGE, sizeof(MESSAGE), sizeof(MESSAGE)); }
static void request(void) { ask(answering, REQUEST, sizeof(REQUEST) - 1, sizeof(ANSWER) - 1); }

static const struct operation {
	const char *name;
	void (*once)(void);
} OPERATIONS[] = {
	{ "getppid", null },
	{ "read", read_byte },
	{ "write", write_byte },
	{ "epoll-wait", wait_for_none },
	{ "send-receive", over_a_pair },
	{ "echo", echo },
	{ "request", request },
};

/* Nobody else need have made devices, or have switched loopback on. */
static void make_descriptors(void)
{
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	mknod("/ukl-null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/ukl-zero", S_IFCHR | 0666, makedev(1, 5));
	null_fd = open("/ukl-null", O_WRONLY);
	zero_fd = open("/ukl-zero", O_RDONLY);
	epoll_fd = epoll_create1(0);
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "make sockets");
	must(!ioctl(pair[0], SIOCSIFFLAGS, &up), "switch loopback on");
}

static int connected(int port)
{
	struct sockaddr_in own = address(port, INADDR_LOOPBACK);
	int peer = socket(AF_INET, SOCK_STREAM, 0);

	must(!connect(peer, (struct sockaddr *)&own, sizeof(own)), "connect");
	return peer;
}

/* The child serves. */
static pid_t start_server(void)
{
	int epoll = server();
	pid_t child = fork();

	must(child >= 0, "fork");
	if (!child)
		serve(epoll);
	echoing = connected(ECHO_PORT);
	answering = connected(HTTP_PORT);
	return child;
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static long long repeat(const struct operation *operation, long long count)
{
	long long start = now();

	while (count-- > 0)
		operation->once();
	return now() - start;
}

/* As many as take so long, by those that take a quarter of it; caches are warm then. */
static long long enough(const struct operation *operation, long long nanoseconds)
{
	long long count = 1, time;

	while ((time = repeat(operation, count)) < nanoseconds / 4)
		count *= 2;
	return count * (double)nanoseconds / time + 1;
}

static void measure(const char *name, long long nanoseconds)
{
	for (size_t i = 0; i < sizeof(OPERATIONS) / sizeof(*OPERATIONS); i++) {
		const struct operation *operation = OPERATIONS + i;
		long long count, time;

		if (strcmp(operation->name, name))
			continue;
		operation->once();
		count = enough(operation, nanoseconds);
		MARK("B");
		time = repeat(operation, count);
		MARK("E");
		printf("%s %lld %lld\n", name, count, time);
		return;
	}
	fprintf(stderr, "ukl: there is no operation %s\n", name);
	exit(2);
}

int main(int count, char **words)
{
	pid_t child;

	MARK("M");
	if (count < 2) {
		int epoll = server();

		puts("ukl: serves");
		fflush(stdout);
		serve(epoll);
	}
	make_descriptors();
	child = start_server();
	for (int i = 2; i < count; i++)
		measure(words[i], atoll(words[1]) * 1000000);
	kill(child, SIGKILL);
	return 0;
}
