/* Unit tests of the driver, in the manner of Unity: plain functions, a fresh board for each, a jump out of one that fails. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include "virt-cortex-a15_kernel.h"
#include "pl011_model.h"

static struct pl011 uart;
static struct pl011_model model;
static char received[64];
static jmp_buf out;
static char why[256];

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __FILE__, __LINE__))

static void fail(const char *text, const char *file, int line)
{
    snprintf(why, sizeof why, "%s:%d: %.200s", file, line, text);
    longjmp(out, 1);
}

/* Misuse of the board's memory fails the test that is guilty of it. */
static enum kmem_report_action on_report(const struct kmem_report *report, void *context)
{
    (void)context;
    fputs(report->text, stdout);
    fail("misuse", report->file, report->line);
    return KMEM_CONTINUE;
}

static enum kmem_report_action on_aftermath(const struct kmem_report *report, void *context)
{
    (void)report;
    (void)context;
    return KMEM_CONTINUE;
}

static void on_received(const char *data, size_t length, void *context)
{
    (void)context;
    strncat(received, data, length);
}

static void sends_by_dma(void)
{
    CHECK(pl011_probe(&uart, model.dev) == 0);
    CHECK(pl011_send(&uart, "hello, ", 7) == 0);
    CHECK(pl011_send(&uart, "board", 5) == 0);
    CHECK(strcmp(model.line, "hello, board") == 0 && uart.sent == 12);
    printf("   on the line: \"%s\"\n", model.line);
    pl011_remove(&uart);
}

static void receives_by_dma(void)
{
    received[0] = '\0';
    CHECK(pl011_probe(&uart, model.dev) == 0);
    uart.received = on_received;
    pl011_model_input(&model, "AT", 2);
    pl011_model_input(&model, "+OK", 3);
    CHECK(strcmp(received, "AT+OK") == 0);
    printf("   %d bytes through %#llx of the board\n", 5, (unsigned long long)virt_to_phys(uart.rx));
    pl011_remove(&uart);
}

static void is_busy_while_it_sends(void)
{
    model.is_slow = 1;
    CHECK(pl011_probe(&uart, model.dev) == 0);
    CHECK(pl011_send(&uart, "one", 3) == 0 && pl011_send(&uart, "two", 3) == -EBUSY);
    pl011_model_clock(&model);
    CHECK(pl011_send(&uart, "two", 3) == 0);
    pl011_remove(&uart); /* with "two" on its way */
    CHECK(strcmp(model.line, "one") == 0);
}

static void every_failing_allocation_is_undone(void)
{
    int nth = 0, result;

    do {
        kmem_fail_nth(++nth);
        result = pl011_probe(&uart, model.dev);
    } while (result == -ENOMEM);
    kmem_fail_nth(1);
    CHECK(result == 0 && nth == 2 && pl011_send(&uart, "x", 1) == -ENOMEM);
    pl011_remove(&uart);
}

static void two_drivers_do_not_share_a_device(void)
{
    static struct pl011 other;
    CHECK(pl011_probe(&uart, model.dev) == 0 && pl011_probe(&other, model.dev) == -EBUSY);
    pl011_remove(&uart);
}

/* What the bench is for: a driver that gives its buffer back too early. */
static void device_that_reads_freed_memory_is_caught(void)
{
    model.is_slow = 1;
    CHECK(pl011_probe(&uart, model.dev) == 0 && pl011_send(&uart, "gone", 4) == 0);
    dma_unmap_single(model.dev, uart.tx_address, uart.tx_length, DMA_TO_DEVICE);
    pl011_model_clock(&model);
}

static int run(const char *name, void (*test)(void))
{
    int failed;

    why[0] = '\0';
    kmem_boot(NULL);
    failed = pl011_model_attach(&model) != 0;
    if (setjmp(out) == 0) {
        test();
        /* What the driver did not give back counts as well. */
        kmem_shutdown();
    } else {
        failed = 1;
        kmem_set_report_handler(on_aftermath, NULL);
        kmem_shutdown();
        kmem_set_report_handler(on_report, NULL);
    }
    printf("%s %s%s%s\n", failed ? "FAIL" : "PASS", name, why[0] ? ": " : "", why);
    return failed;
}

#define RUN(test) run(#test, test)

int main(void)
{
    int failed;

    kmem_set_report_handler(on_report, NULL);
    failed = RUN(sends_by_dma) + RUN(receives_by_dma) + RUN(is_busy_while_it_sends) + RUN(every_failing_allocation_is_undone) + RUN(two_drivers_do_not_share_a_device);
    printf("-- the next one is wrong on purpose, and says where --\n");
    failed += !RUN(device_that_reads_freed_memory_is_caught);
    return failed != 0;
}
