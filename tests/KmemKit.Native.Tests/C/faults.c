/* Pointers that are followed and must not be: the host faults, and the library knows whose address it was. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include "case.h"

static sigjmp_buf back;

static enum kmem_report_action report_and_jump(const struct kmem_report *report, void *context)
{
    print_report(report, context);
    if (report->kind == KMEM_REPORT_FAULT)
        siglongjmp(back, 1);
    return KMEM_CONTINUE;
}

static __attribute__((noinline)) int load(const volatile char *p) { return *p; }
static __attribute__((noinline)) void store(volatile char *p) { *p = 1; }

#define LOADS(p) (sigsetjmp(back, 1) == 0 ? (void)load(p) : (void)0)
#define STORES(p) (sigsetjmp(back, 1) == 0 ? store(p) : (void)0)

CASE(registers_followed)
{
    char __iomem *base = ioremap(KMEM_DEVICE_UART0_BASE, PAGE_SIZE);
    LOADS(base + 4);
    STORES(base);
    iounmap(base);
    STORES(base);
}

CASE(vmalloc_out_of_bounds_and_after_free)
{
    char *v = vmalloc(2 * PAGE_SIZE);
    LOADS(v + 2 * PAGE_SIZE);
    STORES(v - 1);
    store(v);
    store(v + 2 * PAGE_SIZE - 1);
    vfree(v);
    LOADS(v + 100);
}

CASE(memory_of_a_process_followed)
{
    char __user *user = kmem_user_alloc(100, 1);
    LOADS(user);
    kmem_user_free(user);
}

/* The library is as good afterwards as before. */
CASE(after_a_fault)
{
    char *v = vmalloc(PAGE_SIZE);
    LOADS(v - 1);
    vfree(v);
    kfree(kmalloc(100, GFP_KERNEL));
}

int main(int argc, char **argv)
{
    static const struct named_case cases[] = { RUN(registers_followed), RUN(vmalloc_out_of_bounds_and_after_free), RUN(memory_of_a_process_followed), RUN(after_a_fault) };
    size_t i;

    if (argc > 1 && strcmp(argv[1], "abort") == 0) {
        /* No handler: printed, and the end. */
        char *p = kmalloc(24, GFP_KERNEL);
        kfree(p);
        kfree(p);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "die") == 0) {
        store(ioremap(KMEM_DEVICE_UART0_BASE, PAGE_SIZE));
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "null") == 0) {
        /* Nobody's address: the program ends as it would without the library. */
        kfree(kmalloc(24, GFP_KERNEL));
        store(NULL);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "exit") == 0) {
        kmem_set_report_handler(print_report, NULL);
        return kmalloc(24, GFP_KERNEL) == NULL;
    }
    kmem_set_report_handler(report_and_jump, NULL);
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        printf("CASE %s\n", cases[i].name);
        kmem_boot(NULL);
        cases[i].run();
        kmem_shutdown();
    }
    printf("DONE\n");
    return 0;
}
