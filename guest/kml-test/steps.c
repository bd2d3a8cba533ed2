// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Steps and detours: a tracer's over both entries, and a program's own. */
#include "test.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int traps, in_kernel;

static void trapped(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	traps++;
	in_kernel += (long)info->si_addr < 0;
}

/* Sets TF, makes a system call, clears TF. */
static void step_self(int use_call)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };

	action.sa_sigaction = trapped;
	sigaction(SIGTRAP, &action, NULL);
	traps = in_kernel = 0;
	asm volatile("sub $128, %%rsp\n\t"
		     "mov $39, %%eax\n\t"
		     "pushf; orl $0x100, (%%rsp); popf\n\t"
		     "test %[call], %[call]\n\t"
		     "jz 1f\n\t"
		     "call *%[entry]\n\t"
		     "jmp 2f\n"
		     "1: syscall\n"
		     "2: nop\n\t"
		     "pushf; andl $~0x100, (%%rsp); popf\n\t"
		     "add $128, %%rsp"
		     : : [call] "S"((long)use_call), [entry] "D"(entry)
		     : "rax", "rcx", "r11", "memory", "cc");
	check(traps >= 6 && traps <= 9, use_call ? "steps over a call" : "steps over a syscall");
	check(!in_kernel, "no step inside of the kernel");
	catch_faults();
}

static int steps_of(pid_t child, int *seen_cs)
{
	struct user_regs_struct regs;
	int status, steps;

	for (steps = 0; steps < 100000; steps++) {
		if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? steps : -1;
		ptrace(PTRACE_GETREGS, child, NULL, &regs);
		*seen_cs = regs.cs;
		/* What a tracer writes is what it read: nothing must change. */
		ptrace(PTRACE_SETREGS, child, NULL, &regs);
		ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
	}
	return -1;
}

static void check_traced(void)
{
	int seen_cs = 0;
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		by_syscall(SYS_getpid, 0, 0, 0);
		by_call(SYS_getpid, 0, 0, 0);
		by_call(SYS_exit_group, 7, 0, 0);
	}
	check(steps_of(child, &seen_cs) > 20, "traced");
	check(seen_cs == 0x33, "CS that tracers see");
}

/* Where a tracer sends a program. */
static void detour(void)
{
	asm volatile("int3");
}

/* Does `child` stop by `signal`? */
static int stops(pid_t child, int signal)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == signal;
}

/* Has it run something else in the middle of its sleep, as a debugger does that calls a function. */
static int sent_elsewhere(pid_t child)
{
	struct user_regs_struct regs, other;

	kill(child, SIGSTOP);
	if (!stops(child, SIGSTOP))
		return 0;
	ptrace(PTRACE_GETREGS, child, NULL, &regs);
	other = regs;
	other.rip = (unsigned long)detour;
	other.rsp = (regs.rsp - 512) & ~15ul;
	other.orig_rax = -1;
	ptrace(PTRACE_SETREGS, child, NULL, &other);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	if (!stops(child, SIGTRAP))
		return 0;
	ptrace(PTRACE_SETREGS, child, NULL, &regs);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	return 1;
}

/* A system call that was interrupted is made again, though its registers come from a tracer. */
static void check_sent_elsewhere(long (*by)(long, long, long, long))
{
	const struct timespec nap = { .tv_nsec = 200 * 1000 * 1000 }, second = { .tv_sec = 1 };
	int status = 0;
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		by(SYS_exit_group, by(SYS_nanosleep, (long)&second, 0, 0) ? 8 : 7, 0, 0);
	}
	check(stops(child, SIGSTOP), "stops");
	ptrace(PTRACE_CONT, child, NULL, NULL);
	nanosleep(&nap, NULL);
	check(sent_elsewhere(child), "sent elsewhere");
	if (waitpid(child, &status, 0) == child && WIFSTOPPED(status))
		kill(child, SIGKILL);
	check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "sleeps on after it was sent elsewhere");
}

void test_steps(void)
{
	step_self(0);
	if (entry)
		step_self(1);
	check_traced();
	check_sent_elsewhere(by_syscall);
	check_sent_elsewhere(by_call);
}
