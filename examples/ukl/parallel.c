// Threads on all processors that call the kernel through the gate while signals come, and a directory of the host's:
// says in the file OUT what it found in the file IN, and exits with the number of calls that went wrong.
//
//   parallel IN OUT [CALLS]    of each of four threads
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <ukl.h>
#include <unistd.h>

static long calls = 20000;
static long wrong;
static volatile sig_atomic_t signals;

static void count(int signal)
{
	(void)signal;
	signals++;
}

/* Bytes through a pipe of its own come back as they went. */
static void *call(void *unused)
{
	int ends[2];

	if (pipe(ends) < 0)
		exit(99);
	for (long n = 0; n < calls; n++) {
		char sent = (char)n, got = 0;

		if (ukl_write(ends[1], &sent, 1) != 1 || ukl_read(ends[0], &got, 1) != 1 || got != sent)
			__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } };
	pthread_t threads[4];
	char word[64] = "";
	FILE *in, *out;

	if (argc < 3)
		return 98;
	if (argc > 3)
		calls = atol(argv[3]);
	in = fopen(argv[1], "r");
	out = fopen(argv[2], "w");
	if (!in || !out || fscanf(in, "%63s", word) != 1)
		return 97;
	signal(SIGALRM, count);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int n = 0; n < 4; n++)
		if (pthread_create(&threads[n], NULL, call, NULL))
			return 96;
	for (int n = 0; n < 4; n++)
		pthread_join(threads[n], NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	fprintf(out, "%s on %d processors\n", word, get_nprocs());
	fclose(out);
	printf("%ld calls, %d signals, %ld wrong\n", 8 * calls, (int)signals, wrong);
	return wrong > 95 ? 95 : (int)wrong;
}
