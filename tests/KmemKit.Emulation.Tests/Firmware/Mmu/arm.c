/*
 * Armv7-A: the program is in Hyp mode with its own translation off; what is probed is the PL1&0 regime, and stage 2 under it. PL1's vectors and
 * the loads and stores are in arm.S, which the test maps where it likes.
 */
#include "Mmu/probe.h"

enum { TTBCR, TTBR0, TTBR1, DACR, MAIR0, MAIR1, SCTLR, VTCR, VTTBR, HCR, VBAR, STUBS, USER_STUBS };
enum { STUB_READ = 0, STUB_WRITE = 16, STUB_SPIN = 32 };        /* offsets in arm.S */
enum { CLASS_HVC = 0x12 };
enum { VECTOR_SVC = 2, VECTOR_PREFETCH_ABORT = 3, VECTOR_DATA_ABORT = 4, STAGE_TWO = 16 };

/* Enters PL1 or PL0 and comes back with r0 when anything is taken to Hyp mode. */
uint32_t excursion(uint32_t address, uint32_t state, uint32_t target, uint32_t value);

/* opc1, CRn, CRm, opc2 */
#define SET(name, value) __asm__ volatile("mcr p15, " name : : "r"((uint32_t)(value)))
#define GET(name) ({ uint32_t value_; __asm__ volatile("mrc p15, " name : "=r"(value_)); value_; })
#define R_SCTLR "0, %0, c1, c0, 0"
#define R_TTBR0 "0, %0, c2, c0, 0"
#define R_TTBR1 "0, %0, c2, c0, 1"
#define R_TTBCR "0, %0, c2, c0, 2"
#define R_DACR "0, %0, c3, c0, 0"
#define R_DFSR "0, %0, c5, c0, 0"
#define R_IFSR "0, %0, c5, c0, 1"
#define R_DFAR "0, %0, c6, c0, 0"
#define R_IFAR "0, %0, c6, c0, 2"
#define R_MAIR0 "0, %0, c10, c2, 0"
#define R_MAIR1 "0, %0, c10, c2, 1"
#define R_VBAR "0, %0, c12, c0, 0"
#define R_HCR "4, %0, c1, c1, 0"
#define R_VTCR "4, %0, c2, c1, 2"
#define R_HSR "4, %0, c5, c2, 0"
#define R_HPFAR "4, %0, c6, c0, 4"
#define R_TLBIALLNSNH "4, %0, c8, c7, 4"
#define R_ICIALLU "0, %0, c7, c5, 0"

void write_code(volatile uint32_t *page, uint32_t number)
{
    page[0] = 0xe3000000 | (number & 0xf000) << 4 | (number & 0xfff);                   /* movw r0, #number */
    page[1] = 0xe3400000 | (number >> 12 & 0xf0000) | (number >> 16 & 0xfff);           /* movt r0, #number >> 16 */
    page[2] = 0xef000000;                                                               /* svc #0 */
}

void enter(const uint64_t *setup)
{
    SET(R_TTBCR, setup[TTBCR]);
    if (setup[TTBCR] >> 31)
    {
        __asm__ volatile("mcrr p15, 0, %0, %1, c2" : : "r"((uint32_t)setup[TTBR0]), "r"((uint32_t)(setup[TTBR0] >> 32)));
        __asm__ volatile("mcrr p15, 1, %0, %1, c2" : : "r"((uint32_t)setup[TTBR1]), "r"((uint32_t)(setup[TTBR1] >> 32)));
    }
    else
    {
        SET(R_TTBR0, setup[TTBR0]);
        SET(R_TTBR1, setup[TTBR1]);
    }
    SET(R_DACR, setup[DACR]);
    SET(R_MAIR0, setup[MAIR0]);
    SET(R_MAIR1, setup[MAIR1]);
    SET(R_VBAR, setup[VBAR]);
    SET(R_VTCR, setup[VTCR]);
    __asm__ volatile("mcrr p15, 6, %0, %1, c2" : : "r"((uint32_t)setup[VTTBR]), "r"((uint32_t)(setup[VTTBR] >> 32)));
    SET(R_HCR, setup[HCR]);
    SET(R_SCTLR, setup[SCTLR]);
    SET(R_TLBIALLNSNH, 0);
    SET(R_ICIALLU, 0);
    __asm__ volatile("dsb; isb" : : : "memory");
}

void leave(const uint64_t *setup)
{
    (void)setup;
    SET(R_HCR, 0);
    SET(R_TLBIALLNSNH, 0);
    __asm__ volatile("dsb; isb" : : : "memory");
}

void hold(const uint64_t *setup)
{
    excursion((uint32_t)setup[STUBS] + STUB_SPIN, 0x1d3, 0, 0);
    finish(3);
}

void try_access(const uint64_t *setup, const struct probe *probe, uint32_t number, struct outcome *outcome)
{
    uint32_t kind = probe->flags & KIND_MASK;
    uint32_t user = probe->flags & FLAG_USER;
    uint32_t stubs = (uint32_t)setup[user ? USER_STUBS : STUBS];
    uint32_t target = kind == KIND_EXECUTE ? (uint32_t)probe->address : stubs + (kind == KIND_WRITE ? STUB_WRITE : STUB_READ);

    /* Interrupts masked, SVC or User mode. */
    outcome->value = excursion(target, 0x1c0 | (user ? 0x10 : 0x13), (uint32_t)probe->address, number);
    uint32_t syndrome = GET(R_HSR), from;
    __asm__ volatile(".arch_extension virt\nmrs %0, elr_hyp" : "=r"(from));
    if (syndrome >> 26 != CLASS_HVC)
    {
        outcome->source = STAGE_TWO;
        outcome->status = syndrome;
        outcome->address = GET(R_HPFAR);
        return;
    }
    if (!(syndrome & 1))
        return;
    uint32_t vector = (from - (uint32_t)setup[VBAR]) / 4 - 1;
    if (vector == VECTOR_SVC)
        return;
    outcome->source = vector;
    outcome->status = vector == VECTOR_DATA_ABORT ? GET(R_DFSR) : GET(R_IFSR);
    outcome->address = vector == VECTOR_DATA_ABORT ? GET(R_DFAR) : GET(R_IFAR);
}
