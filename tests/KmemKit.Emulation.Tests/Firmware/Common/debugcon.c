/* Results of a PC: bytes to the debug console at port 0xe9, exit code to QEMU's exit device at 0xf4. */
#include "Common/emulation.h"

void report(const void *bytes, size_t size)
{
    __asm__ volatile("cld; rep outsb" : "+S"(bytes), "+c"(size) : "d"(0xe9) : "memory");
}

_Noreturn void finish(int code)
{
    for (;;)
        __asm__ volatile("outl %0, %w1" : : "a"(code), "d"(0xf4));
}
