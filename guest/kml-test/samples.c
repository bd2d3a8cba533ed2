// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Samples of perf: what is the program's, and where the program is. */
#include "test.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* From the kernel's <linux/perf_event.h>, which musl-gcc does not find. */
#define TYPE_SOFTWARE 1
#define SW_CPU_CLOCK 0
#define SAMPLE_IP 1
#define RECORD_SAMPLE 9
#define MISC_CPUMODE 7
#define MISC_KERNEL 1
#define MISC_USER 2

struct event {
	uint32_t type, size;
	uint64_t config, period, sample_type, read_format, flags;
	uint32_t wakeup, breakpoint;
	uint64_t address;
};

struct record {
	uint32_t type;
	uint16_t misc, size;
	uint64_t ip;
};

/* A page that tells what there is, then the records. */
#define HEAD 1024
#define RING (64 * 1024)
#define ENOUGH 100
#define SECONDS 10

static long seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Samples of the kernel are in the upper half, those of the program in the lower. */
static void check_samples(const char *ring, uint64_t end)
{
	const struct record *record;
	int kernel = 0, user = 0, elsewhere = 0;
	uint64_t at;

	for (at = 0; at < end && at + sizeof(*record) <= RING; at += record->size) {
		record = (const struct record *)(ring + at);
		if (record->type != RECORD_SAMPLE)
			continue;
		if ((record->misc & MISC_CPUMODE) == MISC_USER) {
			user++;
			elsewhere += (int64_t)record->ip < 0;
		} else if ((record->misc & MISC_CPUMODE) == MISC_KERNEL) {
			kernel++;
			elsewhere += (int64_t)record->ip >= 0;
		}
	}
	check(user, "samples of the program");
	check(kernel, "samples of the kernel");
	check(!elsewhere, "samples are where they belong");
}

static void sample(long (*by)(long, long, long, long))
{
	const struct event event = {
		.type = TYPE_SOFTWARE,
		.size = sizeof(event),
		.config = SW_CPU_CLOCK,
		.period = 1000 * 1000,
		.sample_type = SAMPLE_IP,
	};
	long file = syscall(SYS_perf_event_open, &event, 0, -1, -1, 0), end = seconds() + SECONDS;
	volatile uint64_t *head;
	char *ring;
	int i;

	if (file < 0) {
		check(errno == ENOSYS, "an event");
		skip("performance events");
		return;
	}
	ring = mmap(NULL, 4096 + RING, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	check(ring != MAP_FAILED, "a ring of samples");
	if (ring == MAP_FAILED)
		return;
	head = (volatile uint64_t *)(ring + HEAD);
	while (*head < ENOUGH * sizeof(struct record) && seconds() < end) {
		for (i = 0; i < 1000; i++)
			by(SYS_getppid, 0, 0, 0);
	}
	check_samples(ring + 4096, *head);
	munmap(ring, 4096 + RING);
}

void test_samples(void)
{
	sample(by_syscall);
	sample(by_call);
}
