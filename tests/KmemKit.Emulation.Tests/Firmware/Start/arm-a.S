/*
 * Armv7-A: vectors at the link address, by VBAR. A program that wants an exception defines its handler,
 * with a branch away from the vector. SVC mode, MMU off.
 */
    .syntax unified
    .arm

    .macro vector name, number
    .weak \name
    .set \name, unexpected_\number
    b \name
    .endm

    .section .start, "ax"
    .global vectors
vectors:
    b _start
    vector undefined_handler, 1
    vector supervisor_call_handler, 2
    vector prefetch_abort_handler, 3
    vector data_abort_handler, 4
    nop
    vector irq_handler, 6
    vector fiq_handler, 7

    .global _start
_start:
    cpsid aif, #0x13
    mrc p15, 0, r0, c1, c0, 0
    bic r0, r0, #(1 << 13)      /* V: vectors by VBAR */
    mcr p15, 0, r0, c1, c0, 0
    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0
    isb
    ldr sp, =stack_top
    bl program
    mov r0, #0
    bl finish

    .irp number, 1, 2, 3, 4, 6, 7
unexpected_\number:
    mov r0, #(64 + \number)
    b leave
    .endr
leave:
    cps #0x13
    ldr sp, =stack_top
    bl finish
