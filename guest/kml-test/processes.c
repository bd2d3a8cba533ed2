// SPDX-License-Identifier: Apache-2.0 OR MIT
/* fork, vfork and exec, by either entry; memory after a fork is each one's own. */
#include "test.h"

#include <stddef.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef long call(long number, long a, long b, long c);

static int status_of(pid_t child)
{
	int status = -1;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_fork(call *make)
{
	static volatile int word;
	volatile int local = 1;
	long child;

	word = 1;
	child = make(SYS_fork, 0, 0, 0);
	if (!child) {
		word = local = 2;
		_exit(word + local);
	}
	check(status_of(child) == 4 && word == 1 && local == 1, "fork");
}

/* The child runs on our stack, and uses it, before we go on. */
static void check_vfork(call *make)
{
	volatile long child = make(SYS_vfork, 0, 0, 0);

	if (!child) {
		make(SYS_getpid, 0, 0, 0);
		make(SYS_exit, 3, 0, 0);
	}
	check(status_of(child) == 3, "vfork");
}

static void check_exec(call *make)
{
	const char *words[] = { "kml-test", "pid", NULL };
	const char *none[] = { NULL };
	long child = make(SYS_fork, 0, 0, 0);

	if (!child) {
		make(SYS_execve, getauxval(AT_EXECFN), (long)words, (long)none);
		_exit(9);
	}
	check(status_of(child) == 7, "exec");
}

static void check_both(call *make)
{
	check_fork(make);
	check_vfork(make);
	check_exec(make);
}

void test_processes(void)
{
	check_both(by_syscall);
	check_both(by_call);
}
