// SPDX-License-Identifier: Apache-2.0 OR MIT
/*
 * Does a program at CPL 0 behave as one at CPL 3 does?
 *
 * kml-test CPL [GROUP...] prints a line for each group and for each failure; the status is 0 if
 * there was none. CPL is the level that it must find itself at. Some groups run only if named.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_SYSINFO
#define AT_SYSINFO 32
#endif

unsigned long entry;
int cpl;
siginfo_t last;
sigjmp_buf escape;

static int failures;
static const char *lacking;
static char stack[64 * 1024];

static const struct {
	const char *name;
	void (*run)(void);
	int only_named;
} groups[] = {
	{ "calls", test_calls },	 { "faults", test_faults },
	{ "stacks", test_stacks },	 { "signals", test_signals },
	{ "processes", test_processes }, { "threads", test_threads },
	{ "steps", test_steps },	 { "samples", test_samples },
	{ "storm", test_storm, 1 },	 { "stray", test_stray, 1 },
};

void check(int good, const char *what)
{
	if (good)
		return;
	failures++;
	printf("  failed: %s (signal %d, code %d, address %p)\n", what,
	       last.si_signo, last.si_code, last.si_addr);
	fflush(stdout);
}

void skip(const char *lacks)
{
	lacking = lacks;
}

static void caught(int signal, siginfo_t *info, void *context)
{
	(void)context;
	last = *info;
	siglongjmp(escape, signal);
}

void catch_faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	size_t i;

	action.sa_sigaction = caught;
	sigaltstack(&alternate, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* Reading CR3 is what only CPL 0 may do. */
static void check_level(void)
{
	volatile unsigned long cr3 = 0;
	int got = faults(asm volatile("mov %%cr3, %0" : "=r"(cr3)));

	check(got == (cpl ? SIGSEGV : 0), "privileged instruction");
	check(cpl || cr3, "page tables");
	check(!entry == !!cpl, "an entry for CALL at CPL 0 only");
}

static int is_wanted(size_t group, char **wanted)
{
	if (!*wanted)
		return !groups[group].only_named;
	for (; *wanted; wanted++) {
		if (!strcmp(*wanted, groups[group].name))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	size_t i;
	int before;

	if (argc > 1 && !strcmp(argv[1], "pid"))
		return by_syscall(SYS_getpid, 0, 0, 0) == getpid() ? 7 : 8;
	if (argc < 2) {
		fprintf(stderr, "usage: kml-test 0|3 [GROUP...]\n");
		return 2;
	}
	cpl = atoi(argv[1]);
	entry = getauxval(AT_SYSINFO);
	catch_faults();
	check_level();
	for (i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		if (!is_wanted(i, argv + 2))
			continue;
		before = failures;
		lacking = NULL;
		groups[i].run();
		if (lacking)
			printf("skipped %s: the kernel has no %s\n", groups[i].name, lacking);
		else
			printf("%s %s\n", failures == before ? "ok" : "FAILED",
			       groups[i].name);
		fflush(stdout);
	}
	printf("%d failures at CPL %d\n", failures, cpl);
	return failures != 0;
}
