/*
 * AArch64, at whichever exception level the machine starts. A program that wants its exceptions sets VBAR_ELx itself; those of here end
 * the emulator: EXIT_UNEXPECTED + number of the vector.
 */
    .section .start, "ax"
    .global _start
_start:
    adrp x0, stack_top
    add x0, x0, :lo12:stack_top
    mov sp, x0
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    mrs x1, CurrentEL
    cmp x1, #(2 << 2)
    b.eq 2f
    b.hi 3f
    msr vbar_el1, x0
    b 4f
2:  msr vbar_el2, x0
    b 4f
3:  msr vbar_el3, x0
4:  isb
    bl program
    mov w0, #0
    bl finish

    .balign 2048
    .global vectors
vectors:
    .set number, 0
    .rept 16
    .balign 128
    mov w0, #(64 + number)
    bl finish
    .set number, number + 1
    .endr
