#include "Mmu/probe.h"

enum { MOST_PROBES = 24000 };

static struct outcome outcomes[MOST_PROBES];
static uint32_t stored[MOST_PROBES];

static void run(const struct script *script)
{
    const uint64_t *pages = script->data;
    const struct probe *probes = (const struct probe *)(pages + script->fills);

    if (script->probes > MOST_PROBES || script->fills > MOST_PROBES)
        finish(2);
    for (uint64_t i = 0; i < script->fills; i++)
    {
        volatile uint32_t *page = (volatile uint32_t *)(uintptr_t)pages[i];
        write_code(page, (uint32_t)(pages[i] >> 12));
        page[PAGE_NUMBER_AT / 4] = (uint32_t)(pages[i] >> 12);
        page[PAGE_STORE_AT / 4] = 0;
    }
    enter(script->setup);
    for (uint64_t i = 0; i < script->probes; i++)
    {
        outcomes[i] = (struct outcome){ 0, 0, 0, 0 };
        try_access(script->setup, &probes[i], (uint32_t)i + 1, &outcomes[i]);
    }
#ifdef HOLD
    hold(script->setup);
#endif
    leave(script->setup);
    for (uint64_t i = 0; i < script->fills; i++)
        stored[i] = ((volatile uint32_t *)(uintptr_t)pages[i])[PAGE_STORE_AT / 4];
    report(outcomes, script->probes * sizeof *outcomes);
    report(stored, script->fills * sizeof *stored);
    if (script->dump_size)
        report((const void *)(uintptr_t)script->dump, script->dump_size);
}

void program(void)
{
    for (uint64_t at = SCRIPT_ADDRESS; at; at = ((const struct script *)(uintptr_t)at)->next)
        run((const struct script *)(uintptr_t)at);
}
