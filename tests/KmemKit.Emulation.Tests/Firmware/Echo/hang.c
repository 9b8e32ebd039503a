/* Reports one byte and never ends. */
#include "Common/emulation.h"

void program(void)
{
    report("x", 1);
    for (;;)
        __asm__ volatile("" : : : "memory");
}
