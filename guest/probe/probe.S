/* Does an accelerator run what real guests need? Started by QEMU through the PVH entry, in 32-bit
 * protected mode without paging. Each step writes its letter to port 0xe9 and then does its work, so that
 * the last letter names the instruction at which an accelerator gave up:
 *
 *   P entered                  G page tables, control registers, long mode
 *   L in long mode             B a breakpoint through the interrupt table and iretq
 *   N popcnt                   C cmpxchg16b
 *   A clac and stac            S xsave and xrstor
 *   M an MSR read and written  R string instructions
 *   T a loop of one million    F finished
 *   X an exception that nothing here should cause
 *
 * Steps that CPUID does not offer are left out. The end is a value at port 0xf4 (isa-debug-exit).
 */
    .set MARK, 0xe9
    .set EXIT, 0xf4
    .set GOOD, 0x10
    .set BAD, 0x20

    .macro mark letter
    mov $\letter, %al
    out %al, $MARK
    .endm

    .section .note.GNU-stack, "", @progbits

    .section .note.pvh, "a", @note
    .align 4
    .long 4, 4, 18          /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long entry

    .text
    .code32
    .globl entry
entry:
    cld
    mov $stack_end, %esp
    mark 'P'
    mark 'G'
    /* Identity map of the first GiB in pages of 2 MiB. */
    movl $(level3 + 3), level4
    movl $(level2 + 3), level3
    xor %ecx, %ecx
1:  mov %ecx, %eax
    shl $21, %eax
    or $0x83, %eax
    mov %eax, level2(,%ecx,8)
    movl $0, level2 + 4(,%ecx,8)
    inc %ecx
    cmp $512, %ecx
    jne 1b
    mov $level4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x620, %eax         /* PAE, OSFXSR, OSXMMEXCPT */
    mov %eax, %cr4
    mov $0xc0000080, %ecx   /* EFER */
    rdmsr
    or $0x100, %eax         /* LME */
    wrmsr
    mov %cr0, %eax
    and $~4, %eax           /* no EM */
    or $0x80000003, %eax    /* PG, MP, PE */
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $long_mode

    .code64
long_mode:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mark 'L'
    /* All 32 exceptions lead to `unexpected`, the breakpoint to its handler. */
    lea idt(%rip), %rdi
    xor %ecx, %ecx
2:  lea unexpected(%rip), %rax
    cmp $3, %ecx
    jne 3f
    lea breakpoint(%rip), %rax
3:  mov %ax, (%rdi)
    movw $8, 2(%rdi)
    movw $0x8e00, 4(%rdi)
    shr $16, %rax
    mov %ax, 6(%rdi)
    movq $0, 8(%rdi)
    add $16, %rdi
    inc %ecx
    cmp $32, %ecx
    jne 2b
    lidt idt_pointer(%rip)

    mark 'B'
    xor %r15d, %r15d
    int3
    cmp $1, %r15d
    jne bad

    mov $1, %eax
    xor %ecx, %ecx
    cpuid
    mov %ecx, %r12d         /* features of leaf 1 */
    xor %eax, %eax
    cpuid
    xor %r13d, %r13d
    cmp $7, %eax
    jb 4f
    mov $7, %eax
    xor %ecx, %ecx
    cpuid
    mov %ebx, %r13d         /* features of leaf 7 */
4:
    bt $23, %r12d
    jnc 5f
    mark 'N'
    mov $0xff00ff, %ebx
    popcnt %ebx, %ebx
    cmp $16, %ebx
    jne bad
5:
    bt $13, %r12d
    jnc 6f
    mark 'C'
    xor %eax, %eax
    xor %edx, %edx
    mov $7, %ebx
    mov $9, %ecx
    lock cmpxchg16b pair(%rip)
    jnz bad
    cmpq $9, pair + 8(%rip)
    jne bad
6:
    bt $20, %r13d
    jnc 7f
    mark 'A'
    stac
    clac
7:
    bt $26, %r12d
    jnc 8f
    mark 'S'
    mov %cr4, %rax
    or $0x40000, %rax       /* OSXSAVE */
    mov %rax, %cr4
    xor %ecx, %ecx
    xgetbv
    mov $3, %eax            /* x87 and SSE */
    xor %edx, %edx
    xsetbv
    xsave area(%rip)
    xrstor area(%rip)
8:
    mark 'M'
    mov $0xc0000101, %ecx   /* GS base */
    mov $0x1234000, %eax
    xor %edx, %edx
    wrmsr
    xor %eax, %eax
    rdmsr
    cmp $0x1234000, %eax
    jne bad
    swapgs

    mark 'R'
    lea area(%rip), %rdi
    mov $0x5a, %al
    mov $512, %ecx
    rep stosb
    lea area(%rip), %rsi
    lea copy(%rip), %rdi
    mov $512, %ecx
    rep movsb
    cmpb $0x5a, copy + 511(%rip)
    jne bad

    mark 'T'
    mov $1000000, %ecx
9:  dec %ecx
    jnz 9b

    mark 'F'
    mov $GOOD, %al
    out %al, $EXIT
    jmp halt

unexpected:
    mark 'X'
bad:
    mov $BAD, %al
    out %al, $EXIT
halt:
    hlt
    jmp halt

breakpoint:
    inc %r15d
    iretq

    .data
    .align 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff
gdt_pointer:
    .word 15
    .long gdt
    .align 8
idt_pointer:
    .word 511
    .quad idt
    .align 16
pair:
    .quad 0, 0

    .bss
    .align 4096
level4: .skip 4096
level3: .skip 4096
level2: .skip 4096
    .align 64
area:   .skip 4096
copy:   .skip 4096
idt:    .skip 512
    .skip 4096
stack_end:
