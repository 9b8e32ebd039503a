/* AArch64 translation tables with 4 KiB granule and 39-bit addresses, three levels, as small as they can be written: the floor that the runtime's own are measured
 * against. Tables lie in one pool; physical address 0 is its first byte. Nothing is checked.
 */
#include <stdint.h>
#include <stddef.h>
#include <string.h>

#define ENTRIES 512
#define ADDRESS 0x0000fffffffff000ULL
#define TABLE 3ULL
#define PAGE 0x703ULL

static uint8_t *pool;
static uint64_t used;

void reset(uint8_t *memory)
{
	pool = memory;
	used = 4096;
	memset(pool, 0, 4096);
}

static uint64_t *below(uint64_t *entry, int clear)
{
	if (!(*entry & 1)) {
		if (clear)
			memset(pool + used, 0, 4096);
		*entry = used | TABLE;
		used += 4096;
	}
	return (uint64_t *)(pool + (*entry & ADDRESS));
}

__attribute__((noinline)) void map_page(uint64_t virt, uint64_t phys)
{
	uint64_t *table = below((uint64_t *)pool + ((virt >> 30) & 511), 1);

	table = below(table + ((virt >> 21) & 511), 1);
	table[(virt >> 12) & 511] = phys | PAGE;
}

void map_each(uint64_t virt, uint64_t phys, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		map_page(virt + i * 4096, phys + i * 4096);
}

void map_range(uint64_t virt, uint64_t phys, size_t pages)
{
	while (pages) {
		uint64_t *table = below((uint64_t *)pool + ((virt >> 30) & 511), 1);
		size_t index = (virt >> 12) & 511;
		size_t count = ENTRIES - index < pages ? ENTRIES - index : pages;

		table = below(table + ((virt >> 21) & 511), count != ENTRIES);
		for (size_t i = 0; i < count; i++)
			table[index + i] = (phys + i * 4096) | PAGE;
		virt += count * 4096;
		phys += count * 4096;
		pages -= count;
	}
}

void unmap_range(uint64_t virt, size_t pages)
{
	while (pages) {
		uint64_t *table = (uint64_t *)(pool + (((uint64_t *)pool)[(virt >> 30) & 511] & ADDRESS));
		size_t index = (virt >> 12) & 511;
		size_t count = ENTRIES - index < pages ? ENTRIES - index : pages;

		table = (uint64_t *)(pool + (table[(virt >> 21) & 511] & ADDRESS));
		memset(table + index, 0, count * sizeof(*table));
		virt += count * 4096;
		pages -= count;
	}
}

uint64_t walk(const uint64_t *addresses, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t virt = addresses[i];
		uint64_t entry = ((uint64_t *)pool)[(virt >> 30) & 511];

		if ((entry & 3) != TABLE)
			continue;
		entry = ((uint64_t *)(pool + (entry & ADDRESS)))[(virt >> 21) & 511];
		if ((entry & 3) != TABLE)
			continue;
		entry = ((uint64_t *)(pool + (entry & ADDRESS)))[(virt >> 12) & 511];
		if ((entry & 3) != 3)
			continue;
		sum += (entry & ADDRESS) | (virt & 4095);
	}
	return sum;
}

struct slot {
	uint64_t tag;
	uint64_t offset;
};

static struct slot tlb[256];

uint64_t tlb_fill(uint64_t virt, uint64_t offset)
{
	tlb[(virt >> 12) & 255] = (struct slot){ virt & ~4095ULL, offset };
	return 0;
}

uint64_t tlb_hit(const uint64_t *addresses, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t virt = addresses[i];
		const struct slot *slot = tlb + ((virt >> 12) & 255);

		if (slot->tag != (virt & ~4095ULL))
			return 0;
		sum += virt + slot->offset;
	}
	return sum;
}

uint64_t tlb_load(const uint64_t *addresses, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t virt = addresses[i];
		const struct slot *slot = tlb + ((virt >> 12) & 255);

		if (slot->tag != ((virt + 7) & ~4095ULL))
			return 0;
		sum += *(const uint64_t *)(virt + slot->offset);
	}
	return sum;
}

/* A CPU's TLB of 64 places in 4 ways, that go round, behind a direct-mapped front of pages, with the counts and checks that the runtime's own has: what a miss takes
 * at least. One address space, one kind of page, no other thread.
 */
#define SETS 16
#define WAYS 4
#define FRONT 256
#define VALID 0x80ULL
#define NEVER (~0ULL)
#define SPACE 1ULL
#define RAM (16ULL << 20)

struct place {
	uint64_t tag;
	uint64_t context;
	uint64_t output;
};

struct page {
	uint64_t read, write, fetch, page;
	uint64_t host, output, hits, unused;
};

static struct place places[SETS][WAYS];
static uint8_t next_way[SETS];
static struct page front[FRONT] __attribute__((aligned(64)));
static struct { uint64_t hits, misses, evictions; } statistics;

void port_reset(void)
{
	memset(places, 0, sizeof(places));
	memset(front, 0xff, sizeof(front));
	for (size_t i = 0; i < FRONT; i++)
		front[i].hits = 0;
}

static uint64_t bring_in(struct page *slot, uint64_t virt, uint64_t output)
{
	uint64_t page = virt & ~4095ULL;

	statistics.hits += slot->hits;
	*slot = (struct page){ page, page, page, page, (uint64_t)pool + output - page, output - page, 0, 0 };
	return *(const uint64_t *)(pool + output + (virt & 4095));
}

static __attribute__((noinline)) uint64_t missed(uint64_t virt, struct page *slot)
{
	uint64_t index = (virt >> 12) & (SETS - 1);
	uint64_t tag = (virt & ~4095ULL) | VALID;
	struct place *set = places[index];
	struct place *victim;
	struct page *old;
	uint64_t entry;

	if ((virt & 4095) > 4096 - 8)
		return 0;
	for (int way = 0; way < WAYS; way++) {
		if (set[way].tag == tag && set[way].context == SPACE) {
			statistics.hits++;
			return bring_in(slot, virt, set[way].output);
		}
	}
	entry = ((uint64_t *)pool)[(virt >> 30) & 511];
	if ((entry & 3) != TABLE)
		return 0;
	entry = ((uint64_t *)(pool + (entry & ADDRESS)))[(virt >> 21) & 511];
	if ((entry & 3) != TABLE)
		return 0;
	entry = ((uint64_t *)(pool + (entry & ADDRESS)))[(virt >> 12) & 511];
	/* What is allowed is known of a page whose attributes are these. */
	if ((entry & ~ADDRESS) != PAGE || (entry & ADDRESS) >= RAM)
		return 0;
	statistics.misses++;
	victim = set + next_way[index];
	next_way[index] = (next_way[index] + 1) % WAYS;
	statistics.evictions += victim->tag != 0;
	old = front + ((victim->tag >> 12) & (FRONT - 1));
	if (old->page == (victim->tag & ~4095ULL))
		old->read = old->write = old->fetch = old->page = NEVER;
	*victim = (struct place){ tag, SPACE, entry & ADDRESS };
	return bring_in(slot, virt, entry & ADDRESS);
}

uint64_t port_load(const uint64_t *addresses, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t virt = addresses[i];
		struct page *slot = front + ((virt >> 12) & (FRONT - 1));

		if (slot->read == ((virt + 7) & ~4095ULL)) {
			slot->hits++;
			sum += *(const uint64_t *)(virt + slot->host);
		} else {
			sum += missed(virt, slot);
		}
	}
	return sum;
}

uint64_t port_misses(void)
{
	return statistics.misses;
}
