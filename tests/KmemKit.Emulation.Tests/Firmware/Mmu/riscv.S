/* Accesses that may trap. a0 address, a1 bits of mstatus, a2 value or where it goes; gives mcause in a0, all ones for none. */
#if __riscv_xlen == 64
#define SAVE sd
#define LOAD ld
#define WORD 8
#else
#define SAVE sw
#define LOAD lw
#define WORD 4
#endif
    .text
    .macro arm_trap
    la t0, 9f
    csrw mtvec, t0
    li t1, 0xe1800              /* MXR, SUM, MPRV, MPP */
    csrc mstatus, t1
    csrs mstatus, a1
    .endm
    .macro disarm result
    li t1, 0xe0000
    csrc mstatus, t1
    mv a0, \result
    ret
    .endm

    .global guarded_load
guarded_load:
    arm_trap
    lw a0, 0(a0)
    li t1, 0xe0000
    csrc mstatus, t1
    SAVE a0, 0(a2)
    li a0, -1
    ret
    .balign 4
9:  csrr t2, mcause
    disarm t2

    /* Here it stays, with loads as mstatus' bits in a0 say. */
    .global stay
stay:
    li t1, 0xe1800
    csrc mstatus, t1
    csrs mstatus, a0
    .global spin
spin:
    j spin

    .global guarded_store
guarded_store:
    arm_trap
    sw a2, 0(a0)
    li t2, -1
    disarm t2
    .balign 4
9:  csrr t2, mcause
    disarm t2

    .global guarded_jump
guarded_jump:
    arm_trap
    addi sp, sp, -2 * WORD
    SAVE ra, 0(sp)
    SAVE a2, WORD(sp)
    csrw mscratch, sp
    csrw mepc, a0
    li a0, 0
    mret
    .balign 4
9:  csrr sp, mscratch
    LOAD ra, 0(sp)
    LOAD a2, WORD(sp)
    addi sp, sp, 2 * WORD
    SAVE a0, 0(a2)
    csrr t2, mcause
    disarm t2
