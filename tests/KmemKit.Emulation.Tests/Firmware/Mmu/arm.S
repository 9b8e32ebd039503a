/* Excursions from Hyp mode to PL1 and PL0 and back, and the pages that are mapped there. */
    .syntax unified
    .arm
    .arch_extension virt
    .text
    .global excursion
excursion:
    push {r4-r11, lr}
    msr elr_hyp, r0
    msr spsr_cxsf, r1
    mov r1, r2
    mov r2, r3
    isb
    eret

    /* Hyp trap: back to whoever called excursion. */
    .global hyp_trap
hyp_trap:
    pop {r4-r11, pc}

    /* Mapped for PL1: vectors that say to Hyp mode that something came, then a load and a store. */
    .section .data.stubs, "awx"
    .balign 8192
    .global stubs
stubs:
    .rept 8
    hvc #1
    .endr
    .global stub_code
stub_code:
    ldr r0, [r1]
    hvc #0
    .balign 16
    str r2, [r1]
    hvc #0
    .balign 16
    .global spin
spin:
    b spin
    .balign 4096
    /* Mapped for PL0. */
    .global user_stubs
user_stubs:
    ldr r0, [r1]
    svc #0
    .balign 16
    str r2, [r1]
    svc #0
    .balign 4096
