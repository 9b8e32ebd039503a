/*
 * RISC-V: the program stays in M-mode, which nothing translates. Loads and stores go through the tables by mstatus.MPRV; to execute, it returns
 * into S- or U-mode and waits for the trap.
 */
#include "Mmu/probe.h"

enum { SATP, MENVCFG };
enum { CAUSE_USER_ECALL = 8, CAUSE_SUPERVISOR_ECALL = 9 };
#define MPRV (1u << 17)
#define MPP_SHIFT 11
#define SUM_SHIFT 18            /* SUM 18, MXR 19 */

/* Each gives mcause, or all ones where nothing was taken; the value in *value. */
uintptr_t guarded_load(uintptr_t address, uintptr_t status, uintptr_t *value);
uintptr_t guarded_store(uintptr_t address, uintptr_t status, uintptr_t value);
uintptr_t guarded_jump(uintptr_t address, uintptr_t status, uintptr_t *value);

_Noreturn void stay(uintptr_t status);

#define SET(name, value) __asm__ volatile("csrw " #name ", %0" : : "r"((uintptr_t)(value)))
#define GET(name) ({ uintptr_t value_; __asm__ volatile("csrr %0, " #name : "=r"(value_)); value_; })

void write_code(volatile uint32_t *page, uint32_t number)
{
    uint32_t low = number & 0xfff;
    page[0] = 0x00000537 | ((number + (low & 0x800 ? 0x1000 : 0)) & 0xfffff000);        /* lui a0, number */
    page[1] = 0x00050513 | low << 20;                                                   /* addi a0, a0, number */
    page[2] = 0x00000073;                                                               /* ecall */
}

void enter(const uint64_t *setup)
{
    SET(pmpaddr0, ~(uintptr_t)0);
    SET(pmpcfg0, 0x1f);         /* everything, NAPOT, rwx */
#if __riscv_xlen == 64
    if (setup[MENVCFG])
        SET(0x30a, setup[MENVCFG]);
#endif
    SET(satp, setup[SATP]);
    __asm__ volatile("sfence.vma; fence.i" : : : "memory");
}

void leave(const uint64_t *setup)
{
    (void)setup;
    SET(satp, 0);
    __asm__ volatile("sfence.vma" : : : "memory");
}

void hold(const uint64_t *setup)
{
    (void)setup;
    stay(1u << MPP_SHIFT | MPRV);
}

void try_access(const uint64_t *setup, const struct probe *probe, uint32_t number, struct outcome *outcome)
{
    (void)setup;
    uintptr_t address = (uintptr_t)probe->address, value = 0, cause;
    uintptr_t status = (probe->flags & FLAG_USER ? 0 : 1u << MPP_SHIFT) | (uintptr_t)(probe->flags >> FLAG_STATE_SHIFT & 3) << SUM_SHIFT;

    switch (probe->flags & KIND_MASK)
    {
    case KIND_READ:
        cause = guarded_load(address, status | MPRV, &value);
        break;
    case KIND_WRITE:
        cause = guarded_store(address, status | MPRV, number);
        break;
    default:
        cause = guarded_jump(address, status, &value);
        if (cause == (probe->flags & FLAG_USER ? CAUSE_USER_ECALL : CAUSE_SUPERVISOR_ECALL))
            cause = ~(uintptr_t)0;
        break;
    }
    if (cause != ~(uintptr_t)0)
    {
        outcome->status = cause;
        outcome->source = 1;
        outcome->address = GET(mtval);
    }
    outcome->value = (uint32_t)value;
}
