// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// Counts guest instructions, for QEMU's TCG plugin interface, version 1 (QEMU 6.0 to 8.2).
//
//     -plugin file=count.so,out=FILE
//
// FILE is a shared mapping, so whoever reads it at any time gets the counts of that moment. 64-bit words in the
// host's order; a mark that was not reached is all zeros:
//
//     0        MAGIC
//     1..4     now:         kernel, user, kernel's repetitions, user's repetitions
//     5..8     first-user:  the same, before the first instruction of user space
//     9..12    init-start:  the same, before the first `out` of user space, by which PID 1 says that it started
//     13..16   kernel-entry: the same, before the first instruction above the firmware's first MiB
//     17..20   main: the same, before the first mark of a program's main (bench/ukl/ukl.c)
//     21       how many laps follow: what user space did between two marks (guest/bench/src/mark.rs)
//     22..25   the first lap: the same words, from its first mark to its second; and so on, at most LAPS
//
// Repetitions are the iterations of `rep` string instructions: QEMU executes each as an instruction, no processor does.
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// QEMU's qemu-plugin.h as far as it is used here; Debian does not package it.
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum callback_flags { NO_REGISTERS };
enum inline_operation { ADD_U64 };
typedef struct {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus, max_vcpus;
	} system;
} plugin_info;

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*callback)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, enum inline_operation operation,
						void *pointer, uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, void (*callback)(unsigned, void *),
					    enum callback_flags flags, void *data);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

static const uint64_t MAGIC = 0x34544e554f43504cull; // LPCOUNT4
enum { KERNEL, USER, REPEATED, KINDS = 4 };
enum { NOW = 1, FIRST_USER = NOW + KINDS, INIT_START = FIRST_USER + KINDS, KERNEL_ENTRY = INIT_START + KINDS };
enum { MAIN = KERNEL_ENTRY + KINDS, LAP_COUNT = MAIN + KINDS };
enum { LAPS = 256, FIRST_LAP = LAP_COUNT + 1, WORDS = FIRST_LAP + LAPS * KINDS };
static uint64_t *words;

// The interface does not tell the privilege level. The kernel begins in low, identity-mapped addresses and moves to the
// upper half before it has an interrupt table. So once it has an iretq up there, which also is the way into the first
// process, what comes below is user space, but for the code below 1 MiB by which further processors start.
static bool kernel_is_up;
static const uint64_t UPPER_HALF = 1ull << 63, FIRST_MIB = 1ull << 20;

// Firmware lies in the first MiB and below 4 GiB, a kernel's entry by PVH between.
static bool is_entry(uint64_t address)
{
	static const uint64_t ROMS = 0xff000000;
	return address >= FIRST_MIB && address < ROMS;
}

static bool is_user(uint64_t address, const uint8_t *code, size_t size)
{
	if (address & UPPER_HALF) {
		kernel_is_up |= size == 2 && code[0] == 0x48 && code[1] == 0xcf;
		return false;
	}
	return kernel_is_up && address >= FIRST_MIB;
}

// ins, outs, movs, cmps, stos, lods, scas behind a rep prefix.
static bool is_repeated(const uint8_t *code, size_t size)
{
	bool rep = false;
	for (size_t at = 0; at < size; at++) {
		uint8_t byte = code[at];
		if (byte == 0xf2 || byte == 0xf3)
			rep = true;
		else if (byte != 0x66 && byte != 0x67 && (byte & 0xf0) != 0x40)
			return rep && ((byte >= 0x6c && byte <= 0x6f) || (byte >= 0xa4 && byte <= 0xa7) ||
				       (byte >= 0xaa && byte <= 0xaf));
	}
	return false;
}

// out %al, $0xe9 and out %al, %dx: user space does not write to ports but for this mark.
static bool is_out(const uint8_t *code, size_t size)
{
	return (size == 2 && code[0] == 0xe6 && code[1] == 0xe9) || (size == 1 && code[0] == 0xee);
}

// Called before the instruction is executed, and before it is counted.
static void mark(unsigned processor, void *where)
{
	uint64_t *to = where;
	(void)processor;
	for (int kind = 0; kind < KINDS; kind++)
		if (to[kind])
			return;
	memcpy(to, words + NOW, KINDS * sizeof *to);
}

// A `nop` whose address says which mark it is; 0 where it is none.
static char lap_mark(const uint8_t *code, size_t size)
{
	static const uint8_t NOP[] = { 0x0f, 0x1f, 0x80, 'L', 'U', 'P' };
	return size == sizeof NOP + 1 && !memcmp(code, NOP, sizeof NOP) ? (char)code[sizeof NOP] : 0;
}

static uint64_t lap_start[KINDS];

static void begin_lap(unsigned processor, void *unused)
{
	(void)processor, (void)unused;
	memcpy(lap_start, words + NOW, sizeof lap_start);
}

static void end_lap(unsigned processor, void *unused)
{
	uint64_t *lap = words + FIRST_LAP + words[LAP_COUNT] * KINDS;
	(void)processor, (void)unused;
	if (words[LAP_COUNT] == LAPS)
		return;
	for (int kind = 0; kind < KINDS; kind++)
		lap[kind] = words[NOW + kind] - lap_start[kind];
	words[LAP_COUNT]++;
}

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
	size_t count = qemu_plugin_tb_n_insns(block);
	(void)id;
	for (size_t at = 0; at < count; at++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, at);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		bool user = is_user(qemu_plugin_insn_vaddr(insn), code, size);
		int kind = (user ? USER : KERNEL) + (is_repeated(code, size) ? REPEATED : 0);
		if (at == 0 && !words[KERNEL_ENTRY] && is_entry(qemu_plugin_insn_vaddr(insn)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, NO_REGISTERS, words + KERNEL_ENTRY);
		if (user && at == 0 && !words[FIRST_USER])
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, NO_REGISTERS, words + FIRST_USER);
		if (user && is_out(code, size))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, NO_REGISTERS, words + INIT_START);
		if (user && lap_mark(code, size) == 'M')
			qemu_plugin_register_vcpu_insn_exec_cb(insn, mark, NO_REGISTERS, words + MAIN);
		if (user && lap_mark(code, size) == 'B')
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin_lap, NO_REGISTERS, NULL);
		if (user && lap_mark(code, size) == 'E')
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end_lap, NO_REGISTERS, NULL);
		qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, words + NOW + kind, 1);
	}
}

EXPORT int qemu_plugin_install(plugin_id id, const plugin_info *info, int argc, char **argv)
{
	int file;
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "count: out=FILE is wanted\n");
		return -1;
	}
	file = open(argv[0] + 4, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (file < 0 || ftruncate(file, WORDS * sizeof *words) < 0) {
		perror("count: cannot make the file of counts");
		return -1;
	}
	words = mmap(NULL, WORDS * sizeof *words, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	close(file);
	if (words == MAP_FAILED) {
		perror("count: cannot map the file of counts");
		return -1;
	}
	words[0] = MAGIC;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
