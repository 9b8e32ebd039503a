/* Threads, more of them than the board has CPUs: each allocates, hands objects to its neighbour, and frees what it was handed. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include "case.h"

#define THREADS 6
#define SLOTS 64
#define ROUNDS 20000

static void *volatile slots[THREADS][SLOTS];
static struct kmem_cache *cache;
static unsigned int cpus_seen;
static DEFINE_SPINLOCK(lock);
static long guarded;

static void *work(void *argument)
{
    size_t self = (size_t)argument;
    unsigned int seed = (unsigned int)self * 2654435761u + 1;
    long i;

    for (i = 0; i < ROUNDS; i++) {
        size_t slot = (seed = seed * 1664525u + 1013904223u) >> 16;
        size_t size = 8 + slot % 500;
        u32 *mine = slot % 3 == 0 ? kmem_cache_alloc(cache, GFP_KERNEL) : slot % 97 == 0 ? vmalloc(size) : kmalloc(size, GFP_KERNEL);
        u32 *theirs;

        assert(mine);
        *mine = (u32)(size_t)mine;
        theirs = __atomic_exchange_n(&slots[(self + slot) % THREADS][slot % SLOTS], mine, __ATOMIC_ACQ_REL);
        __atomic_fetch_or(&cpus_seen, 1u << smp_processor_id(), __ATOMIC_RELAXED);
        if (theirs) {
            assert(*theirs == (u32)(size_t)theirs);
            if (is_vmalloc_addr(theirs))
                vfree(theirs);
            else
                kfree(theirs);
        }
        if (i % 16 == 0) {
            spin_lock(&lock);
            guarded++;
            spin_unlock(&lock);
        }
    }
    return NULL;
}

static void *twice(void *argument)
{
    kfree(argument);
    kfree(argument); /* misuse */
    return NULL;
}

int main(void)
{
    static const struct kmem_config config = { 2, 0, NULL, 0 };
    pthread_t threads[THREADS];
    size_t i, j;

    kmem_set_report_handler(print_report, NULL);
    assert(kmem_boot(&config) == 0 && kmem_boot(&config) == -22);
    cache = kmem_cache_create("shared", 40, 0, 0, NULL);
    for (i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)i);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (i = 0; i < THREADS; i++) {
        for (j = 0; j < SLOTS; j++) {
            if (slots[i][j] && is_vmalloc_addr(slots[i][j]))
                vfree(slots[i][j]);
            else
                kfree(slots[i][j]);
        }
    }
    assert(guarded == THREADS * (ROUNDS / 16) && cpus_seen == 3);
    assert(kmem_report_count() == 0);
    /* A report belongs to the thread that made it. */
    pthread_create(&threads[0], NULL, twice, kmalloc(8, GFP_KERNEL));
    pthread_join(threads[0], NULL);
    assert(kmem_report_count() == 1);
    kmem_cache_destroy(cache);
    assert(kmem_shutdown() == 0);
    printf("DONE\n");
    return 0;
}
