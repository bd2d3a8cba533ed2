// What a C program takes for granted: constructors, thread-local storage, arguments, floating point.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int constructed;
static _Thread_local volatile int counter = 7;
static _Thread_local volatile char zeros[100];

__attribute__((constructor)) static void construct(void)
{
	constructed = 1;
}

int main(int argc, char **argv)
{
	printf("hello: constructed %d, thread-local %d and %d\n", constructed, counter, zeros[50]);
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	printf("sqrt(2) = %.9f\n", sqrt(atof("2")));
	return 3;
}
