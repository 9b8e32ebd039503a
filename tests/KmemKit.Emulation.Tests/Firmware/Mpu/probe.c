/*
 * Programs one table after the other and makes each access of it. The image has, after the number of tables: each table's head, its register
 * writes, its probes. The results: for each table the registers read back, then the outcomes.
 */
#include "Mpu/probe.h"

#ifdef GENERATED
#include "generated.h"
enum { EXIT_APPLY = 32, EXIT_VERIFY, EXIT_NOT_SEEN, EXIT_REFUSED };
#endif

#ifdef __riscv
/* Runs run_current on another hart, and comes back when it is done. */
void run_on(uint32_t hart);
#else
#define run_on(hart) finish(EXIT_UNEXPECTED - 2)
#endif

static struct outcome outcomes[1024];
static uint64_t values[256];

static const struct table *current;

static void program_unit(const struct register_write *writes)
{
#ifdef GENERATED
    /* While the unit is on, the policy may not let the program read the image. */
    uint32_t domain = current->generated & 0xff, is_switch = current->generated & 0x100, wrong = current->generated >> 16;
    struct register_write right = wrong ? writes[wrong - 1] : (struct register_write){ 0, 0, 0 };

    if (is_switch ? GENERATED_SWITCH(domain) : GENERATED_APPLY(domain))
        finish(EXIT_APPLY);
    if (GENERATED_VERIFY(domain) != 0)
        finish(EXIT_VERIFY);
    if (wrong)
    {
        struct register_write other = right;

        other.value ^= 1u << 12;
        unit_write(&other);
        if (GENERATED_VERIFY(domain) != 1)
            finish(EXIT_NOT_SEEN);
        unit_write(&right);
    }
    if (GENERATED_APPLY(GENERATED_DOMAINS) != -1 || GENERATED_SWITCH(GENERATED_DOMAINS) != -1 || GENERATED_VERIFY(domain) != 0)
        finish(EXIT_REFUSED);
    unit_off();
#else
    for (uint32_t i = 0; i < current->writes; i++)
        unit_write(&writes[i]);
#endif
}

void run_current(void)
{
    const struct register_write *writes = (const void *)(current + 1);
    const struct probe *probes = (const void *)(writes + current->writes);
    uint32_t done = 0;

    if (!(current->generated & 0x100))
        unit_reset();
    /* Before a table that may forbid it. */
    for (uint32_t i = 0; i < current->probes; i++)
        if (probes[i].plant)
            plant((uintptr_t)probes[i].address);
    program_unit(writes);
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
