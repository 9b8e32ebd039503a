/*
 * Probes of a translation regime: the program is given tables, register values and accesses to try, and says what each access met. What the
 * processor needs for that is in one file per architecture; the order of things is in probe.c.
 */
#ifndef MMU_PROBE_H
#define MMU_PROBE_H

#include "Common/emulation.h"

enum { KIND_READ = 0, KIND_WRITE = 1, KIND_EXECUTE = 2, KIND_MASK = 3, FLAG_USER = 4, FLAG_STATE_SHIFT = 8 };

/* All of 64 bits, so that C# writes it the same for every architecture. */
struct probe
{
    uint64_t address;
    uint64_t flags;             /* kind, user, and from bit 8 on the architecture's own state bits */
};

struct outcome
{
    uint64_t status;            /* 0: it went through; else the fault status register, with ... */
    uint64_t source;            /* ... where it was taken: an exception's number */
    uint64_t address;           /* the fault address register */
    uint64_t value;             /* what was loaded, or what the code at the address said */
};

struct script
{
    uint64_t next;              /* physical address of the next one, 0 for the last */
    uint64_t probes;
    uint64_t fills;
    uint64_t dump;              /* reported behind the outcomes: the tables, as hardware left them */
    uint64_t dump_size;
    uint64_t setup[20];         /* registers */
    uint64_t data[];            /* pages to fill, by physical address; probes */
};

/* A page that is filled says its number (address / 4096) to a load at 16 and to whoever executes its first byte; 24 is for stores. */
enum { PAGE_NUMBER_AT = 16, PAGE_STORE_AT = 24 };
void write_code(volatile uint32_t *page, uint32_t number);

/* Translation on, off. */
void enter(const uint64_t *setup);
void leave(const uint64_t *setup);

/* Stays at 'spin' under the translation, as its kernel, for somebody who looks from outside. */
_Noreturn void hold(const uint64_t *setup);

void try_access(const uint64_t *setup, const struct probe *probe, uint32_t number, struct outcome *outcome);

#endif
