/*
 * The C side of the library: what C# cannot say (variable arguments, signal handlers, return addresses), and where callbacks run.
 *
 * Each function of kmem_kernel.h is here twice, once with the place of its call. It makes a struct site on its stack, enters the managed side (kmemnet_...), and, when
 * that has returned, delivers the reports that came of the call. So the report handler, device models and interrupt handlers run on frames of C alone and may
 * longjmp, throw or abort; the constructor of a cache is the one callback that runs below managed frames.
 *
 * A host fault (SIGSEGV, SIGBUS) in C code is offered to the managed side first: it knows whose address it was. In managed code it goes to the runtime's own handler.
 */
#define _GNU_SOURCE
#define KMEM_NO_SITES
#define KMEM_API __attribute__((visibility("default")))
#include "kmem_kernel.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

/* CallSite of Machine/CallSite.cs. */
struct site {
    const char *file;
    const char *function;
    void *caller;
    int line;
    int reports;
};

/* ReportHeader of Exports/MachineExports.cs. */
struct taken_report {
    int kind;
    int line;
    char *text;
    char *file;
    char *function;
    void *address;
};

/* IoTarget of Exports/IoExports.cs. */
struct io_target {
    void *memory;
    const struct kmem_device_ops *model;
    void *context;
    u64 offset;
};

extern void kmemnet_use_board(void);
extern int kmemnet_take_report(struct taken_report *into);
extern int kmemnet_fault(void *address, int is_write, struct site *at);
extern int kmemnet_io_target(void *address, int size, int is_write, struct io_target *target, struct site *at);
extern int kmemnet_kmem_bus_attach(struct device *dev, const struct kmem_device_ops *ops, void *context, struct site *at);
extern int kmemnet_kmem_device_dma(struct device *dev, dma_addr_t address, void *data, size_t size, int is_write, struct site *at);

/* ---- Reports ---- */

static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;
static kmem_report_handler_t report_handler;
static void *report_context;
static enum kmem_report_action report_policy = KMEM_ABORT;
static unsigned long report_count;
static int console_level = 7;

/* How deep the thread is in the managed side. */
static __thread int inside;
static __thread struct taken_report last_report;

static void print_log(void);

static void deliver_reports(void)
{
    struct taken_report next;

    inside++;
    print_log();
    while (kmemnet_take_report(&next)) {
        kmem_report_handler_t handler;
        void *context;
        enum kmem_report_action action;
        struct kmem_report report;

        free(last_report.text);
        free(last_report.file);
        free(last_report.function);
        last_report = next;
        pthread_mutex_lock(&report_lock);
        report_count++;
        handler = report_handler;
        context = report_context;
        action = report_policy;
        pthread_mutex_unlock(&report_lock);
        report.kind = (enum kmem_report_kind)next.kind;
        report.line = next.line;
        report.text = next.text;
        report.file = next.file;
        report.function = next.function;
        report.address = next.address;
        inside--;
        if (handler)
            action = handler(&report, context);
        else
            fputs(report.text, stderr);
        if (action == KMEM_ABORT) {
            fflush(NULL);
            abort();
        }
        inside++;
    }
    inside--;
}

static inline void deliver(const struct site *at)
{
    if (__builtin_expect(at->reports != 0, 0))
        deliver_reports();
}

KMEM_API void kmem_set_report_handler(kmem_report_handler_t handler, void *context)
{
    pthread_mutex_lock(&report_lock);
    report_handler = handler;
    report_context = context;
    pthread_mutex_unlock(&report_lock);
}

KMEM_API void kmem_set_report_policy(enum kmem_report_action action)
{
    pthread_mutex_lock(&report_lock);
    report_policy = action;
    pthread_mutex_unlock(&report_lock);
}

KMEM_API unsigned long kmem_report_count(void)
{
    unsigned long count;

    pthread_mutex_lock(&report_lock);
    count = report_count;
    pthread_mutex_unlock(&report_lock);
    return count;
}

/* ---- Host faults ---- */

static struct sigaction old_segv, old_bus;
static __thread int in_fault;

static void chain(const struct sigaction *old, int number, siginfo_t *info, void *context)
{
    if (old->sa_flags & SA_SIGINFO) {
        old->sa_sigaction(number, info, context);
    } else if (old->sa_handler == SIG_DFL || old->sa_handler == SIG_IGN) {
        /* The instruction runs again, and ends the program. */
        signal(number, SIG_DFL);
    } else {
        old->sa_handler(number);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    if (!inside && !in_fault) {
        struct site at = { NULL, NULL, NULL, 0, 0 };
        int is_write = 0;
        int is_ours;
#if defined(__x86_64__)
        at.caller = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
        is_write = (((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#elif defined(__aarch64__)
        at.caller = (void *)((ucontext_t *)context)->uc_mcontext.pc;
#endif
        in_fault = inside = 1;
        is_ours = kmemnet_fault(info->si_addr, is_write, &at);
        in_fault = inside = 0;
        if (is_ours) {
            deliver_reports();
            fflush(NULL);
            /* There is no way on: the instruction would fault again. */
            signal(number, SIG_DFL);
            return;
        }
    }
    chain(number == SIGBUS ? &old_bus : &old_segv, number, info, context);
}

static void end_at_exit(void)
{
    kmem_at_kmem_shutdown("exit", 0, "exit");
}

static void install(void)
{
    struct sigaction action;

    /* The runtime starts, and installs its own handlers, with the first call. */
    inside++;
    kmemnet_use_board();
    inside--;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &old_segv);
    sigaction(SIGBUS, &action, &old_bus);
    atexit(end_at_exit);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int is_installed;

static inline void enter(void)
{
    if (__builtin_expect(!__atomic_load_n(&is_installed, __ATOMIC_ACQUIRE), 0)) {
        pthread_once(&once, install);
        __atomic_store_n(&is_installed, 1, __ATOMIC_RELEASE);
    }
    inside++;
}

/* ---- Functions that are the managed side's ---- */

#define LIST(...) __VA_ARGS__
#define SITED { kmem_file, kmem_function, NULL, kmem_line, 0 }
#define PLAIN { NULL, NULL, __builtin_return_address(0), 0, 0 }

/* A function of this file that takes the site, as the managed ones do: do_NAME. Both public forms of it. */
#define PUBLIC(type, name, parameters, arguments, call)                   \
    type kmem_at_##name(LIST parameters, KMEM_CALL_SITE)                  \
    {                                                                     \
        struct site at = SITED;                                           \
        type result = call(LIST arguments, &at);                          \
        deliver(&at);                                                     \
        return result;                                                    \
    }                                                                     \
    type name(LIST parameters)                                            \
    {                                                                     \
        struct site at = PLAIN;                                           \
        type result = call(LIST arguments, &at);                          \
        deliver(&at);                                                     \
        return result;                                                    \
    }
#define PUBLIC_VOID(name, parameters, arguments, call)                    \
    void kmem_at_##name(LIST parameters, KMEM_CALL_SITE)                  \
    {                                                                     \
        struct site at = SITED;                                           \
        call(LIST arguments, &at);                                        \
        deliver(&at);                                                     \
    }                                                                     \
    void name(LIST parameters)                                            \
    {                                                                     \
        struct site at = PLAIN;                                           \
        call(LIST arguments, &at);                                        \
        deliver(&at);                                                     \
    }
#define PUBLIC_0(type, name, call)                                        \
    type kmem_at_##name(KMEM_CALL_SITE)                                   \
    {                                                                     \
        struct site at = SITED;                                           \
        type result = call(&at);                                          \
        deliver(&at);                                                     \
        return result;                                                    \
    }                                                                     \
    type name(void)                                                       \
    {                                                                     \
        struct site at = PLAIN;                                           \
        type result = call(&at);                                          \
        deliver(&at);                                                     \
        return result;                                                    \
    }

#define MANAGED(type, name, parameters, arguments)                        \
    extern type kmemnet_##name(LIST parameters, struct site *at);         \
    static inline type do_##name(LIST parameters, struct site *at)        \
    {                                                                     \
        type result;                                                      \
        enter();                                                          \
        result = kmemnet_##name(LIST arguments, at);                      \
        inside--;                                                         \
        return result;                                                    \
    }                                                                     \
    PUBLIC(type, name, parameters, arguments, do_##name)
#define MANAGED_VOID(name, parameters, arguments)                         \
    extern void kmemnet_##name(LIST parameters, struct site *at);         \
    static inline void do_##name(LIST parameters, struct site *at)        \
    {                                                                     \
        enter();                                                          \
        kmemnet_##name(LIST arguments, at);                               \
        inside--;                                                         \
    }                                                                     \
    PUBLIC_VOID(name, parameters, arguments, do_##name)
#define MANAGED_0(type, name)                                             \
    extern type kmemnet_##name(struct site *at);                          \
    static inline type do_##name(struct site *at)                         \
    {                                                                     \
        type result;                                                      \
        enter();                                                          \
        result = kmemnet_##name(at);                                      \
        inside--;                                                         \
        return result;                                                    \
    }                                                                     \
    PUBLIC_0(type, name, do_##name)

MANAGED(int, kmem_boot, (const struct kmem_config *config), (config))
MANAGED_0(int, kmem_validate)
MANAGED(long, kmem_read_proc, (const char *name, char *into, size_t size), (name, into, size))
MANAGED(int, kmem_fail_nth, (uint64_t nth), (nth))
MANAGED(void *, kmalloc, (size_t size, gfp_t flags), (size, flags))
MANAGED(void *, kzalloc, (size_t size, gfp_t flags), (size, flags))
MANAGED(void *, kmalloc_array, (size_t n, size_t size, gfp_t flags), (n, size, flags))
MANAGED(void *, kcalloc, (size_t n, size_t size, gfp_t flags), (n, size, flags))
MANAGED(void *, krealloc, (const void *object, size_t size, gfp_t flags), (object, size, flags))
MANAGED(void *, kmemdup, (const void *source, size_t size, gfp_t flags), (source, size, flags))
MANAGED_VOID(kfree, (const void *object), (object))
MANAGED_VOID(kfree_sensitive, (const void *object), (object))
MANAGED(size_t, ksize, (const void *object), (object))
MANAGED(struct kmem_cache *, kmem_cache_create,
    (const char *name, unsigned int size, unsigned int align, slab_flags_t flags, void (*constructor)(void *)), (name, size, align, flags, constructor))
MANAGED(void *, kmem_cache_alloc, (struct kmem_cache *cache, gfp_t flags), (cache, flags))
MANAGED(void *, kmem_cache_zalloc, (struct kmem_cache *cache, gfp_t flags), (cache, flags))
MANAGED_VOID(kmem_cache_free, (struct kmem_cache *cache, void *object), (cache, object))
MANAGED(unsigned int, kmem_cache_size, (struct kmem_cache *cache), (cache))
MANAGED(int, kmem_cache_shrink, (struct kmem_cache *cache), (cache))
MANAGED_VOID(kmem_cache_destroy, (struct kmem_cache *cache), (cache))
MANAGED(struct page *, alloc_pages, (gfp_t flags, unsigned int order), (flags, order))
MANAGED_VOID(__free_pages, (struct page *page, unsigned int order), (page, order))
MANAGED(uintptr_t, __get_free_pages, (gfp_t flags, unsigned int order), (flags, order))
MANAGED(uintptr_t, get_zeroed_page, (gfp_t flags), (flags))
MANAGED_VOID(free_pages, (uintptr_t address, unsigned int order), (address, order))
MANAGED(void *, alloc_pages_exact, (size_t size, gfp_t flags), (size, flags))
MANAGED_VOID(free_pages_exact, (void *address, size_t size), (address, size))
MANAGED(void *, page_address, (const struct page *page), (page))
MANAGED(struct page *, virt_to_page, (const void *address), (address))
MANAGED(uint64_t, page_to_pfn, (const struct page *page), (page))
MANAGED(struct page *, pfn_to_page, (uint64_t pfn), (pfn))
MANAGED(void *, kmap, (struct page *page), (page))
MANAGED_VOID(kunmap, (struct page *page), (page))
MANAGED(void *, vmalloc, (size_t size), (size))
MANAGED(void *, vzalloc, (size_t size), (size))
MANAGED_VOID(vfree, (const void *address), (address))
MANAGED(int, is_vmalloc_addr, (const void *address), (address))
MANAGED(struct page *, vmalloc_to_page, (const void *address), (address))
MANAGED(phys_addr_t, virt_to_phys, (const volatile void *address), (address))
MANAGED(void *, phys_to_virt, (phys_addr_t address), (address))
MANAGED(uint64_t, kmem_board_address, (const volatile void *pointer), (pointer))
MANAGED(void *, kmem_host_pointer, (uint64_t board_address), (board_address))
MANAGED(struct resource *, request_mem_region, (resource_size_t start, resource_size_t size, const char *name), (start, size, name))
MANAGED_VOID(release_mem_region, (resource_size_t start, resource_size_t size), (start, size))
MANAGED(void *, kmem_ioremap, (phys_addr_t address, size_t size, int use), (address, size, use))
MANAGED_VOID(iounmap, (volatile void *address), (address))
MANAGED(struct device *, kmem_device, (const char *label), (label))
MANAGED(int, kmem_device_range, (struct device *dev, unsigned int index, phys_addr_t *start, resource_size_t *size), (dev, index, start, size))
MANAGED(int, kmem_bus_remove_device, (struct device *dev), (dev))
MANAGED(int, kmem_dma_mask, (struct device *dev, u64 mask, int which), (dev, mask, which))
MANAGED(dma_addr_t, dma_map_single, (struct device *dev, void *address, size_t size, enum dma_data_direction direction), (dev, address, size, direction))
MANAGED_VOID(dma_unmap_single, (struct device *dev, dma_addr_t address, size_t size, enum dma_data_direction direction), (dev, address, size, direction))
MANAGED(dma_addr_t, dma_map_page,
    (struct device *dev, struct page *page, size_t offset, size_t size, enum dma_data_direction direction), (dev, page, offset, size, direction))
MANAGED_VOID(kmem_dma_sync,
    (struct device *dev, dma_addr_t address, size_t offset, size_t size, enum dma_data_direction direction, int for_cpu),
    (dev, address, offset, size, direction, for_cpu))
MANAGED(int, dma_map_sg, (struct device *dev, struct scatterlist *list, int nents, enum dma_data_direction direction), (dev, list, nents, direction))
MANAGED_VOID(dma_unmap_sg, (struct device *dev, struct scatterlist *list, int nents, enum dma_data_direction direction), (dev, list, nents, direction))
MANAGED(void *, dma_alloc_coherent, (struct device *dev, size_t size, dma_addr_t *address, gfp_t flags), (dev, size, address, flags))
MANAGED_VOID(dma_free_coherent, (struct device *dev, size_t size, void *pointer, dma_addr_t address), (dev, size, pointer, address))
MANAGED(void *, kmem_user_alloc, (size_t size, int writable), (size, writable))
MANAGED_VOID(kmem_user_free, (void *address), (address))
MANAGED(size_t, copy_to_user, (void *to, const void *from, size_t size), (to, from, size))
MANAGED(size_t, copy_from_user, (void *to, const void *from, size_t size), (to, from, size))
MANAGED(size_t, clear_user, (void *to, size_t size), (to, size))
MANAGED(int, kmem_atomic, (int change), (change))
MANAGED_0(int, smp_processor_id)
MANAGED(uint64_t, kmem_tick, (uint64_t jiffies_to_pass), (jiffies_to_pass))
MANAGED_VOID(kmem_report, (enum kmem_report_kind kind, const char *message, int is_warning), (kind, message, is_warning))

extern void kmemnet_might_sleep(struct site *at);

static inline int do_might_sleep(struct site *at)
{
    enter();
    kmemnet_might_sleep(at);
    inside--;
    return 0;
}

void kmem_at_might_sleep(KMEM_CALL_SITE)
{
    struct site at = SITED;
    do_might_sleep(&at);
    deliver(&at);
}

void might_sleep(void)
{
    struct site at = PLAIN;
    do_might_sleep(&at);
    deliver(&at);
}

static void complain(enum kmem_report_kind kind, int is_warning, struct site *at, const char *format, ...) KMEM_PRINTF(4, 5);

static void complain(enum kmem_report_kind kind, int is_warning, struct site *at, const char *format, ...)
{
    char message[256];
    va_list list;

    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    do_kmem_report(kind, message, is_warning, at);
}

static inline char *do_kstrdup(const char *source, gfp_t flags, struct site *at)
{
    return source ? do_kmemdup(source, strlen(source) + 1, flags, at) : NULL;
}

PUBLIC(char *, kstrdup, (const char *source, gfp_t flags), (source, flags), do_kstrdup)

/* ---- Registers: the model is called from here ---- */

static int find_target(const volatile void *address, unsigned int size, int is_write, struct io_target *target, struct site *at)
{
    int result;

    enter();
    result = kmemnet_io_target((void *)address, (int)size, is_write, target, at);
    inside--;
    return result;
}

static u64 io_read(const volatile void *address, unsigned int size, struct site *at)
{
    struct io_target target;
    u64 value = 0;

    if (find_target(address, size, 0, &target, at) != 0)
        return ~(u64)0;
    if (target.memory)
        memcpy(&value, target.memory, size);
    else if (target.model->read)
        value = target.model->read(target.context, target.offset, size);
    return value;
}

static void io_write(u64 value, volatile void *address, unsigned int size, struct site *at)
{
    struct io_target target;

    if (find_target(address, size, 1, &target, at) != 0)
        return;
    if (target.memory)
        memcpy(target.memory, &value, size);
    else if (target.model->write)
        target.model->write(target.context, target.offset, size, size == 8 ? value : value & (((u64)1 << (8 * size)) - 1));
}

#define ACCESSORS(type, letter)                                                                                              \
    static inline type do_read##letter(const volatile void *address, struct site *at) { return (type)io_read(address, sizeof(type), at); }   \
    static inline void do_write##letter(type value, volatile void *address, struct site *at) { io_write(value, address, sizeof(type), at); } \
    PUBLIC(type, read##letter, (const volatile void *address), (address), do_read##letter)                                   \
    PUBLIC_VOID(write##letter, (type value, volatile void *address), (value, address), do_write##letter)

ACCESSORS(u8, b)
ACCESSORS(u16, w)
ACCESSORS(u32, l)
ACCESSORS(u64, q)

/* Byte by byte, as arm does; a byte that nobody answers ends it. */
static void do_memcpy_fromio(void *to, const volatile void *from, size_t size, struct site *at)
{
    size_t i;

    for (i = 0; i < size && at->reports == 0; i++)
        ((u8 *)to)[i] = (u8)io_read((const volatile u8 *)from + i, 1, at);
}

static void do_memcpy_toio(volatile void *to, const void *from, size_t size, struct site *at)
{
    size_t i;

    for (i = 0; i < size && at->reports == 0; i++)
        io_write(((const u8 *)from)[i], (volatile u8 *)to + i, 1, at);
}

static void do_memset_io(volatile void *to, int value, size_t size, struct site *at)
{
    size_t i;

    for (i = 0; i < size && at->reports == 0; i++)
        io_write((u8)value, (volatile u8 *)to + i, 1, at);
}

PUBLIC_VOID(memcpy_fromio, (void *to, const volatile void *from, size_t size), (to, from, size), do_memcpy_fromio)
PUBLIC_VOID(memcpy_toio, (volatile void *to, const void *from, size_t size), (to, from, size), do_memcpy_toio)
PUBLIC_VOID(memset_io, (volatile void *to, int value, size_t size), (to, value, size), do_memset_io)

static struct device *do_kmem_bus_add_device(const char *label, const struct kmem_device_ops *ops, void *context, struct site *at)
{
    struct device *dev = do_kmem_device(label, at);
    int result;

    if (!dev || !ops)
        return NULL;
    enter();
    result = kmemnet_kmem_bus_attach(dev, ops, context, at);
    inside--;
    return result == 0 ? dev : NULL;
}

static int device_dma(struct device *dev, dma_addr_t address, void *data, size_t size, int is_write, struct site *at)
{
    int result;

    enter();
    result = kmemnet_kmem_device_dma(dev, address, data, size, is_write, at);
    inside--;
    return result;
}

static int do_kmem_device_dma_read(struct device *dev, dma_addr_t address, void *into, size_t size, struct site *at)
{
    return device_dma(dev, address, into, size, 0, at);
}

static int do_kmem_device_dma_write(struct device *dev, dma_addr_t address, const void *from, size_t size, struct site *at)
{
    return device_dma(dev, address, (void *)from, size, 1, at);
}

PUBLIC(struct device *, kmem_bus_add_device, (const char *label, const struct kmem_device_ops *ops, void *context), (label, ops, context), do_kmem_bus_add_device)
PUBLIC(int, kmem_device_dma_read, (struct device *dev, dma_addr_t address, void *into, size_t size), (dev, address, into, size), do_kmem_device_dma_read)
PUBLIC(int, kmem_device_dma_write, (struct device *dev, dma_addr_t address, const void *from, size_t size), (dev, address, from, size), do_kmem_device_dma_write)

/* ---- Interrupts ---- */

#define IRQ_COUNT 1024u
#define FIRST_IRQ 32u
#define LINES_PER_DEVICE 8u
#define SHARERS 8

struct action {
    irq_handler_t handler;
    void *dev_id;
    unsigned long flags;
    struct site site;
};

static struct irq_line {
    struct action actions[SHARERS];
    int depth;      /* of disable_irq */
    int is_pending;
} lines[IRQ_COUNT];
static pthread_mutex_t irq_lock = PTHREAD_MUTEX_INITIALIZER;
static struct device *irq_devices[(IRQ_COUNT - FIRST_IRQ) / LINES_PER_DEVICE];
static __thread int irqs_off;
static __thread unsigned char raised_while_off[IRQ_COUNT];
static __thread int any_raised_while_off;

static int do_kmem_device_irq(struct device *dev, unsigned int index, struct site *at)
{
    size_t i;
    int result = -EINVAL;

    (void)at;
    if (!dev || index >= LINES_PER_DEVICE)
        return -EINVAL;
    pthread_mutex_lock(&irq_lock);
    for (i = 0; i < sizeof irq_devices / sizeof *irq_devices; i++) {
        if (!irq_devices[i])
            irq_devices[i] = dev;
        if (irq_devices[i] == dev) {
            result = (int)(FIRST_IRQ + i * LINES_PER_DEVICE + index);
            break;
        }
    }
    pthread_mutex_unlock(&irq_lock);
    return result;
}

static int do_request_irq(unsigned int irq, irq_handler_t handler, unsigned long flags, const char *name, void *dev_id, struct site *at)
{
    int i, used = 0, others_share = 1, place = -1;

    (void)name;
    /* A shared line is told apart by dev_id. */
    if (irq >= IRQ_COUNT || !handler || ((flags & IRQF_SHARED) && !dev_id))
        return -EINVAL;
    do_might_sleep(at);
    pthread_mutex_lock(&irq_lock);
    for (i = 0; i < SHARERS; i++) {
        if (!lines[irq].actions[i].handler) {
            place = i;
            continue;
        }
        used++;
        others_share &= (lines[irq].actions[i].flags & IRQF_SHARED) != 0;
    }
    if (place >= 0 && (used == 0 || ((flags & IRQF_SHARED) && others_share))) {
        lines[irq].actions[place].handler = handler;
        lines[irq].actions[place].dev_id = dev_id;
        lines[irq].actions[place].flags = flags;
        lines[irq].actions[place].site = *at;
        if (used == 0)
            lines[irq].depth = lines[irq].is_pending = 0;
    } else {
        place = -EBUSY;
    }
    pthread_mutex_unlock(&irq_lock);
    return place < 0 ? -EBUSY : 0;
}

static const void *do_free_irq(unsigned int irq, void *dev_id, struct site *at)
{
    int i, found = 0;

    do_might_sleep(at);
    if (irq < IRQ_COUNT) {
        pthread_mutex_lock(&irq_lock);
        for (i = 0; i < SHARERS && !found; i++) {
            if (lines[irq].actions[i].handler && lines[irq].actions[i].dev_id == dev_id) {
                memset(&lines[irq].actions[i], 0, sizeof lines[irq].actions[i]);
                found = 1;
            }
        }
        pthread_mutex_unlock(&irq_lock);
    }
    if (!found)
        complain(KMEM_REPORT_RESOURCE, 1, at, "Trying to free already-free IRQ %u", irq);
    return found ? dev_id : NULL;
}

static void run_handlers(unsigned int irq, struct site *at)
{
    struct action actions[SHARERS];
    int i, used = 0, handled = 0;

    pthread_mutex_lock(&irq_lock);
    memcpy(actions, lines[irq].actions, sizeof actions);
    pthread_mutex_unlock(&irq_lock);
    do_kmem_atomic(1, at);
    irqs_off++;
    for (i = 0; i < SHARERS; i++) {
        if (!actions[i].handler)
            continue;
        used++;
        handled |= actions[i].handler((int)irq, actions[i].dev_id) == IRQ_HANDLED;
    }
    irqs_off--;
    do_kmem_atomic(-1, at);
    if (used && !handled)
        complain(KMEM_REPORT_BUG, 0, at, "irq %u: nobody cared (each of %d handlers returned IRQ_NONE)", irq, used);
}

static int do_kmem_raise_irq(unsigned int irq, struct site *at)
{
    int is_off;

    if (irq >= IRQ_COUNT)
        return -EINVAL;
    pthread_mutex_lock(&irq_lock);
    is_off = lines[irq].depth > 0;
    lines[irq].is_pending |= is_off;
    pthread_mutex_unlock(&irq_lock);
    if (is_off)
        return 0;
    if (irqs_off > 0) {
        raised_while_off[irq] = 1;
        any_raised_while_off = 1;
        return 0;
    }
    run_handlers(irq, at);
    /* What the handlers' own devices raised meanwhile. */
    while (any_raised_while_off && irqs_off == 0) {
        unsigned int other;

        any_raised_while_off = 0;
        for (other = 0; other < IRQ_COUNT; other++) {
            if (raised_while_off[other]) {
                raised_while_off[other] = 0;
                run_handlers(other, at);
            }
        }
    }
    return 0;
}

static void do_disable_irq(unsigned int irq, struct site *at)
{
    if (irq >= IRQ_COUNT) {
        complain(KMEM_REPORT_RESOURCE, 1, at, "disable_irq of %u: there is no such line", irq);
        return;
    }
    pthread_mutex_lock(&irq_lock);
    lines[irq].depth++;
    pthread_mutex_unlock(&irq_lock);
}

static void do_enable_irq(unsigned int irq, struct site *at)
{
    int is_balanced = 0, is_due = 0;

    if (irq < IRQ_COUNT) {
        pthread_mutex_lock(&irq_lock);
        is_balanced = lines[irq].depth > 0;
        if (is_balanced && --lines[irq].depth == 0) {
            is_due = lines[irq].is_pending;
            lines[irq].is_pending = 0;
        }
        pthread_mutex_unlock(&irq_lock);
    }
    if (!is_balanced)
        complain(KMEM_REPORT_RESOURCE, 1, at, "Unbalanced enable for IRQ %u", irq);
    if (is_due)
        do_kmem_raise_irq(irq, at);
}

static unsigned long do_kmem_irq_save(struct site *at)
{
    unsigned long flags = irqs_off > 0;

    (void)at;
    if (!flags)
        irqs_off = 1;
    return flags;
}

static void do_kmem_irq_restore(unsigned long flags, struct site *at)
{
    unsigned int irq;

    if (flags || irqs_off == 0)
        return;
    irqs_off = 0;
    if (!any_raised_while_off)
        return;
    any_raised_while_off = 0;
    for (irq = 0; irq < IRQ_COUNT; irq++) {
        if (raised_while_off[irq]) {
            raised_while_off[irq] = 0;
            do_kmem_raise_irq(irq, at);
        }
    }
}

PUBLIC(int, kmem_device_irq, (struct device *dev, unsigned int index), (dev, index), do_kmem_device_irq)
PUBLIC(int, request_irq, (unsigned int irq, irq_handler_t handler, unsigned long flags, const char *name, void *dev_id),
    (irq, handler, flags, name, dev_id), do_request_irq)
PUBLIC(const void *, free_irq, (unsigned int irq, void *dev_id), (irq, dev_id), do_free_irq)
PUBLIC(int, kmem_raise_irq, (unsigned int irq), (irq), do_kmem_raise_irq)
PUBLIC_VOID(disable_irq, (unsigned int irq), (irq), do_disable_irq)
PUBLIC_VOID(enable_irq, (unsigned int irq), (irq), do_enable_irq)
PUBLIC_0(unsigned long, kmem_irq_save, do_kmem_irq_save)
PUBLIC_VOID(kmem_irq_restore, (unsigned long flags), (flags), do_kmem_irq_restore)

static void do_spin_lock(spinlock_t *lock, struct site *at)
{
    do_kmem_atomic(1, at);
    while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}

static void do_spin_unlock(spinlock_t *lock, struct site *at)
{
    if (!__atomic_exchange_n(&lock->locked, 0, __ATOMIC_RELEASE)) {
        complain(KMEM_REPORT_CONTEXT, 0, at, "spinlock bad magic: unlocked, and nobody had locked it");
        return;
    }
    do_kmem_atomic(-1, at);
}

PUBLIC_VOID(spin_lock, (spinlock_t *lock), (lock), do_spin_lock)
PUBLIC_VOID(spin_unlock, (spinlock_t *lock), (lock), do_spin_unlock)

/* ---- Shutdown ---- */

extern int kmemnet_kmem_shutdown(struct site *at);

static int do_kmem_shutdown(struct site *at)
{
    unsigned int irq;
    int i, leaks = 0, result;

    for (irq = 0; irq < IRQ_COUNT; irq++) {
        for (i = 0; i < SHARERS; i++) {
            struct site site;

            pthread_mutex_lock(&irq_lock);
            site = lines[irq].actions[i].site;
            if (!lines[irq].actions[i].handler) {
                pthread_mutex_unlock(&irq_lock);
                continue;
            }
            memset(&lines[irq].actions[i], 0, sizeof lines[irq].actions[i]);
            pthread_mutex_unlock(&irq_lock);
            site.reports = 0;
            complain(KMEM_REPORT_LEAK, 1, &site, "IRQ %u was not freed", irq);
            at->reports += site.reports;
            leaks++;
        }
    }
    pthread_mutex_lock(&irq_lock);
    memset(irq_devices, 0, sizeof irq_devices);
    pthread_mutex_unlock(&irq_lock);
    /* A test that jumped out of an interrupt handler left these behind. */
    irqs_off = any_raised_while_off = 0;
    memset(raised_while_off, 0, sizeof raised_while_off);
    enter();
    result = kmemnet_kmem_shutdown(at);
    inside--;
    return result < 0 ? result : result + leaks;
}

PUBLIC_0(int, kmem_shutdown, do_kmem_shutdown)

/* ---- Messages ---- */

static void print_line(int level, const char *text, size_t length)
{
    uint64_t now;

    if (level >= __atomic_load_n(&console_level, __ATOMIC_RELAXED))
        return;
    {
        struct site at = { NULL, NULL, NULL, 0, 0 };
        now = do_kmem_tick(0, &at);
    }
    fprintf(stderr, "[%5llu.%06llu] %.*s%s", (unsigned long long)(now / HZ), (unsigned long long)(now % HZ * 1000000 / HZ), (int)length, text,
        length > 0 && text[length - 1] == '\n' ? "" : "\n");
}

static void print_log(void)
{
    char line[1024];
    struct site at = { NULL, NULL, NULL, 0, 0 };

    for (;;) {
        long length = kmemnet_kmem_read_proc("next", line, sizeof line, &at);
        if (length < 0)
            return;
        print_line(4, line, strlen(line));
    }
}

static int level_of(const char **text)
{
    int level = 4;

    while ((*text)[0] == '\001' && (*text)[1] >= '0' && (*text)[1] <= '7') {
        level = (*text)[1] - '0';
        *text += 2;
    }
    return level;
}

static int print_list(int level, const char *prefix, const char *format, va_list list)
{
    char text[1024];
    int start = snprintf(text, sizeof text, "%s", prefix);
    int length;

    if (start < 0 || (size_t)start >= sizeof text)
        start = 0;
    length = vsnprintf(text + start, sizeof text - (size_t)start, format, list);
    if (length < 0)
        return length;
    print_line(level, text, strlen(text));
    return start + length;
}

KMEM_API int printk(const char *format, ...)
{
    va_list list;
    int level, written;

    if (!format)
        return -EINVAL;
    level = level_of(&format);
    va_start(list, format);
    written = print_list(level, "", format, list);
    va_end(list);
    return written;
}

KMEM_API int kmem_dev_printk(const char *level, const struct device *dev, const char *format, ...)
{
    char prefix[128];
    va_list list;
    int written;

    if (!level || !format)
        return -EINVAL;
    snprintf(prefix, sizeof prefix, "%s: ", dev ? dev_name(dev) : "(NULL device *)");
    va_start(list, format);
    written = print_list(level_of(&level), prefix, format, list);
    va_end(list);
    return written;
}

KMEM_API void kmem_set_console_level(int level)
{
    __atomic_store_n(&console_level, level, __ATOMIC_RELAXED);
}
