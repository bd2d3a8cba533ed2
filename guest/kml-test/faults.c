// SPDX-License-Identifier: Apache-2.0 OR MIT
/* Exceptions become the signals that they are at CPL 3. */
#include "test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void jump(unsigned long address)
{
	((void (*)(void))address)();
}

static __attribute__((noinline)) void at(unsigned long address)
{
	*(volatile char *)address = 1;
}

static void check_pages(void)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(faults(at((unsigned long)page + 5)) == SIGSEGV, "write of a read-only page");
	check(last.si_addr == page + 5 && last.si_code == SEGV_ACCERR, "where and why");
	check(faults(jump((unsigned long)page)) == SIGSEGV, "jump into data");
	check(last.si_addr == page, "where it jumped");
	munmap(page, 4096);
	check(faults(at((unsigned long)page)) == SIGSEGV, "write where nothing is");
	check(last.si_code == SEGV_MAPERR, "nothing is mapped");
}

void test_faults(void)
{
	check(faults(at(8)) == SIGSEGV && last.si_addr == (void *)8, "null");
	check(faults(asm volatile("ud2")) == SIGILL, "ud2");
	check(faults(asm volatile("int3")) == SIGTRAP, "int3");
	check(faults(asm volatile("xor %%ecx, %%ecx; div %%ecx" : : : "rax", "rcx", "rdx")) == SIGFPE, "division by zero");
	check(faults(at(0x8000000000000000)) == SIGSEGV, "non-canonical address");
	check_pages();
	check(faults(jump(16)) == SIGSEGV, "jump to nowhere");
	check(faults(jump(0x800000000000)) == SIGSEGV, "jump to no address");
	/* The hole between the direct map and the rest is never mapped. */
	check(faults(jump(0xffff800000000000)) == SIGSEGV, "jump to where the kernel has nothing");
}
