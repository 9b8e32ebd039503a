/* The macros of a kernel with a hole in its linear map, in the loops that they are measured in.
 *
 * PHYS_TO_VIRT(x) and VIRT_TO_PHYS(x) come from the command line with the numbers of one map. An address is 32 bits, as in the kernel;
 * it lies in a 64-bit word, as in the arrays that the C# side reads.
 */
#include <stdint.h>
#include <stddef.h>

uint64_t sum(const uint64_t *addresses, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t phys = (uint32_t)addresses[i];

		sum += (uint32_t)PHYS_TO_VIRT(phys);
	}
	return sum;
}

uint64_t sum_back(const uint64_t *addresses, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t virt = (uint32_t)addresses[i];

		sum += (uint32_t)VIRT_TO_PHYS(virt);
	}
	return sum;
}

/* Each translation waits for the result of the one before; the exclusive or keeps a compiler from adding the offset ahead of time. */
uint64_t chain(const uint64_t *addresses, size_t count)
{
	uint64_t last = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t phys = (uint32_t)(addresses[i] ^ (last & 1));

		last = (uint32_t)PHYS_TO_VIRT(phys);
	}
	return last;
}

/* The loop of chain alone: what it costs without a translation. */
uint64_t empty_chain(const uint64_t *addresses, size_t count)
{
	uint64_t last = 0;

	for (size_t i = 0; i < count; i++)
		last = (uint32_t)(addresses[i] ^ (last & 1));
	return last;
}

void translate(const uint64_t *restrict source, uint64_t *restrict destination, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t phys = (uint32_t)source[i];

		destination[i] = (uint32_t)PHYS_TO_VIRT(phys);
	}
}
