// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Threads with mutexes, storage of their own and timer signals; a thread's stack goes with it. */
#include "test.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define THREADS 8
#define TURNS 20000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;
static volatile long ticks;
static __thread long own;

static void count(int signal)
{
	(void)signal;
	ticks++;
}

static void *work(void *argument)
{
	int i;

	own = (long)argument;
	for (i = 0; i < TURNS; i++) {
		pthread_mutex_lock(&lock);
		sum++;
		pthread_mutex_unlock(&lock);
		if (!(i % 100))
			by_call(SYS_sched_yield, 0, 0, 0);
	}
	return (void *)own;
}

static void *wait_forever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void check_cancel(void)
{
	pthread_t thread;
	void *result = NULL;

	pthread_create(&thread, NULL, wait_forever, NULL);
	usleep(20000);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	check(result == PTHREAD_CANCELED, "cancelled");
}

void test_threads(void)
{
	const struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	pthread_t threads[THREADS];
	void *result;
	long i;

	signal(SIGALRM, count);
	setitimer(ITIMER_REAL, &every, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i + 1));
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		check((long)result == i + 1, "storage of a thread");
	}
	setitimer(ITIMER_REAL, &never, NULL);
	check(sum == THREADS * TURNS, "mutexes");
	check(ticks > 0, "timer signals");
	for (i = 0; i < 50; i++) {
		pthread_create(&threads[0], NULL, work, (void *)i);
		pthread_detach(threads[0]);
	}
	check_cancel();
}
