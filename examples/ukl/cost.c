// What calls cost by the instruction `syscall` and through the gate: the least of many rounds, in ticks of the
// time stamp counter. Under QEMU's -icount shift=0 those are instructions, of the program and the kernel:
//   lupine run --rm --accel tcg --vmm-arg=-icount --vmm-arg=shift=0 cost.vmlinux
// With --kernel-arg=kml=/nothing/ as well it is an ordinary program at CPL 3, which cannot call the kernel.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <ukl.h>
#include <unistd.h>

/* The bare instruction: no work of a C library is counted. */
static inline long by_syscall(long number, long a, const void *b, long c, long fourth)
{
	register long d __asm__("r10") = fourth;
	register long e __asm__("r8") = 0;
	register long f __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(d), "r"(e), "r"(f)
			 : "rcx", "r11", "memory");
	return result;
}

static int null_fd, zero_fd, file_fd, epoll_fd, pair[2];
static char measured_byte;
static struct epoll_event event;
static struct timespec now;

static void empty(void) { __asm__ volatile(""); }
static void getppid_syscall(void) { by_syscall(SYS_getppid, 0, NULL, 0, 0); }
static void getppid_gate(void) { ukl_getppid(); }
static void read_syscall(void) { by_syscall(SYS_read, zero_fd, &measured_byte, 1, 0); }
static void read_gate(void) { ukl_read(zero_fd, &measured_byte, 1); }
static void write_syscall(void) { by_syscall(SYS_write, null_fd, &measured_byte, 1, 0); }
static void write_gate(void) { ukl_write(null_fd, &measured_byte, 1); }
static void pread_syscall(void) { by_syscall(SYS_pread64, file_fd, &measured_byte, 1, 0); }
static void pread_gate(void) { ukl_pread64(file_fd, &measured_byte, 1, 0); }
static void wait_syscall(void) { by_syscall(SYS_epoll_wait, epoll_fd, &event, 1, 0); }
static void wait_gate(void) { ukl_epoll_wait(epoll_fd, &event, 1, 0); }
static void clock_syscall(void) { by_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now, 0, 0); }
static void clock_gate(void) { ukl_clock_gettime(CLOCK_MONOTONIC, &now); }

static void echo_syscall(void)
{
	by_syscall(SYS_sendto, pair[0], &measured_byte, 1, 0);
	by_syscall(SYS_recvfrom, pair[1], &measured_byte, 1, 0);
}

static void echo_gate(void)
{
	ukl_send(pair[0], &measured_byte, 1, 0);
	ukl_recv(pair[1], &measured_byte, 1, 0);
}

/* At CPL 3 the gate is out of reach. */
static int can_call(void)
{
	unsigned long cs;

	__asm__("mov %%cs, %0" : "=r"(cs));
	return (cs & 3) == 0;
}

static void make_descriptors(void)
{
	mknod("/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/zero", S_IFCHR | 0666, makedev(1, 5));
	null_fd = open("/null", O_WRONLY);
	zero_fd = open("/zero", O_RDONLY);
	file_fd = open("/file", O_CREAT | O_RDWR, 0600);
	(void)!write(file_fd, "f", 1);
	epoll_fd = epoll_create1(0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static unsigned long long ticks(void)
{
	unsigned low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (unsigned long long)high << 32 | low;
}

static double cost(void (*call)(void))
{
	enum { CALLS = 1000, ROUNDS = 50 };
	unsigned long long least = ~0ULL;

	for (int round = 0; round < ROUNDS; round++) {
		unsigned long long before = ticks();

		for (int i = 0; i < CALLS; i++)
			call();
		before = ticks() - before;
		if (before < least)
			least = before;
	}
	return (double)least / CALLS;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*by_syscall)(void), (*by_gate)(void);
	} calls[] = {
		{ "nothing", empty, empty },
		{ "getppid", getppid_syscall, getppid_gate },
		{ "read of /dev/zero", read_syscall, read_gate },
		{ "write to /dev/null", write_syscall, write_gate },
		{ "pread of a file", pread_syscall, pread_gate },
		{ "send and receive", echo_syscall, echo_gate },
		{ "epoll_wait, none ready", wait_syscall, wait_gate },
		{ "clock_gettime", clock_syscall, clock_gate },
	};

	make_descriptors();
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		printf("%s: %.1f by syscall", calls[i].name, cost(calls[i].by_syscall));
		if (can_call())
			printf(", %.1f by the gate", cost(calls[i].by_gate));
		putchar('\n');
	}
	return 0;
}
