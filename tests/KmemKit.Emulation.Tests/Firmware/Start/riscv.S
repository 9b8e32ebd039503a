/*
 * RISC-V in M-mode. Hart 0 runs the program; the others run 'secondary' with their number, where a program has that, each on 4 KiB of stack.
 * An exception that the program does not take ends the emulator: EXIT_UNEXPECTED + mcause.
 */
    .section .start, "ax"
    .global _start
_start:
    csrr a0, mhartid
    la sp, stack_top
    slli t0, a0, 12
    sub sp, sp, t0
    la t0, unexpected
    csrw mtvec, t0
    bnez a0, 1f
    call program
    li a0, 0
    call finish
1:  la t0, secondary
    beqz t0, 2f
    jalr t0
2:  wfi
    j 2b

    .weak secondary

    .balign 4
unexpected:
    csrr a0, mcause
    andi a0, a0, 31
    addi a0, a0, 64
    call finish
