/*
 * x86, 32-bit and long mode: the program is in ring 0 under the tables that are probed; they map it one to one, with the user_stubs page for ring 3
 * too. Whatever is raised comes back to whoever called the access.
 */
#include "Mmu/probe.h"

enum { CR0, CR3, CR4, EFER, PAT };
enum { VECTOR_GENERAL_PROTECTION = 13, VECTOR_PAGE_FAULT = 14, VECTOR_SAID = 0x80 };
enum { KERNEL_CODE = 8, KERNEL_DATA = 16, USER_CODE = 24 + 3, USER_DATA = 32 + 3, TASK = 40 };
enum { EFLAGS_FIXED = 2, EFLAGS_AC_BIT = 18, EFER_MSR = 0xc0000080, PAT_MSR = 0x277 };

/* Each gives the vector that was raised; 0 for none. */
uintptr_t ring0_load(uintptr_t address, uintptr_t flags);
uintptr_t ring0_store(uintptr_t address, uintptr_t flags, uintptr_t value);
uintptr_t ring0_jump(uintptr_t address, uintptr_t flags);
_Noreturn void spin(void);
uintptr_t ring3_jump(uintptr_t address, uintptr_t target, uintptr_t value);
extern char user_load[], user_store[];
extern char trap_13[], trap_14[], trap_128[], trap_other[], stack_top[];

/* What x86.S leaves: the error code of the last exception, and the accumulator. */
volatile uintptr_t trap_error, trap_value, trap_address;

static uint64_t segments[8] __attribute__((aligned(16)));
static uint32_t task[26] __attribute__((aligned(16)));
static uint32_t gates[256][sizeof(uintptr_t) / 2] __attribute__((aligned(16)));
static uint64_t boot_cr3, boot_cr4;

#define SET_CR(name, value) __asm__ volatile("mov %0, %%" #name : : "r"((uintptr_t)(value)) : "memory")
#define GET_CR(name) ({ uintptr_t value_; __asm__ volatile("mov %%" #name ", %0" : "=r"(value_)); value_; })

static void write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void write_code(volatile uint32_t *page, uint32_t number)
{
    volatile uint8_t *code = (volatile uint8_t *)page;
    code[0] = 0xb8;                     /* mov $number, %eax */
    for (int i = 0; i < 4; i++)
        code[1 + i] = (uint8_t)(number >> (8 * i));
    code[5] = 0xcd;                     /* int $0x80 */
    code[6] = VECTOR_SAID;
}

static void gate(int vector, const char *handler, int ring)
{
    uintptr_t at = (uintptr_t)handler;
    gates[vector][0] = KERNEL_CODE << 16 | (uint32_t)(at & 0xffff);
    gates[vector][1] = (uint32_t)(at & 0xffff0000) | 0x8e00 | (uint32_t)ring << 13;
#ifdef __x86_64__
    gates[vector][2] = (uint32_t)(at >> 32);
    gates[vector][3] = 0;
#endif
}

static void load_tables(void)
{
    static int done;
    struct { uint16_t limit; uintptr_t base; } __attribute__((packed)) place;

    if (done)
        return;
    done = 1;
    uintptr_t at = (uintptr_t)task;
#ifdef __x86_64__
    uint64_t code = 0x00af9b000000ffff;
    task[1] = (uint32_t)(uintptr_t)stack_top - 0x4000;                  /* RSP0 */
#else
    uint64_t code = 0x00cf9b000000ffff;
    task[1] = (uint32_t)(uintptr_t)stack_top - 0x4000;                  /* ESP0 */
    task[2] = KERNEL_DATA;
#endif
    uint64_t data = 0x00cf93000000ffff, user = 3ULL << 45;
    segments[1] = code;
    segments[2] = data;
    segments[3] = code | user;
    segments[4] = data | user;
    segments[5] = (sizeof task - 1) | (uint64_t)(at & 0xffffff) << 16 | 0x89ULL << 40 | (uint64_t)(at >> 24 & 0xff) << 56;
    for (int vector = 0; vector < 256; vector++)
        gate(vector, trap_other, 0);
    gate(VECTOR_GENERAL_PROTECTION, trap_13, 0);
    gate(VECTOR_PAGE_FAULT, trap_14, 0);
    gate(VECTOR_SAID, trap_128, 3);
    place.limit = sizeof segments - 1;
    place.base = (uintptr_t)segments;
    __asm__ volatile("lgdt %0" : : "m"(place));
    place.limit = sizeof gates - 1;
    place.base = (uintptr_t)gates;
    __asm__ volatile("lidt %0" : : "m"(place));
    __asm__ volatile("ltr %w0" : : "r"(TASK));
}

void enter(const uint64_t *setup)
{
    load_tables();
    write_msr(PAT_MSR, setup[PAT]);
#ifdef __x86_64__
    boot_cr3 = GET_CR(cr3);
    boot_cr4 = GET_CR(cr4);
    write_msr(EFER_MSR, setup[EFER]);
    SET_CR(cr4, setup[CR4]);
    SET_CR(cr3, setup[CR3]);
    SET_CR(cr0, setup[CR0]);
#else
    (void)boot_cr3;
    (void)boot_cr4;
    SET_CR(cr4, setup[CR4]);
    if (setup[EFER])
        write_msr(EFER_MSR, setup[EFER]);
    SET_CR(cr3, setup[CR3]);
    SET_CR(cr0, setup[CR0]);
#endif
}

void leave(const uint64_t *setup)
{
#ifdef __x86_64__
    (void)setup;
    write_msr(EFER_MSR, 1 << 8 | 1 << 11);
    SET_CR(cr3, boot_cr3);
    SET_CR(cr4, boot_cr4);
#else
    SET_CR(cr0, setup[CR0] & ~(1u << 31));
    SET_CR(cr3, 0);
#endif
}

void hold(const uint64_t *setup)
{
    (void)setup;
    spin();
}

void try_access(const uint64_t *setup, const struct probe *probe, uint32_t number, struct outcome *outcome)
{
    uintptr_t address = (uintptr_t)probe->address, vector;
    uintptr_t flags = EFLAGS_FIXED | (uintptr_t)(probe->flags >> FLAG_STATE_SHIFT & 1) << EFLAGS_AC_BIT;
    uint64_t kind = probe->flags & KIND_MASK;

    (void)setup;
    if (probe->flags & FLAG_USER)
        vector = ring3_jump(kind == KIND_EXECUTE ? address : (uintptr_t)(kind == KIND_WRITE ? user_store : user_load), address, number);
    else if (kind == KIND_READ)
        vector = ring0_load(address, flags);
    else if (kind == KIND_WRITE)
        vector = ring0_store(address, flags, number);
    else
        vector = ring0_jump(address, flags);
    outcome->value = (uint32_t)trap_value;
    if (vector && vector != VECTOR_SAID)
    {
        outcome->source = vector;
        outcome->status = trap_error;
        outcome->address = trap_address;
    }
}
