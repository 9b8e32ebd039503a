/*
 * Programs one table after the other and makes each access of it. The image has, after the number of tables: each table's head, its register
 * writes, its probes. The results: for each table the registers read back, then the outcomes.
 */
#include "Mpu/probe.h"

#ifdef __riscv
/* Runs run_current on another hart, and comes back when it is done. */
void run_on(uint32_t hart);
#else
#define run_on(hart) finish(EXIT_UNEXPECTED - 2)
#endif

static struct outcome outcomes[1024];
static uint64_t values[256];

static const struct table *current;

void run_current(void)
{
    const struct register_write *writes = (const void *)(current + 1);
    const struct probe *probes = (const void *)(writes + current->writes);
    uint32_t done = 0;

    unit_reset();
    /* Before a table that may forbid it. */
    for (uint32_t i = 0; i < current->probes; i++)
        if (probes[i].plant)
            plant((uintptr_t)probes[i].address);
    for (uint32_t i = 0; i < current->writes; i++)
        unit_write(&writes[i]);
    for (uint32_t i = 0; i < current->writes; i++)
        values[i] = unit_read(&writes[i]);
    report(values, current->writes * sizeof values[0]);
    for (uint32_t i = 0; i < current->probes; i++)
    {
        struct outcome *outcome = &outcomes[done++];
        outcome->cause = outcome->status = 0;
        outcome->address = 0;
        unit_probe(&probes[i], current, outcome);
        if (done == sizeof outcomes / sizeof outcomes[0])
        {
            report(outcomes, sizeof outcomes);
            done = 0;
        }
    }
    report(outcomes, done * sizeof outcomes[0]);
}

void program(void)
{
    const uint64_t *image = (const uint64_t *)IMAGE_ADDRESS;
    uint64_t tables = *image;

    current = (const struct table *)(image + 1);
    for (; tables; tables--)
    {
        const struct register_write *writes = (const void *)(current + 1);
        if (current->hart == 0)
            run_current();
        else
            run_on(current->hart);
        current = (const struct table *)((const struct probe *)(writes + current->writes) + current->probes);
    }
}
