/* A PC, loaded by multiboot (version 0.6.96): 32-bit protected mode, flat segments, paging off. */
    .section .start, "ax"
    .code32
    .balign 4
multiboot:
    .long 0x1badb002, 0, -0x1badb002

    .global _start
_start:
    cli
    movl $stack_top, %esp
    lgdt gdt_register
    ljmp $8, $1f
1:  movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    call program
    pushl $0
    call finish

    .balign 8
    .global gdt
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
    .word gdt_register - gdt - 1
    .long gdt
