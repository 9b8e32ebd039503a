/*
 * Results by semihosting: "Semihosting for AArch32 and AArch64" (Arm), "RISC-V Semihosting" (RISC-V International). The debugger, here the
 * emulator, reads the bytes out of memory and appends them to a file: megabytes cost one call.
 */
#include "Common/emulation.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_EXIT_EXTENDED = 0x20 };
enum { MODE_WRITE_BINARY = 5, APPLICATION_EXIT = 0x20026 };

static uintptr_t file;

static uintptr_t call(uintptr_t operation, const uintptr_t *arguments)
{
#if defined(__riscv)
    register uintptr_t a0 __asm__("a0") = operation;
    register const uintptr_t *a1 __asm__("a1") = arguments;
    /* The trap is this sequence of uncompressed instructions, within one page. */
    __asm__ volatile(".option push\n.option norvc\n.balign 16\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop" : "+r"(a0) : "r"(a1) : "memory");
    return a0;
#elif defined(__aarch64__)
    register uintptr_t x0 __asm__("x0") = operation;
    register const uintptr_t *x1 __asm__("x1") = arguments;
    __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
    return x0;
#else
    register uintptr_t r0 __asm__("r0") = operation;
    register const uintptr_t *r1 __asm__("r1") = arguments;
#if defined(__thumb__)
    __asm__ volatile("bkpt #0xab" : "+r"(r0) : "r"(r1) : "memory");
#else
    __asm__ volatile(".inst 0xe10f0070 /* hlt #0xf000, which old assemblers refuse */" : "+r"(r0) : "r"(r1) : "memory");
#endif
    return r0;
#endif
}

void report(const void *bytes, size_t size)
{
    static const char name[] = "results.bin";
    if (!file)
        file = call(SYS_OPEN, (const uintptr_t[]){ (uintptr_t)name, MODE_WRITE_BINARY, sizeof name - 1 });
    /* The call gives the number of bytes that were not written. */
    if (call(SYS_WRITE, (const uintptr_t[]){ file, (uintptr_t)bytes, size }))
        finish(EXIT_UNEXPECTED - 1);
}

_Noreturn void finish(int code)
{
    if (file)
        call(SYS_CLOSE, (const uintptr_t[]){ file });
    for (;;)
        call(SYS_EXIT_EXTENDED, (const uintptr_t[]){ APPLICATION_EXIT, (uintptr_t)code });
}
