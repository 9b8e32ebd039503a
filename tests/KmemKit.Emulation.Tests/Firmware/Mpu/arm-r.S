/*
 * PMSAv7-R (ARM DDI 0363G 4.3.19 to 4.3.21): registers by CP15, number 0 DRBAR, 1 DRSR, 2 DRACR. Accesses: the unit is on from just before to just
 * after; in between the core fetches from code_start up, vectors included, and touches no memory of its own: each exception has registers enough.
 * Execution: a return to User or System mode at the address, in Thumb state, where 'svc #1' comes back.
 */
    .syntax unified
    .arm

    .equ SVC_MODE, 0x13
    .equ SYSTEM_MODE, 0x1f
    .equ USER_MODE, 0x10
    .equ MASKED_THUMB, 0x1e0        /* CPSR: A, I, F, T */

    .text
    .global unit_reset
unit_reset:
    mrc p15, 0, r0, c0, c0, 4       /* MPUIR.DRegion */
    ubfx r0, r0, #8, #8
    mov r1, #0
1:  subs r0, r0, #1
    bxmi lr
    mcr p15, 0, r0, c6, c2, 0       /* RGNR */
    mcr p15, 0, r1, c6, c1, 2
    b 1b

    .global unit_write
unit_write:
    ldm r0, {r1, r2, r3}
    mcr p15, 0, r2, c6, c2, 0
    cmp r1, #1
    mcrlo p15, 0, r3, c6, c1, 0
    mcreq p15, 0, r3, c6, c1, 2
    mcrhi p15, 0, r3, c6, c1, 4
    bx lr

    .global unit_read
unit_read:
    ldm r0, {r1, r2, r3}
    mcr p15, 0, r2, c6, c2, 0
    cmp r1, #1
    mrclo p15, 0, r0, c6, c1, 0
    mrceq p15, 0, r0, c6, c1, 2
    mrchi p15, 0, r0, c6, c1, 4
    mov r1, #0
    bx lr

    .global plant
plant:
    movw r1, #0xdf01
    strh r1, [r0]
    bx lr

    .macro turn_off scratch
    mrc p15, 0, \scratch, c1, c0, 0
    bic \scratch, \scratch, #1
    mcr p15, 0, \scratch, c1, c0, 0
    dsb
    isb
    .endm

    .global unit_off
unit_off:
    turn_off r0
    bx lr

    .global unit_probe
unit_probe:                         /* r0 probe; r1 table; r2 outcome */
    push {r4-r11, lr}
    mov r10, r2
    ldr r4, [r0]                    /* address */
    ldrb r5, [r0, #8]               /* access */
    ldrb r6, [r0, #9]               /* user */
    movw r7, #0xdf01
    mov r8, #MASKED_THUMB
    cmp r6, #0
    orrne r8, r8, #USER_MODE
    orreq r8, r8, #SYSTEM_MODE
    mrc p15, 0, r9, c1, c0, 0
    bic r9, r9, #(1 << 17)          /* BR */
    ldr r1, [r1, #8]                /* control: bits of SCTLR */
    orr r9, r9, r1
    msr spsr_cxsf, r8
    mcr p15, 0, r9, c1, c0, 0
    dsb
    isb
    cmp r5, #1
    beq 1f
    bhi 2f
    cmp r6, #0
    ldrheq r3, [r4]
    ldrhtne r3, [r4], #0
    b finished
1:  cmp r6, #0
    strheq r7, [r4]
    strhtne r7, [r4], #0
    b finished
2:  mov lr, r4
    movs pc, lr

    .global data_abort_handler
data_abort_handler:
    turn_off r12
    mov r0, #4
    mrc p15, 0, r1, c5, c0, 0       /* DFSR */
    mrc p15, 0, r2, c6, c0, 0       /* DFAR */
    b faulted

    .global prefetch_abort_handler
prefetch_abort_handler:
    turn_off r12
    mov r0, #3
    mrc p15, 0, r1, c5, c0, 1       /* IFSR */
    mrc p15, 0, r2, c6, c0, 2       /* IFAR */
    b faulted

    .global supervisor_call_handler
supervisor_call_handler:
    turn_off r12
    mov r0, #2
    mrs r1, spsr
    and r1, r1, #0x1f
    sub r2, lr, #2
faulted:
    cps #SVC_MODE
    stm r10, {r0, r1, r2}
finished:
    turn_off r12
    pop {r4-r11, pc}
