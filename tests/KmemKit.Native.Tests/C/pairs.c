/* What a kmalloc and kfree cost through the library, over malloc and free of the C library in the same run: three turns of each, the least time counts. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>
#include "case.h"

#define PAIRS 200000

static double seconds(void)
{
    struct timespec now;
    /* Of this thread alone: the machine may have other work. */
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double least(void (*turn)(void))
{
    double best = 1e9;
    int i;
    for (i = 0; i < 3; i++) {
        double start = seconds(), took;
        turn();
        took = seconds() - start;
        best = took < best ? took : best;
    }
    return best / PAIRS * 1e9;
}

static void *volatile sink;

static void of_libc(void)
{
    int i;
    for (i = 0; i < PAIRS; i++) {
        sink = malloc(64);
        free(sink);
    }
}

static void of_board(void)
{
    int i;
    for (i = 0; i < PAIRS; i++) {
        sink = kmalloc(64, GFP_KERNEL);
        kfree(sink);
    }
}

int main(void)
{
    struct kmem_config config = { 0, 0, "-", 0 };
    double libc, plain, checked;

    libc = least(of_libc);
    kmem_boot(&config);
    plain = least(of_board);
    kmem_shutdown();
    kmem_boot(NULL);
    checked = least(of_board);
    kmem_shutdown();
    printf("kmalloc+kfree of 64 bytes: %.1f ns unchecked, %.1f ns with slub_debug=FZPU; malloc+free %.1f ns: ratio %.1f and %.1f\n", plain, checked, libc, plain / libc, checked / libc);
    return 0;
}
