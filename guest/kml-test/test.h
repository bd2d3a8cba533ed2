/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the groups of tests share. */
#ifndef TEST_H
#define TEST_H

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>

/* Address of the kernel's entry for CALL, 0 where there is none. */
extern unsigned long entry;
/* CPL that the program was told to run at. */
extern int cpl;

/* Counts and prints a failure unless `good`. */
void check(int good, const char *what);
/* Says that the group's tests cannot be made on this kernel. */
void skip(const char *lacks);

/* A system call by SYSCALL, and by CALL where that can be. */
long by_syscall(long number, long a, long b, long c);
long by_call(long number, long a, long b, long c);

/*
 * What the last fault was. `faults(action)` is the signal that `action` ended with, or 0;
 * handlers run on a stack of their own.
 */
extern siginfo_t last;
extern sigjmp_buf escape;
void catch_faults(void);
#define faults(action) ({ int got_ = sigsetjmp(escape, 1); if (!got_) { action; } got_; })

void test_calls(void);
void test_faults(void);
void test_stacks(void);
void test_signals(void);
void test_processes(void);
void test_threads(void);
void test_steps(void);
void test_samples(void);
void test_storm(void);
void test_stray(void);

#endif
