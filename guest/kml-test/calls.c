// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Both entries: results, registers that survive, errors. */
#include "test.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

long by_syscall(long number, long a, long b, long c)
{
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(number), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return result;
}

/* The CALL needs eight bytes of the red zone. */
long by_call(long number, long a, long b, long c)
{
	long result;

	if (!entry)
		return by_syscall(number, a, b, c);
	asm volatile("sub $128, %%rsp\n\t"
		     "call *%1\n\t"
		     "add $128, %%rsp"
		     : "=a"(result)
		     : "r"(entry), "a"(number), "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory", "cc");
	return result;
}

/* All registers that a system call must leave as they are hold `seed` + their number. */
static int registers_survive(int use_call, long seed)
{
	long sum;

	asm volatile("push %%rbp; push %%rbx\n\t"
		     "sub $128, %%rsp\n\t"
		     "mov %[seed], %%rbx; lea 1(%[seed]), %%rbp; lea 2(%[seed]), %%r12\n\t"
		     "lea 3(%[seed]), %%r13; lea 4(%[seed]), %%r14; lea 5(%[seed]), %%r8\n\t"
		     "lea 6(%[seed]), %%r9; lea 7(%[seed]), %%r10\n\t"
		     "mov $39, %%eax\n\t"
		     "test %[call], %[call]\n\t"
		     "jz 1f\n\t"
		     "call *%[entry]\n\t"
		     "jmp 2f\n"
		     "1: syscall\n"
		     "2: lea (%%rbx, %%rbp), %%rax\n\t"
		     "add %%r12, %%rax; add %%r13, %%rax; add %%r14, %%rax\n\t"
		     "add %%r8, %%rax; add %%r9, %%rax; add %%r10, %%rax\n\t"
		     "add $128, %%rsp\n\t"
		     "pop %%rbx; pop %%rbp"
		     : "=&a"(sum)
		     : [seed] "D"(seed), [call] "S"((long)use_call), [entry] "d"(entry)
		     : "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "memory", "cc");
	return sum == 8 * seed + 28;
}

/* SYSCALL keeps the arithmetic flags and DF. */
static int flags_survive(void)
{
	unsigned long before = 0x202 | 0x8d5 | 0x400, after;

	asm volatile("sub $128, %%rsp; push %1; popf; mov $39, %%eax; syscall\n\t"
		     "pushf; pop %0; cld; add $128, %%rsp"
		     : "=&r"(after) : "r"(before) : "rax", "rcx", "r11", "memory", "cc");
	return (after & 0xfff) == (before & 0xfff);
}

void test_calls(void)
{
	int i;

	check(by_syscall(SYS_getpid, 0, 0, 0) == getpid(), "getpid by syscall");
	check(by_call(SYS_getpid, 0, 0, 0) == getpid(), "getpid by call");
	check(by_call(-1, 0, 0, 0) == -ENOSYS, "no such call");
	check(by_call(SYS_write, 1, 8, 1) == -EFAULT, "bad address by call");
	check(by_syscall(SYS_write, 1, -8, 8) == -EFAULT, "the kernel's address by syscall");
	for (i = 0; i < 10000; i++) {
		if (!registers_survive(0, i) || (entry && !registers_survive(1, i)))
			break;
	}
	check(i == 10000, "registers survive");
	check(flags_survive(), "flags survive");
}
