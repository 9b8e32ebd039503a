/* Pages, vmalloc, addresses, memory of a process. */
#include "case.h"

CASE(page_freed_twice)
{
    struct page *page = alloc_pages(GFP_KERNEL, 1);
    __free_pages(page, 1);
    __free_pages(page, 1); //! PAGE
}

CASE(page_freed_with_another_order)
{
    uintptr_t address = __get_free_pages(GFP_KERNEL, 2);
    free_pages(address, 1); //! PAGE
    free_pages(address, 2);
    free_pages(0, 2);
}

CASE(page_that_is_none)
{
    char *p = kmalloc(100, GFP_KERNEL);
    __free_page((struct page *)p); //! PAGE
    free_page((uintptr_t)p + 1); //! PAGE
    kfree(p);
}

CASE(pages_leaked)
{
    assert(alloc_page(GFP_KERNEL)); //! LEAK
}

CASE(pages_and_their_addresses)
{
    struct page *page = alloc_page(GFP_HIGHUSER);
    char *high = kmap(page);
    uintptr_t low = get_zeroed_page(GFP_KERNEL);
    void *exact = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
    char log[256];

    memset(high, 1, PAGE_SIZE);
    kunmap(page);
    assert(page_to_phys(page) >= KMEM_LOWMEM_LIMIT && pfn_to_page(page_to_pfn(page)) == page);
    __free_page(page);
    assert(((char *)low)[PAGE_SIZE - 1] == 0 && page_address(virt_to_page((void *)low)) == (void *)low);
    assert(virt_to_phys((void *)low) == page_to_phys(virt_to_page((void *)low)));
    assert(phys_to_virt(virt_to_phys((void *)low)) == (void *)low && __va(__pa(low)) == (void *)low);
    /* The macros of the board's own header say the same. */
    assert(__virt_to_phys(kmem_board_address((void *)low)) == virt_to_phys((void *)low));
    assert(__phys_to_virt(virt_to_phys((void *)low)) == kmem_board_address((void *)low));
    assert(kmem_host_pointer(kmem_board_address((void *)low)) == (void *)low);
    free_page(low);
    memset(exact, 1, 3 * PAGE_SIZE);
    free_pages_exact(exact, 3 * PAGE_SIZE);
    assert(!pfn_valid(0) && alloc_pages(GFP_KERNEL | __GFP_NOWARN, 10) != NULL); //! LEAK
    assert(kmem_read_proc("meminfo", log, sizeof log) > 100 && strncmp(log, "MemTotal:", 9) == 0);
}

CASE(vmalloc_is_the_same_memory)
{
    size_t i, rows = 0;
    struct page *pages[300];
    u32 *v;

    /* Memory in pieces: every other page is taken. */
    for (i = 0; i < 300; i++)
        assert((pages[i] = alloc_page(GFP_HIGHUSER)) != NULL);
    for (i = 0; i < 300; i += 2)
        __free_page(pages[i]);
    v = vmalloc(64 * PAGE_SIZE);
    assert(is_vmalloc_addr(v) && !is_vmalloc_addr(&i));
    for (i = 0; i < 64 * PAGE_SIZE / sizeof *v; i++)
        v[i] = (u32)i;
    for (i = 0; i < 64; i++) {
        struct page *page = vmalloc_to_page((char *)v + i * PAGE_SIZE);
        u32 *k = kmap(page);
        assert(k[3] == i * PAGE_SIZE / sizeof *v + 3);
        k[5] = 0xdead0000 + (u32)i;
        kunmap(page);
        assert(v[i * PAGE_SIZE / sizeof *v + 5] == 0xdead0000 + (u32)i);
        rows += i == 0 || page_to_pfn(page) != page_to_pfn(vmalloc_to_page((char *)v + (i - 1) * PAGE_SIZE)) + 1;
    }
    printf("%zu rows of pages, at %#llx for the board\n", rows, (unsigned long long)kmem_board_address(v));
    assert(rows > 10);
    for (i = 1; i < 300; i += 2)
        __free_page(pages[i]);
    assert(kmem_board_address(v) >= KMEM_VIRT_VMALLOC_START && kmem_board_address(v) < KMEM_VIRT_VMALLOC_END);
    vfree(v);
    v = vzalloc(PAGE_SIZE + 1);
    assert(v[0] == 0 && v[2 * PAGE_SIZE / sizeof *v - 1] == 0);
    vfree(v);
    vfree(NULL);
    assert(vmalloc(0) == NULL && vmalloc((size_t)1 << 40) == NULL);
}

CASE(vfree_twice)
{
    char *v = vmalloc(100);
    vfree(v + 8); //! VMALLOC
    vfree(v);
    vfree(v); //! VMALLOC
}

CASE(vfree_of_kmalloc_memory)
{
    void *p = kmalloc(100, GFP_KERNEL);
    vfree(p); //! VMALLOC
    kfree(p);
}

CASE(vmalloc_leaked)
{
    assert(vmalloc(5 * PAGE_SIZE)); //! LEAK
}

CASE(physical_address_of_what_has_none)
{
    int variable;
    void *v = vmalloc(100);
    assert(virt_to_phys(v) == KMEM_NO_ADDRESS); //! ADDRESS
    assert(virt_to_phys(&variable) == KMEM_NO_ADDRESS); //! ADDRESS
    assert(virt_to_page(v) == NULL); //! ADDRESS
    assert(phys_to_virt(KMEM_LOWMEM_LIMIT) == NULL); //! ADDRESS
    assert(phys_to_virt(KMEM_DEVICE_UART0_BASE) == NULL); //! ADDRESS
    vfree(v);
}

CASE(memory_of_a_process)
{
    char __user *user = kmem_user_alloc(PAGE_SIZE + 100, 1);
    char __user *constant = kmem_user_alloc(100, 0);
    char *p = kmalloc(3 * PAGE_SIZE, GFP_KERNEL);

    memset(p, 0x5a, 3 * PAGE_SIZE);
    assert(copy_to_user(user + PAGE_SIZE - 2, p, 4) == 0);
    assert(copy_from_user(p, user + PAGE_SIZE - 3, 6) == 0 && p[0] == 0 && p[1] == 0x5a && p[4] == 0x5a && p[5] == 0);
    assert(clear_user(user, 2 * PAGE_SIZE) == 0);
    /* What lies beyond is not copied, and what could not be read is zero. */
    assert(copy_to_user(user + PAGE_SIZE, p, 3 * PAGE_SIZE) == 2 * PAGE_SIZE);
    assert(copy_from_user(p, user + PAGE_SIZE, 2 * PAGE_SIZE) == PAGE_SIZE && p[2 * PAGE_SIZE - 1] == 0);
    assert(copy_to_user(constant, p, 4) == 4 && copy_from_user(p, constant, 4) == 0);
    assert(copy_to_user(p, p, 4) == 4 && copy_from_user(p, NULL, 4) == 4);
    kfree(p);
    kmem_user_free(user);
    kmem_user_free(constant);
    kmem_user_free(user); //! ADDRESS
}

CASE(copy_may_sleep)
{
    char __user *user = kmem_user_alloc(100, 1);
    char buffer[4];
    preempt_disable();
    assert(copy_from_user(buffer, user, 4) == 0); //! CONTEXT
    kfree(kmalloc(8, GFP_ATOMIC));
    kfree(kmalloc(8, GFP_KERNEL)); //! CONTEXT
    preempt_enable();
    kfree(kmalloc(8, GFP_KERNEL));
    might_sleep();
    preempt_enable(); //! CONTEXT
    kmem_user_free(user);
}

CASE(locks)
{
    DEFINE_SPINLOCK(lock);
    unsigned long flags;
    spin_lock_irqsave(&lock, flags);
    kfree(kmalloc(8, GFP_ATOMIC));
    msleep(4); //! CONTEXT
    spin_unlock_irqrestore(&lock, flags);
    spin_unlock(&lock); //! CONTEXT
    msleep(4);
    assert(jiffies == 2);
    if (WARN_ON(lock.locked == 0)) //! BUG
        pr_info("not locked\n");
    BUG_ON(lock.locked);
}

int main(int argc, char **argv)
{
    static const struct named_case cases[] = {
        RUN(page_freed_twice), RUN(page_freed_with_another_order), RUN(page_that_is_none), RUN(pages_leaked), RUN(pages_and_their_addresses), RUN(vmalloc_is_the_same_memory),
        RUN(vfree_twice), RUN(vfree_of_kmalloc_memory), RUN(vmalloc_leaked), RUN(physical_address_of_what_has_none), RUN(memory_of_a_process), RUN(copy_may_sleep), RUN(locks),
    };
    return run_cases(cases, sizeof cases / sizeof *cases, argc, argv);
}
