/* Armv7-A in Hyp mode, translation off. Hyp traps go to the program's hyp_trap; any other exception ends the emulator. */
    .syntax unified
    .arm
    .arch_extension virt
    .section .start, "ax"
    b _start

    .global _start
_start:
    ldr r0, =vectors
    mcr p15, 4, r0, c12, c0, 0      /* HVBAR */
    isb
    ldr sp, =stack_top
    bl program
    mov r0, #0
    bl finish

    .balign 32
vectors:
    b .
    b unexpected_1
    b unexpected_2
    b unexpected_3
    b unexpected_4
    b hyp_trap
    b unexpected_6
    b unexpected_7

    .irp number, 1, 2, 3, 4, 6, 7
unexpected_\number:
    mov r0, #(64 + \number)
    bl finish
    .endr
