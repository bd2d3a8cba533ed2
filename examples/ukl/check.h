// What programs that test themselves share: they say what is not so, and count it.
#include <stdio.h>

static int failures;

#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			printf("%s, line %d: not %s\n", __func__, __LINE__, #condition);   \
			failures++;                                                        \
		}                                                                          \
	} while (0)
