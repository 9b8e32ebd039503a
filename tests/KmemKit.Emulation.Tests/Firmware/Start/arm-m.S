/* Armv7-M and Armv8-M: the core takes stack and entry from the vector table. A program that wants an exception defines its handler. */
    .syntax unified
    .thumb

    .macro handler name
    .weak \name
    .thumb_set \name, unexpected
    .word \name
    .endm

    .section .start, "ax"
    .global vectors
    .balign 512
vectors:
    .word stack_top
    .word _start + 1
    handler nmi_handler
    handler hard_fault_handler
    handler memory_management_handler
    handler bus_fault_handler
    handler usage_fault_handler
    handler secure_fault_handler
    .word 0, 0, 0
    handler sv_call_handler
    handler debug_monitor_handler
    .word 0
    handler pend_sv_handler
    handler sys_tick_handler

    .global _start
    .thumb_func
_start:
    bl program
    movs r0, #0
    bl finish

    .thumb_func
unexpected:
    mrs r0, ipsr
    adds r0, #64
    bl finish
