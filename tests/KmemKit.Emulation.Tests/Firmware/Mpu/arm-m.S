/*
 * Accesses on an M-profile core. The unit is on from just before the access to just after it; in between the core fetches from code_start up, stacks on
 * the main stack, and, where it executes the probed address, on the process stack, as whoever executes it.
 *
 * Data: LDRHT and STRHT access as unprivileged code does (ARM DDI 0403E A7.7.58, "LDRHT"). Execution: a return from SVCall to Thread mode on the process
 * stack, at the address, privileged or not; there is 'svc #1', which comes back.
 */
    .syntax unified
    .thumb

    .equ MPU_CTRL, 0xe000ed94
    .equ CFSR, 0xe000ed28
    .equ PROCESS_STACK, 4           /* EXC_RETURN.SPSEL */

    .text
    .global probe_data
    .thumb_func
probe_data:                         /* r0 address; r1 0 ldrh, 1 strh, 2 ldrht, 3 strht; r2 MPU_CTRL */
    push {r4-r7, lr}
    ldr r4, =MPU_CTRL
    movw r3, #0xdf01
    ldr r5, =probe_resume
    ldr r6, =resume_at
    str r5, [r6]
    str r2, [r4]
    dsb
    isb
    cmp r1, #1
    beq 1f
    cmp r1, #2
    beq 2f
    bhi 3f
    ldrh r6, [r0]
    b probe_resume
1:  strh r3, [r0]
    b probe_resume
2:  ldrht r6, [r0]
    b probe_resume
3:  strht r3, [r0]
    .thumb_func
probe_resume:
    dsb
    movs r2, #0
    str r2, [r4]
    dsb
    isb
    pop {r4-r7, pc}

    .global probe_execute
    .thumb_func
probe_execute:                      /* r0 address; r1 nPRIV; r2 MPU_CTRL; r3 end of the process stack */
    push {r4-r11, lr}
    subs r3, #32
    msr psp, r3
    movs r4, #0
    str r4, [r3, #20]               /* lr */
    str r0, [r3, #24]               /* pc */
    movs r4, #1
    lsls r4, #24
    str r4, [r3, #28]               /* xPSR: T */
    svc #0
    pop {r4-r11, pc}

    .global sv_call_handler
    .thumb_func
sv_call_handler:
    tst lr, #PROCESS_STACK
    bne came_back
    ldrd r1, r2, [sp, #4]           /* stacked: nPRIV, MPU_CTRL */
    msr control, r1
    ldr r3, =MPU_CTRL
    str r2, [r3]
    dsb
    isb
    orr lr, #PROCESS_STACK
    bx lr

came_back:                          /* executed: which privilege, and where, is the outcome */
    ldr r3, =MPU_CTRL
    movs r2, #0
    str r2, [r3]
    dsb
    isb
    ldr r0, =probe_outcome
    mrs r1, ipsr
    str r1, [r0]
    mrs r1, control
    and r1, #1
    str r1, [r0, #4]
    mrs r1, psp
    ldr r1, [r1, #24]
    subs r1, #2
    str r1, [r0, #8]
leave_process:
    movs r1, #0
    msr control, r1
    isb
    bic lr, #PROCESS_STACK
    bx lr

    .irp name, memory_management_handler, bus_fault_handler, usage_fault_handler, secure_fault_handler
    .global \name
    .thumb_func
\name:
    .endr
fault:
    ldr r3, =MPU_CTRL
    movs r2, #0
    str r2, [r3]
    dsb
    isb
    ldr r0, =probe_outcome
    mrs r1, ipsr
    str r1, [r0]
    ldr r3, =CFSR
    ldr r2, [r3]
    str r2, [r3]                    /* write one to clear */
    cmp r1, #7
    it eq
    ldreq r2, [r3, #0xbc]           /* SecureFault: SFSR at 0xe000ede4 */
    str r2, [r0, #4]
    movs r1, #0
    tst r2, #0x80                   /* MMARVALID: MMFAR */
    it ne
    ldrne r1, [r3, #12]
    tst r2, #0x8000                 /* BFARVALID: BFAR */
    it ne
    ldrne r1, [r3, #16]
    str r1, [r0, #8]
    tst lr, #PROCESS_STACK
    bne leave_process
    ldr r1, =resume_at
    ldr r1, [r1]
    bic r1, #1
    str r1, [sp, #24]
    bx lr

    .bss
    .balign 4
resume_at:
    .skip 4
    .balign 4096
    .global probe_stack, probe_stack_end
probe_stack:
    .skip 256
probe_stack_end:
    .balign 4096
