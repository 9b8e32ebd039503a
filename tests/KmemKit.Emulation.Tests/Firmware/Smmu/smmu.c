/*
 * Bus masters behind QEMU's SMMUv3: "edu" PCI devices (docs/specs/edu.txt) are made to read and write through the tables that the test put into memory, and each answer goes out: what a
 * read brought, and the records of the event queue. What writes did is read out of the pages at the end.
 */
#include "Common/emulation.h"

#define SMMU 0x09050000UL
#define ECAM 0x4010000000UL
#define MMIO 0x10000000UL
#define BRIDGED_MMIO 0x10800000UL

enum { IDR0 = 0x0, IIDR = 0x18, AIDR = 0x1c, CR0 = 0x20, CR0ACK = 0x24, CR1 = 0x28, CR2 = 0x2c, GERROR = 0x60, GERRORN = 0x64, STRTAB_BASE = 0x80, STRTAB_BASE_CFG = 0x88,
       CMDQ_BASE = 0x90, CMDQ_PROD = 0x98, CMDQ_CONS = 0x9c, EVENTQ_BASE = 0xa0, EVENTQ_PROD = 0x100a8, EVENTQ_CONS = 0x100ac };
enum { SMMUEN = 1, EVENTQEN = 4, CMDQEN = 8 };
enum { QUEUE_BITS = 6, QUEUE_ENTRIES = 1 << QUEUE_BITS };

/* edu: offsets in its BAR, and in its own buffer. */
enum { DMA_SOURCE = 0x80, DMA_TARGET = 0x88, DMA_COUNT = 0x90, DMA_COMMAND = 0x98, BUFFER = 0x40000, RUN = 1, TO_MEMORY = 2 };
enum { EDU_ID = 0x11e81234, BRIDGE_SLOT = 4 };

/* The ways a page is looked at: a read finds the page's number at 16, a write goes to 24. */
enum { NUMBER = 16, WRITTEN = 24 };

/* What a device's buffer holds before a read. */
enum { UNREAD = 0x51515151 };

struct round { uint64_t strtab_base, strtab_base_cfg, cr2, writes, commands, probes; };
struct write { uint64_t address, value; };                          /* to memory, before the commands */
struct probe { uint64_t address, flags; };                          /* flags: bit 0 write, bits 15:8 number of the device */
struct command { uint64_t word0, word1; };
struct outcome { uint64_t value, events, record[4]; };
struct script { uint64_t rounds, fills, devices; };

static uint64_t commands[2 * QUEUE_ENTRIES] __attribute__((aligned(2 * 8 * QUEUE_ENTRIES)));
static volatile uint64_t events[4 * QUEUE_ENTRIES] __attribute__((aligned(4 * 8 * QUEUE_ENTRIES)));
static volatile uint64_t stage __attribute__((aligned(8)));
static uint32_t producer, consumer;

static volatile uint32_t *word(uint64_t at) { return (volatile uint32_t *)at; }
static volatile uint64_t *wide(uint64_t at) { return (volatile uint64_t *)at; }
static void set(int reg, uint32_t value) { *word(SMMU + reg) = value; }
static uint32_t get(int reg) { return *word(SMMU + reg); }

static volatile uint32_t *config(uint64_t bus, uint64_t slot, uint64_t reg) { return word(ECAM + (bus << 20) + (slot << 15) + reg); }

static void control(uint32_t value)
{
    set(CR0, value);
    while (get(CR0ACK) != value)
        ;
}

static void command(uint64_t word0, uint64_t word1)
{
    uint32_t at = producer & (QUEUE_ENTRIES - 1);
    commands[2 * at] = word0;
    commands[2 * at + 1] = word1;
    producer = (producer + 1) & (2 * QUEUE_ENTRIES - 1);
    __asm__ volatile("dsb sy" : : : "memory");
    set(CMDQ_PROD, producer);
    while ((get(CMDQ_CONS) & (2 * QUEUE_ENTRIES - 1)) != producer)
    {
        if (get(GERROR) != get(GERRORN))
            finish(EXIT_UNEXPECTED + 40);
    }
}

static void start_edu(uint64_t bus, uint64_t slot, uint64_t mmio)
{
    if (*config(bus, slot, 0) != EDU_ID)
        finish(EXIT_UNEXPECTED + 41);
    *config(bus, slot, 0x10) = (uint32_t)mmio;
    *config(bus, slot, 4) = 6;                                      /* memory space, bus master */
}

static uint64_t mmio_of(uint64_t device, uint64_t devices) { return device == devices - 1 ? BRIDGED_MMIO : MMIO + device * 0x100000; }

/* The last device is behind a root port, whose secondary bus is 0x41; the others are on bus 0. */
static void start_devices(uint64_t devices)
{
    for (uint64_t i = 0; i + 1 < devices; i++)
        start_edu(0, i + 1, MMIO + i * 0x100000);
    *config(0, BRIDGE_SLOT, 0x18) = 0x414100;
    *config(0, BRIDGE_SLOT, 0x20) = 0x10801080;                     /* memory behind it: 0x10800000 to 0x108fffff */
    *config(0, BRIDGE_SLOT, 4) = 6;
    start_edu(0x41, 0, BRIDGED_MMIO);
}

static void transfer(uint64_t mmio, uint64_t memory, int to_memory)
{
    *wide(mmio + DMA_SOURCE) = to_memory ? BUFFER : memory;
    *wide(mmio + DMA_TARGET) = to_memory ? memory : BUFFER;
    /* The least that is translated once: of a longer transfer that fails QEMU tries each word. */
    *wide(mmio + DMA_COUNT) = 4;
    *wide(mmio + DMA_COMMAND) = RUN | (to_memory ? TO_MEMORY : 0);
    /* 100 ms at 2^10 ns an instruction; asking the device meanwhile costs the emulator far more than counting. */
    for (uint32_t i = 0; i < 49000; i++)
        __asm__ volatile("");
    while (*wide(mmio + DMA_COMMAND) & RUN)
        ;
}

/* Past the SMMU, between the device's buffer and the staging word. */
static void aside(uint64_t mmio, int to_memory)
{
    control(EVENTQEN | CMDQEN);
    transfer(mmio, (uint64_t)&stage, to_memory);
    control(EVENTQEN | CMDQEN | SMMUEN);
}

static void try(const struct probe *probe, uint64_t number, uint64_t devices)
{
    struct outcome outcome = { 0 };
    uint64_t mmio = mmio_of(probe->flags >> 8 & 0xff, devices);
    stage = probe->flags & 1 ? number : UNREAD;
    aside(mmio, 0);
    transfer(mmio, probe->address, (int)(probe->flags & 1));
    if (!(probe->flags & 1))
    {
        stage = 0;
        aside(mmio, 1);
        outcome.value = stage;
    }
    uint32_t at = get(EVENTQ_PROD);
    outcome.events = (at - consumer) & (2 * QUEUE_ENTRIES - 1);
    if (outcome.events)
    {
        for (int i = 0; i < 4; i++)
            outcome.record[i] = events[4 * (consumer & (QUEUE_ENTRIES - 1)) + i];
        consumer = at & (2 * QUEUE_ENTRIES - 1);
        set(EVENTQ_CONS, consumer);
    }
    report(&outcome, sizeof outcome);
}

void program(void)
{
    const struct script *script = (const struct script *)SCRIPT_ADDRESS;
    const uint64_t *fills = (const uint64_t *)(script + 1);
    uint32_t id[8];
    for (int i = 0; i < 6; i++)
        id[i] = get(IDR0 + 4 * i);
    id[6] = get(IIDR);
    id[7] = get(AIDR);
    report(id, sizeof id);
    for (uint64_t i = 0; i < script->fills; i++)
    {
        *wide(fills[i] + NUMBER) = fills[i] >> 12;
        *wide(fills[i] + WRITTEN) = 0;
    }
    start_devices(script->devices);
    control(0);
    set(CR1, 0xd75);
    *wide(SMMU + CMDQ_BASE) = (uint64_t)commands | QUEUE_BITS;
    *wide(SMMU + EVENTQ_BASE) = (uint64_t)events | QUEUE_BITS;
    set(CMDQ_PROD, 0);
    set(CMDQ_CONS, 0);
    set(EVENTQ_PROD, 0);
    set(EVENTQ_CONS, 0);
    const char *next = (const char *)(fills + script->fills);
    uint64_t number = 0;
    for (uint64_t r = 0; r < script->rounds; r++)
    {
        const struct round *round = (const struct round *)next;
        const struct write *writes = (const struct write *)(round + 1);
        const struct command *extra = (const struct command *)(writes + round->writes);
        control(0);
        set(CR2, (uint32_t)round->cr2);
        *wide(SMMU + STRTAB_BASE) = round->strtab_base;
        set(STRTAB_BASE_CFG, (uint32_t)round->strtab_base_cfg);
        for (uint64_t i = 0; i < round->writes; i++)
            *wide(writes[i].address) = writes[i].value;
        control(EVENTQEN | CMDQEN);
        for (uint64_t i = 0; i < round->commands; i++)
            command(extra[i].word0, extra[i].word1);
        control(EVENTQEN | CMDQEN | SMMUEN);
        const struct probe *probes = (const struct probe *)(extra + round->commands);
        for (uint64_t i = 0; i < round->probes; i++)
            try(&probes[i], ++number, script->devices);
        next = (const char *)(probes + round->probes);
    }
    for (uint64_t i = 0; i < script->fills; i++)
    {
        uint64_t written = *wide(fills[i] + WRITTEN);
        report(&written, sizeof written);
    }
}
