// Threads that print, each a line at a time, and count what they printed.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int lines, each;

static void *print(void *argument)
{
	for (int i = 0; i < each; i++) {
		pthread_mutex_lock(&lock);
		printf("thread %d, line %d\n", (int)(intptr_t)argument, i);
		lines++;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	each = argc > 1 ? atoi(argv[1]) : 10;
	for (intptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, print, (void *)i))
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d lines by %d threads\n", lines, THREADS);
	return 0;
}
