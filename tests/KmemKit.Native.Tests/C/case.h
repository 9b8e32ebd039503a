/*
 * Cases of misuse and their correct neighbours. A case is a function; a line that shall be reported ends in a comment "//! KIND" (or several kinds, in order), and every other
 * line of it shall not be. The test reads these comments and compares them with what the library reported: kind, file, line and function.
 */
#ifndef CASE_H
#define CASE_H

#include <assert.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include "virt-cortex-a15_kernel.h"

#define CASE(name) static void name(void)
#define RUN(name) { #name, name }

struct named_case {
    const char *name;
    void (*run)(void);
};

static const char *const kinds[] = { "NONE", "OBJECT", "PAGE", "VMALLOC", "IOREMAP", "IO", "DMA", "RESOURCE", "ADDRESS", "CONTEXT", "FAULT", "LEAK", "BUG", "PANIC", "INTERNAL" };

static enum kmem_report_action print_report(const struct kmem_report *report, void *context)
{
    (void)context;
    printf("REPORT %s %s:%d %s\n%s", kinds[report->kind], report->file, report->line, report->function, report->text);
    fflush(stdout);
    return KMEM_CONTINUE;
}

/* Runs the cases, or the one that is named, each on a fresh machine. */
static inline int run_cases(const struct named_case *cases, size_t count, int argc, char **argv)
{
    size_t i;

    kmem_set_report_handler(print_report, NULL);
    for (i = 0; i < count; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
            continue;
        printf("CASE %s\n", cases[i].name);
        fflush(stdout);
        kmem_boot(NULL);
        cases[i].run();
        kmem_shutdown();
    }
    printf("DONE\n");
    return 0;
}

#endif
