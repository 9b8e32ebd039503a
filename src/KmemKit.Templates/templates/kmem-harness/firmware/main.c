/*
 * The firmware of the board. Every address comes from the devicetree, by the header that 'dotnet build' writes:
 *
 *   arm-none-eabi-gcc -mcpu=cortex-a9 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib -Ifirmware/generated -Lfirmware/generated \
 *       -T firmware/firmware.ld firmware/main.c -o firmware/firmware.elf
 */
#include <stdint.h>
#include "demo.kmem.h"

/* What the code relies on is checked while it is compiled. */
_Static_assert(KMEM_PHYS_TO_VIRT(0x90000000U) == 0xd0000000U, "the second chip is mapped where the drivers expect it");
_Static_assert(KMEM_IS_LINEAR_PHYS(KMEM_RESERVED_MODEM_BASE) == 0, "the modem's memory is nobody else's");

extern uint32_t __bss_start, __bss_end;

static volatile uint32_t *const uart_data = (volatile uint32_t *)KMEM_DEVICE_UART0_BASE;

static void print(const char *text)
{
	while (*text != '\0')
		*uart_data = (uint32_t)*text++;
}

__attribute__((noreturn)) void firmware(void)
{
	for (uint32_t *word = &__bss_start; word < &__bss_end; word++)
		*word = 0;
	print(KMEM_BOARD "\n");
	for (;;)
		;
}

__attribute__((naked, section(".text.start"))) void start(void)
{
	__asm__ volatile("ldr sp, =__stack_top\n\tb firmware");
}
