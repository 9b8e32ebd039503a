/*
 * A PC, loaded by multiboot (version 0.6.96) in 32-bit protected mode, taken into long mode: 512 gigabytes mapped one to one in 1 GiB
 * pages, supervisor, writable, until a program loads tables of its own. FIVE_LEVELS: with CR4.LA57, which cannot be changed in long mode.
 */
    .section .start, "ax"
    .code32
    .balign 4
multiboot:
    .long 0x1badb002, 0, -0x1badb002

    .global _start
_start:
    cli
    movl $level3, %edi
    movl $0x83, %eax                /* present, writable, 1 GiB */
    xorl %edx, %edx
    movl $512, %ecx
1:  movl %eax, (%edi)
    movl %edx, 4(%edi)
    addl $(1 << 30), %eax
    adcl $0, %edx
    addl $8, %edi
    loop 1b
    movl $level3 + 3, level4
    movl %cr4, %eax
#ifdef FIVE_LEVELS
    movl $level4 + 3, level5
    orl $(1 << 12), %eax            /* LA57 */
#endif
    orl $(1 << 5), %eax             /* PAE */
    movl %eax, %cr4
    movl $top_level, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx          /* EFER */
    rdmsr
    orl $(1 << 8 | 1 << 11), %eax   /* LME, NXE */
    wrmsr
    movl %cr0, %eax
    orl $(1 << 31 | 1 << 16), %eax  /* PG, WP */
    movl %eax, %cr0
    lgdt gdt_register
    ljmp $8, $3f

    .code64
3:  movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $stack_top, %esp
    call program
    xorl %edi, %edi
    call finish

    .balign 8
    .global gdt
gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_register:
    .word gdt_register - gdt - 1
    .quad gdt

    .bss
    .balign 4096
level4:
    .skip 4096
level3:
    .skip 4096
#ifdef FIVE_LEVELS
level5:
    .skip 4096
    .set top_level, level5
#else
    .set top_level, level4
#endif
