// SPDX-License-Identifier: Apache-2.0 OR MIT
/* The program's stack belongs to the program: interrupts and system calls leave it alone. */
#include "test.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static void tick(int on)
{
	const struct itimerval every = { { 0, on ? 1000 : 0 }, { 0, on ? 1000 : 0 } };

	setitimer(ITIMER_REAL, &every, NULL);
}

/* What lies in the red zone below RSP is there after `loops` turns, in which interrupts come. */
static int red_zone_survives(long loops)
{
	long bad;

	asm volatile("mov $0x1122334455667788, %%rax\n\t"
		     "mov %%rax, -8(%%rsp); mov %%rax, -64(%%rsp); mov %%rax, -128(%%rsp)\n"
		     "1: dec %1\n\t"
		     "jnz 1b\n\t"
		     "xor %0, %0\n\t"
		     "cmp %%rax, -8(%%rsp); jne 2f\n\t"
		     "cmp %%rax, -64(%%rsp); jne 2f\n\t"
		     "cmp %%rax, -128(%%rsp); je 3f\n"
		     "2: mov $1, %0\n"
		     "3:"
		     : "=&r"(bad), "+r"(loops) : : "rax", "memory", "cc");
	return !bad;
}

/* RSP need not point to memory at all while no signal has to be delivered. */
static void run_with_stack(unsigned long sp, long loops)
{
	asm volatile("mov %%rsp, %%r12; mov %[sp], %%rsp\n"
		     "1: dec %[loops]\n\t"
		     "jnz 1b\n\t"
		     "mov $39, %%eax; syscall\n\t"
		     "mov %%r12, %%rsp"
		     : [loops] "+r"(loops) : [sp] "r"(sp)
		     : "rax", "rcx", "r11", "r12", "memory", "cc");
}

static int deep(volatile int n)
{
	volatile char room[512];

	room[0] = n;
	return n ? deep(n - 1) + room[0] : 0;
}

static int endless(volatile int n);
static int (*volatile again)(int) = endless;

static int endless(volatile int n)
{
	volatile char room[512];

	room[0] = n;
	return again(n + 1) + room[0];
}

/* A system call from a stack whose page is not there yet, and one from a page that goes. */
static void check_lazy_stack(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long top = (unsigned long)page + 8192;
	long got;

	asm volatile("mov %%rsp, %%r12; mov %[top], %%rsp\n\t"
		     "mov $11, %%eax; syscall\n\t"
		     "mov %%r12, %%rsp"
		     : "=&a"(got) : [top] "r"(top), "D"(page), "S"(8192L)
		     : "rcx", "r11", "r12", "memory");
	check(got == 0, "unmap the stack in use");
}

void test_stacks(void)
{
	const unsigned long odd[] = { 0, 7, 0x7fff00000003, 0xffffffff80000000, 0xdead000000000000 };
	size_t i;

	signal(SIGALRM, SIG_IGN);
	tick(1);
	check(red_zone_survives(100000000), "red zone");
	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		run_with_stack(odd[i], 20000000);
	tick(0);
	check(deep(2000) != 1, "deep recursion");
	check(faults(endless(0)) == SIGSEGV, "stack overflow, caught on another stack");
	check_lazy_stack();
}
