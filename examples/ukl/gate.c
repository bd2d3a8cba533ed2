// Calls of kernel functions through the gate: what they give, and what signals, tracers and other threads do
// to them.
//
//   gate check [CALLS]    prints what is wrong, and exits with how much that is
//   gate filtered         the same for seccomp, which the kernel must have
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ukl.h>
#include <unistd.h>

#include "check.h"

static volatile sig_atomic_t signals;
static int wake[2];

static void count(int signal)
{
	(void)signal;
	signals++;
}

/* The third signal ends the wait. */
static void wake_at_third(int signal)
{
	(void)signal;
	if (++signals == 3)
		(void)!write(wake[1], "w", 1);
}

static void every(long microseconds)
{
	struct itimerval interval = {
		.it_interval.tv_usec = microseconds,
		.it_value.tv_usec = microseconds,
	};

	setitimer(ITIMER_REAL, &interval, NULL);
}

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(signal, &action, NULL);
	signals = 0;
}

static void in_a_file(void)
{
	char ab[2] = "ab", cd[2] = "cd", back[4] = "", both[2];
	struct iovec from[2] = { { ab, 2 }, { cd, 2 } }, to[2] = { { back, 1 }, { back + 1, 3 } };
	int file = open("/gate", O_CREAT | O_TRUNC | O_RDWR, 0600);

	CHECK(ukl_writev(file, from, 2) == 4);
	CHECK(ukl_pread64(file, both, 2, 1) == 2 && !memcmp(both, "bc", 2));
	CHECK(ukl_pwrite64(file, "xy", 2, 2) == 2);
	CHECK(ukl_readv(file, to, 2) == 0);
	CHECK(lseek(file, 0, SEEK_SET) == 0 && ukl_readv(file, to, 2) == 4);
	CHECK(!memcmp(back, "abxy", 4));
	close(file);
}

static void results(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = 7 };
	struct timespec before, now, after;
	int pipes[2], pair[2], epoll = epoll_create1(0);
	char byte = 0, word[8];

	CHECK(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	CHECK(ukl_getppid() == getppid());
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event) == 0);
	CHECK(ukl_epoll_wait(epoll, &event, 1, 0) == 0);
	CHECK(ukl_write(pipes[1], "x", 1) == 1);
	event.data.u32 = 0;
	CHECK(ukl_epoll_wait(epoll, &event, 1, -1) == 1 && event.data.u32 == 7);
	CHECK(ukl_read(pipes[0], &byte, 1) == 1 && byte == 'x');
	/* Six arguments */
	CHECK(ukl_sendto(pair[0], "seven..", 8, MSG_DONTWAIT, NULL, 0) == 8);
	CHECK(ukl_recv(pair[1], word, 8, MSG_PEEK) == 8 && !strcmp(word, "seven.."));
	CHECK(ukl_recv(pair[1], word, 8, MSG_DONTWAIT) == 8);
	CHECK(ukl_recv(pair[1], word, 8, MSG_DONTWAIT) == -EAGAIN);
	in_a_file();
	CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &before) == 0);
	CHECK(ukl_clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &after) == 0);
	CHECK(before.tv_sec <= now.tv_sec && now.tv_sec <= after.tv_sec);
}

static void errors(void)
{
	char byte;
	int pipes[2];

	CHECK(pipe(pipes) == 0 && ukl_write(pipes[1], "x", 1) == 1);
	errno = 0;
	CHECK(ukl_read(-1, &byte, 1) == -EBADF);
	CHECK(ukl_read(pipes[0], (void *)8, 1) == -EFAULT);
	CHECK(ukl_write(pipes[1], (void *)8, 1) == -EFAULT);
	CHECK(ukl_clock_gettime(CLOCK_MONOTONIC, (void *)(1UL << 63)) == -EFAULT);
	CHECK(ukl_clock_gettime(1000, NULL) == -EINVAL);
	CHECK(errno == 0);
}

static void under_a_timer(long calls)
{
	int pipes[2];
	long wrong = 0;

	CHECK(pipe(pipes) == 0);
	handle(SIGALRM, count, SA_RESTART);
	every(300);
	for (long i = 0; i < calls; i += 3) {
		unsigned char byte = i, back = ~byte;

		wrong += ukl_getppid() != 0;
		wrong += ukl_write(pipes[1], &byte, 1) != 1;
		wrong += ukl_read(pipes[0], &back, 1) != 1 || back != byte;
	}
	every(0);
	printf("%ld calls, %d signals\n", calls, (int)signals);
	CHECK(wrong == 0);
	CHECK(signals > 0);
}

static void interrupted(void)
{
	char byte = 0;

	CHECK(pipe(wake) == 0);
	handle(SIGALRM, count, 0);
	every(5000);
	CHECK(ukl_read(wake[0], &byte, 1) == -EINTR);
	every(0);
	CHECK(signals > 0);

	handle(SIGALRM, wake_at_third, SA_RESTART);
	every(5000);
	CHECK(ukl_read(wake[0], &byte, 1) == 1 && byte == 'w');
	every(0);
	CHECK(signals >= 3);
}

/* Calls with all vector registers and the control words set, and tells whether they came back. */
__attribute__((noinline)) static int keeps_vectors(int fd, char *to, unsigned char seed)
{
	unsigned char before[16][16], after[16][16];
	unsigned mxcsr = 0x1f80 | (seed & 3) << 13, mxcsr_after = 0;
	long result;

	memset(before, seed, sizeof(before));
	for (int i = 0; i < 16; i++)
		before[i][0] = i;
#define LOAD(n) "movdqu " #n "*16(%[before]), %%xmm" #n "\n\t"
#define SAVE(n) "movdqu %%xmm" #n ", " #n "*16(%[after])\n\t"
#define ALL(what) what(0) what(1) what(2) what(3) what(4) what(5) what(6) what(7) \
		  what(8) what(9) what(10) what(11) what(12) what(13) what(14) what(15)
	__asm__ volatile("ldmxcsr %[in]\n\t" ALL(LOAD)
			 "sub $128, %%rsp\n\tcall ukl_read\n\tadd $128, %%rsp\n\t"
			 ALL(SAVE) "stmxcsr %[out]\n\tldmxcsr %[usual]"
			 : "=a"(result), "+D"(fd), "+S"(to), [out] "=m"(mxcsr_after)
			 : "d"(1), [before] "r"(before), [after] "r"(after), [in] "m"(mxcsr),
			   [usual] "m"((unsigned){ 0x1f80 })
			 : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
	return result == 1 && mxcsr == mxcsr_after && !memcmp(before, after, sizeof(before));
}

static void *feed(void *pipe_end)
{
	volatile double sum = 1;

	/* It computes, too, before and after each byte. */
	for (int i = 0; i < 2000; i++) {
		sum = sum * 1.5 / 1.25 + i;
		if (ukl_write(*(int *)pipe_end, "f", 1) != 1)
			break;
	}
	return NULL;
}

static void vectors_of_two_threads(void)
{
	int pipes[2], kept = 0;
	pthread_t feeder;
	char byte;

	CHECK(pipe(pipes) == 0);
	fcntl(pipes[1], F_SETPIPE_SZ, 4096);
	CHECK(pthread_create(&feeder, NULL, feed, &pipes[1]) == 0);
	for (int i = 0; i < 2000; i++)
		kept += keeps_vectors(pipes[0], &byte, i);
	pthread_join(feeder, NULL);
	CHECK(kept == 2000);
}

static void *block(void *pipe_end)
{
	char byte;

	ukl_read(*(int *)pipe_end, &byte, 1);
	return NULL;
}

/* A process dies whose other thread, or whose only one, sleeps in a call. */
static void killed(void)
{
	int pipes[2], status;
	pthread_t thread;
	char byte;
	pid_t child;

	CHECK(pipe(pipes) == 0);
	child = fork();
	if (!child) {
		pthread_create(&thread, NULL, block, &pipes[0]);
		usleep(10000);
		_exit(ukl_getppid() == 1 ? 9 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 9);

	child = fork();
	if (!child) {
		ukl_read(pipes[0], &byte, 1);
		_exit(0);
	}
	usleep(10000);
	CHECK(kill(child, SIGKILL) == 0);
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
}

/* What a tracer sees of a child's call: all stops at it, and where steps end. */
static void traced(void)
{
	struct user_regs_struct registers;
	int status, stops = 0, steps_in_kernel = 0, steps = 0;
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		ukl_getppid();
		raise(SIGSTOP);
		_exit(ukl_getppid() == 1 ? 9 : 1);
	}
	waitpid(child, &status, 0);
	for (;;) {
		ptrace(PTRACE_SYSCALL, child, 0, 0);
		waitpid(child, &status, 0);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) == SIGSTOP)
			break;
		ptrace(PTRACE_GETREGS, child, 0, &registers);
		stops += registers.orig_rax == SYS_getppid;
	}
	CHECK(WIFSTOPPED(status));
	CHECK(stops == 2);
	while (WIFSTOPPED(status) && steps < 100000) {
		ptrace(PTRACE_SINGLESTEP, child, 0, 0);
		waitpid(child, &status, 0);
		if (WIFSTOPPED(status) && ptrace(PTRACE_GETREGS, child, 0, &registers) == 0)
			steps_in_kernel += (long)registers.rip < 0;
		steps++;
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
	CHECK(steps > 10 && steps_in_kernel == 0);
}

static volatile int traps, traps_in_kernel;

static void trap(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *interrupted = context;

	(void)signal;
	(void)info;
	traps++;
	traps_in_kernel += interrupted->uc_mcontext.gregs[REG_RIP] < 0;
}

/* It steps itself. The first traps come after `or` and `popf`. */
static void stepped(void)
{
	struct sigaction action = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
	long result;

	sigaction(SIGTRAP, &action, NULL);
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "pushf\n\torq $0x100, (%%rsp)\n\tpopf\n\t"
			 "nop\n\tcall ukl_getppid\n\tnop\n\t"
			 "pushf\n\tandq $~0x100, (%%rsp)\n\tpopf\n\tadd $128, %%rsp"
			 : "=a"(result)
			 :
			 : "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
	CHECK(result == getppid());
	CHECK(traps >= 5);
	CHECK(traps_in_kernel == 0);
}

/* What seccomp's strict mode allows goes through, and what it does not kills. */
static void filtered(void)
{
	enum { STRICT = 1 };
	int pipes[2], status;
	char byte = 0;
	pid_t child;

	CHECK(pipe(pipes) == 0);
	child = fork();
	if (!child) {
		if (prctl(PR_SET_SECCOMP, STRICT) == 0 && ukl_write(pipes[1], "y", 1) == 1)
			ukl_getppid();
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(ukl_read(pipes[0], &byte, 1) == 1 && byte == 'y');
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "filtered")) {
		filtered();
		return failures;
	}
	results();
	errors();
	under_a_timer(argc > 2 ? atol(argv[2]) : 30000);
	interrupted();
	vectors_of_two_threads();
	killed();
	traced();
	stepped();
	printf("%d failures\n", failures);
	return failures;
}
