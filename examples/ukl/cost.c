// What calls cost by the instruction `syscall` and through the gate: the least of many rounds, in ticks of the
// time stamp counter. Under QEMU's -icount shift=0 those are instructions, of the program and the kernel.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <ukl.h>
#include <unistd.h>

/* The bare instruction: no work of a C library is counted. */
static inline long by_syscall(long number, long a, const void *b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static int null_fd, zero_fd;
static char measured_byte;

static void empty(void) { __asm__ volatile(""); }
static void getppid_syscall(void) { by_syscall(SYS_getppid, 0, NULL, 0); }
static void getppid_gate(void) { ukl_getppid(); }
static void read_syscall(void) { by_syscall(SYS_read, zero_fd, &measured_byte, 1); }
static void read_gate(void) { ukl_read(zero_fd, &measured_byte, 1); }
static void write_syscall(void) { by_syscall(SYS_write, null_fd, &measured_byte, 1); }
static void write_gate(void) { ukl_write(null_fd, &measured_byte, 1); }

static unsigned long long ticks(void)
{
	unsigned low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (unsigned long long)high << 32 | low;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*call)(void);
	} calls[] = {
		{ "nothing", empty },
		{ "getppid by syscall", getppid_syscall },
		{ "getppid by the gate", getppid_gate },
		{ "read by syscall", read_syscall },
		{ "read by the gate", read_gate },
		{ "write by syscall", write_syscall },
		{ "write by the gate", write_gate },
	};
	enum { CALLS = 1000, ROUNDS = 50 };

	mknod("/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/zero", S_IFCHR | 0666, makedev(1, 5));
	null_fd = open("/null", O_WRONLY);
	zero_fd = open("/zero", O_RDONLY);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		unsigned long long least = ~0ULL;

		for (int round = 0; round < ROUNDS; round++) {
			unsigned long long before = ticks();

			for (int call = 0; call < CALLS; call++)
				calls[i].call();
			before = ticks() - before;
			if (before < least)
				least = before;
		}
		printf("%s: %.1f\n", calls[i].name, (double)least / CALLS);
	}
	return 0;
}
