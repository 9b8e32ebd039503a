/* What every program on an emulated core is made of. */
#ifndef EMULATION_H
#define EMULATION_H

#include <stddef.h>
#include <stdint.h>

/* The program; it is entered once, by the first core, and returns for success. */
void program(void);

/* Appends to the results that the test gets. Nothing of it needs a device; memory must be reachable as the debugger sees it. */
void report(const void *bytes, size_t size);

/* Ends the emulator. 0 is success; the test prints any other code. */
_Noreturn void finish(int code);

/* Codes that the start-up code ends with, for an exception that the program does not take: EXIT_UNEXPECTED + its number. */
#define EXIT_UNEXPECTED 64

#endif
