/* What a memory protection unit is asked, and what the core of each architecture gives to ask it. */
#ifndef PROBE_H
#define PROBE_H

#include "Common/emulation.h"

/* One register of the unit. Which number means which register is the core's; index is the region. */
struct register_write { uint32_t number, index; uint64_t value; };

enum { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

/* plant: memory is there, so that an instruction that comes back must be put there before it can be executed. */
struct probe { uint64_t address; uint8_t access, user, plant, spare[5]; };

/* cause: 0, or the number of the exception; status and address: the fault registers. What was executed comes back with its own exception. */
struct outcome { uint32_t cause, status; uint64_t address; };

/*
 * control: the unit's control register while it is on. hart: which core runs it; a table that locks entries needs a core that has not run one. stack: where
 * a core that stacks does it while the probed address is executed, as whoever executes it. generated: how the board's own header programs the unit instead
 * of the writes: its domain in bits 7:0, bit 8 for a switch from the table before, and in bits 31:16 a write, counted from 1, that is made wrong once.
 */
struct table { uint32_t writes, probes, control, hart, stack, generated; };

/* All regions off, and the unit, where it can be. */
void unit_reset(void);
void unit_write(const struct register_write *write);
uint64_t unit_read(const struct register_write *write);

/* The unit off, its regions as they are. */
void unit_off(void);

/* Puts the instruction there that comes back. */
void plant(uintptr_t address);

/* The unit is on, as the table says, during the access and not around it. */
void unit_probe(const struct probe *probe, const struct table *table, struct outcome *outcome);

#endif
