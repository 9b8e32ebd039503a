/*
 * AArch64: the program is at EL2 with its own translation off; what is probed is the EL1&0 regime, and stage 2 under it. EL1's vectors and
 * the loads and stores are in stubs.S, which the test maps where it likes.
 */
#include "Mmu/probe.h"

enum { MAIR, TCR, TTBR0, TTBR1, SCTLR, VTCR, VTTBR, HCR, VBAR, STUBS, USER_STUBS };
enum { STUB_READ = 0, STUB_WRITE = 16, STUB_SPIN = 32 };        /* offsets in stubs.S */
enum { CLASS_SVC = 0x15, CLASS_HVC = 0x16 };

/* Enters EL1 or EL0 and comes back with x0 when anything is taken to EL2. */
uint64_t excursion(uint64_t address, uint64_t state, uint64_t target, uint64_t value);
extern char hyp_vectors[];

#define SET(name, value) __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)))
#define GET(name) ({ uint64_t value_; __asm__ volatile("mrs %0, " #name : "=r"(value_)); value_; })

void write_code(volatile uint32_t *page, uint32_t number)
{
    page[0] = 0xd2800000 | (number & 0xffff) << 5;      /* movz x0, #number */
    page[1] = 0xf2a00000 | (number >> 16) << 5;         /* movk x0, #number >> 16, lsl #16 */
    page[2] = 0xd4000001;                               /* svc #0 */
}

void enter(const uint64_t *setup)
{
    SET(vbar_el2, hyp_vectors);
    SET(mair_el1, setup[MAIR]);
    SET(tcr_el1, setup[TCR]);
    SET(ttbr0_el1, setup[TTBR0]);
    SET(ttbr1_el1, setup[TTBR1]);
    SET(vbar_el1, setup[VBAR]);
    SET(vtcr_el2, setup[VTCR]);
    SET(vttbr_el2, setup[VTTBR]);
    SET(hcr_el2, setup[HCR] | 1ULL << 31);              /* RW: EL1 is AArch64 */
    SET(sctlr_el1, setup[SCTLR]);
    __asm__ volatile("dsb sy; tlbi alle1; ic iallu; dsb sy; isb" : : : "memory");
}

void leave(const uint64_t *setup)
{
    (void)setup;
    SET(hcr_el2, 1ULL << 31);
    __asm__ volatile("dsb sy; tlbi alle1; dsb sy; isb" : : : "memory");
}

void hold(const uint64_t *setup)
{
    excursion(setup[STUBS] + STUB_SPIN, 0x3c5, 0, 0);
    finish(3);
}

void try_access(const uint64_t *setup, const struct probe *probe, uint32_t number, struct outcome *outcome)
{
    uint64_t kind = probe->flags & KIND_MASK;
    uint64_t user = probe->flags & FLAG_USER;
    uint64_t stubs = setup[user ? USER_STUBS : STUBS];
    uint64_t target = kind == KIND_EXECUTE ? probe->address : stubs + (kind == KIND_WRITE ? STUB_WRITE : STUB_READ);

    SET(esr_el1, 0);
    /* Interrupts masked, EL1h or EL0t; PAN is bit 22. */
    uint64_t state = 0x3c0 | (user ? 0 : 5) | (probe->flags >> FLAG_STATE_SHIFT & 1) << 22;
    outcome->value = excursion(target, state, probe->address, number);
    uint64_t taken = GET(esr_el2), inner = GET(esr_el1);
    if (taken >> 26 != CLASS_HVC)
    {
        outcome->status = taken;
        outcome->source = 2;
        outcome->address = GET(hpfar_el2);
    }
    else if (inner && inner >> 26 != CLASS_SVC)
    {
        outcome->status = inner;
        outcome->source = 1;
        outcome->address = GET(far_el1);
    }
}
