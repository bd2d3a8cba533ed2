// SPDX-License-Identifier: Apache-2.0 OR MIT
/* System calls that signals interrupt are restarted, or say EINTR, by either entry. */
#include "test.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

typedef long call(long number, long a, long b, long c);

static volatile int seen;
static volatile unsigned short cs, ss;

static void count(int signal, siginfo_t *info, void *context)
{
	const greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	seen++;
	cs = gregs[REG_CSGSFS] & 0xffff;
	ss = (unsigned long)gregs[REG_CSGSFS] >> 48;
}

static void on_alarm(int flags)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | flags };

	action.sa_sigaction = count;
	sigaction(SIGALRM, &action, NULL);
	seen = 0;
}

static void alarm_in(long microseconds)
{
	const struct itimerval once = { { 0, 0 }, { 0, microseconds } };

	setitimer(ITIMER_REAL, &once, NULL);
}

/* A child writes a byte late; a signal comes before. */
static long read_over_signal(call *make, int flags)
{
	int ends[2];
	char byte = 0;
	long got;

	if (pipe(ends))
		return -1;
	if (!fork()) {
		usleep(300000);
		got = write(ends[1], "x", 1);
		_exit(got != 1);
	}
	on_alarm(flags);
	alarm_in(100000);
	got = make(SYS_read, ends[0], (long)&byte, 1);
	wait(NULL);
	close(ends[0]);
	close(ends[1]);
	return got;
}

static void check_entry(call *make)
{
	struct timespec left, moment = { 0, 300000000 };

	check(read_over_signal(make, SA_RESTART) == 1 && seen == 1, "restarted");
	check(read_over_signal(make, 0) == -EINTR && seen == 1, "interrupted");
	on_alarm(0);
	alarm_in(100000);
	check(make(SYS_nanosleep, (long)&moment, (long)&left, 0) == -EINTR, "sleep interrupted");
	check(left.tv_nsec > 0 && left.tv_nsec < 300000000, "what is left");
}

/* Stopping and going on restarts a sleep without any handler: restart_syscall. */
static void check_stopped(call *make)
{
	struct timespec moment = { 0, 300000000 };
	int status;
	pid_t child = fork();

	if (!child)
		_exit(make(SYS_nanosleep, (long)&moment, 0, 0) == 0 ? 5 : 6);
	usleep(100000);
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	kill(child, SIGCONT);
	waitpid(child, &status, 0);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 5, "sleep over a stop");
}

void test_signals(void)
{
	check_entry(by_syscall);
	check_entry(by_call);
	check_stopped(by_syscall);
	check_stopped(by_call);
	check(cs == 0x33, "CS that handlers see");
	check(ss == 0x2b, "SS that handlers see");
}
