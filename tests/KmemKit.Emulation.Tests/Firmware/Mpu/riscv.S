/*
 * Physical memory protection (Privileged Architecture 1.12, 3.7): number 0 is pmpaddr<index>, 1 is pmpcfg<index>. It cannot be turned off: the
 * program's own memory is that of M-mode where no locked entry is. Data of U-mode: mstatus.MPRV (3.1.6.3). Execution: mret to the address,
 * where ecall comes back.
 */
    .equ MPP, 3 << 11
    .equ MPRV, 1 << 17
    .equ PMPCFG0, 0x3a0
    .equ PMPADDR0, 0x3b0

#if __riscv_xlen == 32
    .equ CFG_STEP, 1
#define STORE sw
#define LOAD lw
#else
    .equ CFG_STEP, 2
#define STORE sd
#define LOAD ld
#endif

    .text
    /* A register is named in the instruction: a row of eight bytes for each of 80, taken by number. */
    .macro rows instruction
    .option push
    .option norvc
    .set register, PMPCFG0
    .rept 80
    \instruction
    ret
    .set register, register + 1
    .endr
    .option pop
    .endm

    .macro write_row
    csrw register, a0
    .endm
    .macro read_row
    csrr a0, register
    .endm

    .balign 8
write_rows:
    rows write_row
read_rows:
    rows read_row

    /* t0 = 8 * row of the write at a0; a1 its value. */
    .macro row_of
    lw t0, 0(a0)
    lw t1, 4(a0)
    LOAD a1, 8(a0)
    bnez t0, 1f
    addi t1, t1, PMPADDR0 - PMPCFG0
1:  slli t0, t1, 3
    .endm

    .global unit_write
unit_write:
    row_of
    la t1, write_rows
    add t1, t1, t0
    mv a0, a1
    jr t1

    .global unit_read
unit_read:
    row_of
    la t1, read_rows
    add t1, t1, t0
    li a1, 0
    jr t1

    .global unit_reset
unit_reset:
    .set register, PMPCFG0
    .rept 4 / CFG_STEP
    csrw register, x0
    .set register, register + CFG_STEP
    .endr
    la t0, trap
    csrw mtvec, t0
    ret

    .global unit_off
unit_off:                           /* it is never off */
    ret

    .global plant
plant:
    li t0, 0x73                     /* ecall */
    sh t0, 0(a0)
    sh x0, 2(a0)
    fence.i
    ret

    .global unit_probe
unit_probe:                         /* a0 probe; a2 outcome */
    addi sp, sp, -64
    STORE ra, 0(sp)
    csrw mscratch, sp
    STORE a2, 8(sp)
    LOAD t2, 0(a0)                  /* address */
    lbu t3, 8(a0)                   /* access */
    lbu t4, 9(a0)                   /* user */
    li t5, MPP
    csrs mstatus, t5
    beqz t4, 1f
    csrc mstatus, t5
1:  li t6, 2
    beq t3, t6, 3f
    beqz t4, 2f
    li t5, MPRV                     /* from here on data is reached as U-mode: registers only */
    csrs mstatus, t5
2:  andi t6, t2, 2                  /* what is written is the half of ecall that belongs there */
    srli t6, t6, 1
    addi t6, t6, -1
    andi t6, t6, 0x73
    bnez t3, 4f
    lhu t1, 0(t2)
    j back
4:  sh t6, 0(t2)
    j back
3:  csrw mepc, t2
    mret

    .balign 4
trap:                               /* MPP is M again, or what came here says otherwise in mcause */
    csrr sp, mscratch
    LOAD a2, 8(sp)
    csrr t0, mcause
    sw t0, 0(a2)
    csrr t1, mtval
    li t3, 8                        /* ecall from U-mode, 11 from M-mode: mtval says nothing, mepc where it was */
    bltu t0, t3, 1f
    csrr t1, mepc
1:  STORE t1, 8(a2)
    csrr t1, mstatus
    srli t1, t1, 11
    andi t1, t1, 3
    sw t1, 4(a2)
back:
    li t5, MPRV
    csrc mstatus, t5
    LOAD ra, 0(sp)
    addi sp, sp, 64
    ret

    /* The other harts sleep until one of them is asked to run the current table, by a software interrupt that only wakes. */
    .equ CLINT, 0x02000000
    .global run_on
run_on:
    la t0, asked
    sw a0, 0(t0)
    fence
    slli t1, a0, 2
    li t2, CLINT
    add t1, t1, t2
    li t2, 1
    sw t2, 0(t1)
1:  lw t2, 0(t0)
    bnez t2, 1b
    fence
    ret

    .global secondary
secondary:
    mv s0, a0
    li t0, 8                        /* mie.MSIE */
    csrw mie, t0
1:  wfi
    la s1, asked
    lw t0, 0(s1)
    bne t0, s0, 1b
    fence
    slli t1, s0, 2
    li t2, CLINT
    add t1, t1, t2
    sw x0, 0(t1)
    call run_current
    fence
    sw x0, 0(s1)
    j 1b

    .bss
    .balign 4
asked:
    .skip 4
