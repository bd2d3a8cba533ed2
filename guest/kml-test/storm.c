// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Only when asked for by name: what others come in between of, and what breaks the kernel. */
#include "test.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 20

static volatile char *volatile nowhere = (volatile char *)8;

static long seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static char *fresh_page(char *at)
{
	return mmap(at, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0), -1, 0);
}

/* Exceptions, page faults and calls by both entries, and nothing in between. */
static int one_round(char *page)
{
	int good = faults(asm volatile("int3")) == SIGTRAP;

	good &= faults(*nowhere = 1) == SIGSEGV && last.si_addr == nowhere;
	page[0] = 1;
	good &= fresh_page(page) == page && !page[0];
	good &= by_syscall(SYS_getppid, 0, 0, 0) == by_call(SYS_getppid, 0, 0, 0);
	return good;
}

static int rounds(void)
{
	char *page = fresh_page(NULL);
	long end = seconds() + SECONDS;
	int good = 1;

	while (good && seconds() < end)
		good = one_round(page);
	return good;
}

/* Two at once: for two processors. */
void test_storm(void)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(!rounds());
	check(rounds(), "rounds");
	waitpid(child, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the child's rounds");
}

/* Where the kernel has its list of executable formats. */
static unsigned long address_of_formats(void)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	unsigned long address;
	char name[512];

	while (symbols && fscanf(symbols, "%lx %*c %511s%*[^\n]", &address, name) == 2) {
		if (!strcmp(name, "formats"))
			return address;
	}
	return 0;
}

/* What a stray write does: at CPL 0 the next exec finds no list any more, at CPL 3 there is a signal. */
void test_stray(void)
{
	unsigned long formats = address_of_formats();

	check(formats > 0, "/proc/kallsyms has data");
	check(faults(*(volatile long *)formats = 0) == (cpl ? SIGSEGV : 0), "stray write");
	execl("/proc/self/exe", "kml-test", "pid", NULL);
}
