// What C programs take for granted, and what goes wrong first where it is not: prints what is wrong, and
// exits with how much that is. The names of some functions are the kernel's, too.
#define _GNU_SOURCE
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* The kernel has all of these. */
int current = 5;
int jiffies[3];
int panic(const char *format) { return format[0]; }
int printk(int value) { return value + 1; }
int sort(int a, int b) { return a < b ? a : b; }
int schedule(void) { return 77; }

static void clashes(void)
{
	CHECK(printk(1) == 2 && panic("p") == 'p' && sort(4, 3) == 3 && schedule() == 77);
	current++;
	jiffies[2] = current;
	CHECK(current == 6 && jiffies[0] == 0 && jiffies[2] == 6);
}

static int order[4], place;

__attribute__((constructor(102))) static void second(void) { order[place++] = 2; }
__attribute__((constructor(101))) static void first(void) { order[place++] = 1; }
__attribute__((constructor)) static void third(void) { order[place++] = 3; }
__attribute__((destructor)) static void last(void) { puts("destructed"); }

static void constructors(void)
{
	CHECK(place == 3 && order[0] == 1 && order[1] == 2 && order[2] == 3);
}

__attribute__((section("my_list"), used)) static const long one = 1;
__attribute__((section("my_list"), used)) static const long two = 2;
extern const long __start_my_list[], __stop_my_list[];
extern char etext, edata, end;

static void sections(void)
{
	CHECK(__stop_my_list - __start_my_list == 2);
	CHECK(__start_my_list[0] + __start_my_list[1] == 3);
	CHECK((char *)sections < &etext && (char *)&current < &edata && &edata <= &end);
}

static _Thread_local int own = 9;
static _Thread_local struct {
	char bytes[40];
} zeros __attribute__((aligned(64)));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t all;
static int sum, wrong;

static void *thread(void *number)
{
	int is_wrong = own != 9 || zeros.bytes[39] || (unsigned long)&zeros % 64;
	double mine = (long)number;

	own = (long)number;
	zeros.bytes[39] = (long)number;
	pthread_barrier_wait(&all);
	for (int i = 0; i < 1000; i++)
		mine = sqrt(mine * mine);
	pthread_mutex_lock(&lock);
	sum += (int)mine;
	wrong += is_wrong || own != (long)number || zeros.bytes[39] != (char)(long)number;
	pthread_mutex_unlock(&lock);
	return number;
}

static void threads(void)
{
	enum { THREADS = 200 };
	pthread_t ids[THREADS];
	void *back;

	pthread_barrier_init(&all, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		CHECK(pthread_create(&ids[i], NULL, thread, (void *)i) == 0);
	for (long i = 0; i < THREADS; i++)
		CHECK(pthread_join(ids[i], &back) == 0 && back == (void *)i);
	CHECK(sum == THREADS * (THREADS - 1) / 2);
	CHECK(wrong == 0 && own == 9);
}

static jmp_buf before;
static sigjmp_buf fault;

static void jumps(void)
{
	volatile int times = 0;
	volatile double kept = 1.25;

	if (setjmp(before) < 5)
		longjmp(before, ++times);
	CHECK(times == 5 && kept == 1.25);
}

static void *volatile faulted_at;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	faulted_at = info->si_addr;
	siglongjmp(fault, 1);
}

static void faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	static const char read_only[] = "literal";
	char *volatile target = (char *)read_only;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	if (!sigsetjmp(fault, 1))
		*target = 'L';
	CHECK(faulted_at == read_only && read_only[0] == 'l');
	target = (char *)16;
	if (!sigsetjmp(fault, 1))
		*target = 1;
	CHECK(faulted_at == (void *)16);
	faulted_at = NULL;
	if (!sigsetjmp(fault, 1)) {
		volatile int zero = 0;

		zero = 10 / zero;
	}
	CHECK(faulted_at != NULL);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
}

static volatile sig_atomic_t ticks;
static volatile double in_handler;

static void on_tick(int signal)
{
	(void)signal;
	ticks++;
	/* It uses the registers that it interrupted. */
	in_handler = sin(ticks) * 1e10 + cos(in_handler);
	fesetround(FE_UPWARD);
}

/* The same sum with and without signals, bit for bit, and the rounding stays. */
static double compute(int rounds)
{
	double total = 0;
	long double more = 1;

	for (int i = 1; i < rounds; i++) {
		total += sqrt(i) / (total + i);
		more = more / 3 + total;
	}
	return total + (double)more;
}

static void floats_under_signals(void)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	enum { ROUNDS = 100000 };
	double without = compute(ROUNDS), with;

	signal(SIGALRM, on_tick);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; ticks < 20 && i < 1000; i++) {
		with = compute(ROUNDS);
		CHECK(!memcmp(&with, &without, sizeof(with)));
	}
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(ticks >= 20 && fegetround() == FE_TONEAREST);
}

static void forks(void)
{
	static int in_data = 1, in_bss;
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int *heap = malloc(sizeof(*heap)), status;

	*heap = 1;
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (!child) {
			int is_right = in_data == 1 && !in_bss && *heap == 1 && own == 9;

			in_data = in_bss = *heap = own = 100 + i;
			*shared += is_right;
			if (i == 19)
				raise(SIGUSR1);
			_exit(in_data + in_bss + *heap + own == 4 * (100 + i) ? i : 200);
		}
		CHECK(child > 0 && waitpid(child, &status, 0) == child);
		CHECK(i == 19 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1
			      : WIFEXITED(status) && WEXITSTATUS(status) == i);
	}
	CHECK(*shared == 20 && in_data == 1 && !in_bss && *heap == 1 && own == 9);
}

int main(void)
{
	clashes();
	constructors();
	sections();
	threads();
	jumps();
	faults();
	floats_under_signals();
	forks();
	printf("%d failures\n", failures);
	return failures;
}
