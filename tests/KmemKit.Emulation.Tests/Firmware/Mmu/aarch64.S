/* Excursions from EL2 to EL1 and EL0 and back, and the page that is mapped there. */
    .text
    .global excursion
excursion:
    stp x29, x30, [sp, #-96]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    msr elr_el2, x0
    msr spsr_el2, x1
    mov x1, x2
    mov x2, x3
    isb
    eret

    .balign 2048
    .global hyp_vectors
hyp_vectors:
    .rept 8
    mov w0, #(64 + 32)
    bl finish
    .balign 128
    .endr
    /* Synchronous, from a lower level in AArch64: back to whoever called excursion. */
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp x29, x30, [sp], #96
    ret
    .balign 128
    .rept 7
    mov w0, #(64 + 33)
    bl finish
    .balign 128
    .endr

    /* Mapped for EL1: vectors that say to EL2 that something came, then a load and a store. */
    .section .data.stubs, "awx"
    .balign 65536
    .global stubs
stubs:
    .rept 16
    hvc #1
    .balign 128
    .endr
    .global stub_code
stub_code:
    ldr w0, [x1]
    hvc #0
    .balign 16
    str w2, [x1]
    hvc #0
    .balign 16
    .global spin
spin:
    b spin
    .balign 4096
    /* Mapped for EL0. */
    .global user_stubs
user_stubs:
    ldr w0, [x1]
    svc #0
    .balign 16
    str w2, [x1]
    svc #0
    .balign 65536
