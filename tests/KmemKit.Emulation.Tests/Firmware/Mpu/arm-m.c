/* PMSAv7-M and PMSAv8-M: registers of the system control space (ARM DDI 0403E B3.5, ARM DDI 0553 D1.2), by their addresses. */
#include "Mpu/probe.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
enum { MPU_TYPE = 0xe000ed90, MPU_CTRL = 0xe000ed94, MPU_RNR = 0xe000ed98, MPU_RASR = 0xe000eda0, SHCSR = 0xe000ed24 };
enum { NO_REGION = 0xffffffff };

void probe_data(uintptr_t address, uint32_t which, uint32_t control);
void probe_execute(uintptr_t address, uint32_t user, uint32_t control, uint32_t stack);

/* Filled by the handlers. */
struct outcome probe_outcome;

void unit_reset(void)
{
    uint32_t regions = REGISTER(MPU_TYPE) >> 8 & 0xff;

    REGISTER(MPU_CTRL) = 0;
    /* Memory management, bus, usage and secure faults as exceptions of their own. */
    REGISTER(SHCSR) |= 0xf << 16;
    for (uint32_t i = 0; i < regions; i++)
    {
        REGISTER(MPU_RNR) = i;
        /* MPU_RLAR has its enable bit at the same place. */
        REGISTER(MPU_RASR) = 0;
    }
}

void unit_off(void)
{
    REGISTER(MPU_CTRL) = 0;
    __asm__ volatile("dsb\n\tisb" : : : "memory");
}

void unit_write(const struct register_write *write)
{
    if (write->index != NO_REGION)
        REGISTER(MPU_RNR) = write->index;
    REGISTER(write->number) = (uint32_t)write->value;
}

uint64_t unit_read(const struct register_write *write)
{
    if (write->index != NO_REGION)
        REGISTER(MPU_RNR) = write->index;
    return REGISTER(write->number);
}

void plant(uintptr_t address)
{
    *(volatile uint16_t *)address = 0xdf01; /* svc #1 */
}

void unit_probe(const struct probe *probe, const struct table *table, struct outcome *outcome)
{
    probe_outcome = (struct outcome){ 0, 0, 0 };
    if (probe->access == ACCESS_EXECUTE)
        probe_execute((uintptr_t)probe->address, probe->user, table->control, table->stack);
    else
        probe_data((uintptr_t)probe->address, probe->access + probe->user * 2u, table->control);
    *outcome = probe_outcome;
}
