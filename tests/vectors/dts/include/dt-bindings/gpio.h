#pragma once
/* Bits of a GPIO specifier. */
#define GPIO_ACTIVE_HIGH	0
#define GPIO_ACTIVE_LOW	1
#define GPIO_OPEN_DRAIN	(1 << 2 | 2)
#define BANK_A 0
#define BANK_B 1
#define PIN(bank, number) (BANK_##bank * 32 + number)
