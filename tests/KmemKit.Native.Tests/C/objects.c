/* kmalloc and object caches. */
#include "case.h"

static volatile char *leaked;

CASE(kfree_twice)
{
    char *p = kmalloc(24, GFP_KERNEL);
    kfree(p);
    kfree(p); //! OBJECT
}

CASE(kfree_once)
{
    char *p = kmalloc(24, GFP_KERNEL);
    memset(p, 0xff, 24);
    kfree(p);
    kfree(NULL);
    kfree(kmalloc(0, GFP_KERNEL));
}

CASE(write_behind_is_seen_by_the_free)
{
    volatile char *p = kmalloc(10, GFP_KERNEL);
    p[10] = 1;
    kfree((void *)p); //! OBJECT
    kfree((void *)p);
}

CASE(write_in_front_is_seen_by_the_free)
{
    volatile char *p = kmalloc(64, GFP_KERNEL);
    p[-1] = 1;
    kfree((void *)p); //! OBJECT
    kfree((void *)p);
}

CASE(write_up_to_the_end)
{
    char *p = kmalloc(10, GFP_KERNEL);
    memset(p, 0, 10);
    p = krealloc(p, 200, GFP_KERNEL);
    memset(p, 0, 200);
    p = krealloc(p, 20, GFP_KERNEL);
    memset(p, 0, 20);
    kfree(p);
    p = kmalloc(10, GFP_KERNEL);
    memset(p, 0, ksize(p));
    kfree_sensitive(p);
}

CASE(write_behind_the_new_size)
{
    volatile char *p = krealloc(kmalloc(100, GFP_KERNEL), 40, GFP_KERNEL);
    p[40] = 1;
    kfree((void *)p); //! OBJECT
    kfree((void *)p);
}

CASE(write_after_free_is_seen_by_a_look)
{
    volatile char *p = kmalloc(100, GFP_KERNEL);
    kfree((void *)p);
    p[50] = 1;
    assert(kmem_validate() == 1); //! OBJECT
    assert(kmem_validate() == 0);
}

CASE(write_after_free_is_seen_by_the_next_who_gets_it)
{
    volatile char *p = kmalloc(100, GFP_KERNEL);
    kfree((void *)p);
    p[50] = 1;
    kfree(kmalloc(100, GFP_KERNEL)); //! OBJECT
}

CASE(free_of_the_middle)
{
    char *p = kmalloc(100, GFP_KERNEL);
    kfree(p + 8); //! OBJECT
    kfree(p);
}

CASE(free_of_a_variable)
{
    int variable = 0;
    kfree(&variable); //! OBJECT
}

CASE(free_of_a_string)
{
    kfree("text"); //! OBJECT
}

CASE(free_of_vmalloc_memory)
{
    void *p = vmalloc(100);
    kfree(p); //! OBJECT
    vfree(p);
}

CASE(object_of_another_cache)
{
    struct kmem_cache *a = kmem_cache_create("a", 40, 0, 0, NULL);
    struct kmem_cache *b = kmem_cache_create("b", 80, 0, 0, NULL);
    void *p = kmem_cache_alloc(a, GFP_KERNEL);
    kmem_cache_free(b, p); //! OBJECT
    kmem_cache_destroy(a);
    kmem_cache_destroy(b);
}

static void set_up(void *object)
{
    memset(object, 0x11, 40);
}

CASE(cache_with_a_constructor)
{
    struct kmem_cache *cache = kmem_cache_create("constructed", 40, 8, SLAB_HWCACHE_ALIGN, set_up);
    char *p = kmem_cache_alloc(cache, GFP_KERNEL);
    assert(kmem_cache_size(cache) == 40 && p[0] == 0x11 && p[39] == 0x11);
    kmem_cache_free(cache, p);
    assert(kmem_cache_shrink(cache) == 0);
    kmem_cache_destroy(cache);
    kmem_cache_destroy(NULL);
    assert(kmem_cache_create("two words", 40, 0, 0, NULL) == NULL);
    assert(kmem_cache_create(NULL, 40, 0, 0, NULL) == NULL);
    assert(kmem_cache_create("huge", 1u << 30, 0, 0, NULL) == NULL);
}

CASE(cache_destroyed_with_an_object_in_it)
{
    struct kmem_cache *cache = kmem_cache_create("busy", 40, 0, 0, NULL);
    void *p = kmem_cache_alloc(cache, GFP_KERNEL);
    kmem_cache_destroy(cache); //! OBJECT
    kmem_cache_free(cache, p);
    kmem_cache_destroy(cache);
    kmem_cache_destroy(cache); //! OBJECT
    assert(kmem_cache_alloc(cache, GFP_KERNEL) == NULL); //! OBJECT
}

CASE(leak_is_named_by_who_allocated)
{
    leaked = kmalloc(60, GFP_KERNEL); //! LEAK
}

CASE(failures_are_values)
{
    void *p;
    assert(kmalloc((size_t)1 << 40, GFP_KERNEL) == NULL);
    assert(kcalloc(SIZE_MAX, 2, GFP_KERNEL) == NULL);
    assert(kmalloc_array(SIZE_MAX, 2, GFP_KERNEL) == NULL);
    kmem_fail_nth(2);
    p = kmalloc(8, GFP_KERNEL);
    assert(p && kmalloc(8, GFP_KERNEL) == NULL);
    kfree(p);
    p = kstrdup("copy", GFP_KERNEL);
    assert(strcmp(p, "copy") == 0);
    kfree(p);
    p = kcalloc(3, 5, GFP_ATOMIC);
    assert(((char *)p)[14] == 0);
    kfree(p);
}

CASE(zeroed_memory)
{
    static const size_t sizes[] = { 1, 24, 100, 3000, 20000, 3000000 };
    struct kmem_cache *cache = kmem_cache_create("zeroed", 40, 0, 0, NULL);
    size_t i, at;

    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *p = kmalloc(sizes[i], GFP_KERNEL);
        memset(p, 0xff, sizes[i]);
        kfree(p);
        p = kzalloc(sizes[i], GFP_KERNEL);
        for (at = 0; at < sizes[i]; at++)
            assert(p[at] == 0);
        kfree(p);
    }
    for (i = 0; i < 100; i++) {
        char *p = kmem_cache_zalloc(cache, GFP_KERNEL);
        for (at = 0; at < 40; at++)
            assert(p[at] == 0);
        memset(p, 0xff, 40);
        kmem_cache_free(cache, p);
    }
    kmem_cache_destroy(cache);
}

static jmp_buf back;

static enum kmem_report_action jump(const struct kmem_report *report, void *context)
{
    (void)report;
    (void)context;
    longjmp(back, 1);
}

/* As Unity and its like leave a failed test. */
CASE(handler_may_jump)
{
    void *volatile p = kmalloc(24, GFP_KERNEL);
    volatile int jumped = 0;
    int i;

    kfree(p);
    kmem_set_report_handler(jump, NULL);
    for (i = 0; i < 3; i++) {
        if (setjmp(back) == 0)
            kfree(p);
        else
            jumped++;
    }
    kmem_set_report_handler(print_report, NULL);
    assert(jumped == 3);
    p = kmalloc(24, GFP_KERNEL);
    kfree(p);
}

CASE(functions_without_a_site)
{
    void *(*alloc)(size_t, gfp_t) = kmalloc;
    void (*release)(const void *) = kfree;
    void *p = alloc(8, GFP_KERNEL);
    release(p);
}

int main(int argc, char **argv)
{
    static const struct named_case cases[] = {
        RUN(kfree_twice), RUN(kfree_once), RUN(write_behind_is_seen_by_the_free), RUN(write_in_front_is_seen_by_the_free), RUN(write_up_to_the_end),
        RUN(write_behind_the_new_size), RUN(write_after_free_is_seen_by_a_look), RUN(write_after_free_is_seen_by_the_next_who_gets_it), RUN(free_of_the_middle),
        RUN(free_of_a_variable), RUN(free_of_a_string), RUN(free_of_vmalloc_memory), RUN(object_of_another_cache), RUN(cache_with_a_constructor),
        RUN(cache_destroyed_with_an_object_in_it), RUN(leak_is_named_by_who_allocated), RUN(failures_are_values), RUN(zeroed_memory), RUN(handler_may_jump), RUN(functions_without_a_site),
    };
    return run_cases(cases, sizeof cases / sizeof *cases, argc, argv);
}
