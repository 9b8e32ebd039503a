/*
 * The kernel's memory interface for C code that runs on the host, against a board's memory. Include <board>_kernel.h, which includes this; link with lib<board>.so.
 *
 * Pointers. What kmalloc, __get_free_pages, vmalloc, kmap and dma_alloc_coherent give is host memory: load and store through it. It is the board's RAM as well:
 *     virt_to_phys(p), phys_to_virt(pa)   between such a pointer (of lowmem) and the board's physical address
 *     kmem_board_address(p)               the board's virtual address of it, which the macros of <board>.kmem.h know: __virt_to_phys(kmem_board_address(p)) is
 *                                         virt_to_phys(p), and __phys_to_virt(pa) is kmem_board_address(phys_to_virt(pa))
 * A pointer marked __iomem (ioremap) or __user (kmem_user_alloc) is no memory: readl and writel, copy_to_user and copy_from_user take it; following it faults, and the
 * fault is reported. So does vmalloc memory at its guard pages and after vfree.
 *
 * Misuse is reported as the kernel prints it, with the function, file and line of the call: the functions below are macros that pass __FILE__, __LINE__ and __func__.
 * Define KMEM_NO_SITES to call the functions themselves; a report shows the caller's symbol then. A report is printed and the program aborted, unless
 * kmem_set_report_handler or kmem_set_report_policy says otherwise. The handler is called when no frame of the library is left: it may longjmp.
 *
 * Any number of threads may call; the board has as many CPUs as kmem_boot was told, and a call runs on one of them. The board boots at the first call, or by kmem_boot; at
 * exit, or by kmem_shutdown, it is ended, and what was not given back is reported. Do not fork while it runs: RAM is shared memory.
 */
#ifndef KMEM_KERNEL_H
#define KMEM_KERNEL_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef KMEM_API
#define KMEM_API extern
#endif
#if defined(__GNUC__)
#define KMEM_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define KMEM_PRINTF(text, first)
#endif

/* Types (include/linux/types.h). Addresses of the board have 64 bits whatever its own word is. */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef unsigned int gfp_t;
typedef unsigned int slab_flags_t;
typedef uint64_t phys_addr_t;
typedef uint64_t dma_addr_t;
typedef uint64_t resource_size_t;

#define __iomem
#define __user
#define __force
#define __init
#define __exit
#define __must_check

struct page;       /* never followed: page_address, page_to_pfn */
struct kmem_cache; /* never followed */

/* Where a call was made. */
#define KMEM_CALL_SITE const char *kmem_file, int kmem_line, const char *kmem_function
#define KMEM_HERE __FILE__, __LINE__, __func__

/* A function, and the same with the place of its call. */
#define KMEM_FUNCTION(type, name, ...)  \
    KMEM_API type name(__VA_ARGS__);    \
    KMEM_API type kmem_at_##name(__VA_ARGS__, KMEM_CALL_SITE)
#define KMEM_FUNCTION_0(type, name) \
    KMEM_API type name(void);       \
    KMEM_API type kmem_at_##name(KMEM_CALL_SITE)

/* ---- Boot, shutdown, reports ---- */

struct kmem_config {
    unsigned int cpus;       /* 0: as many as the board has */
    unsigned int reserved;   /* 0 */
    const char *slub_debug;  /* slub_debug=, such as "FZPU"; "-" for no checks and full speed; NULL: everything on */
    uint64_t swiotlb_bytes;  /* bounce buffers, a multiple of 256 KiB; 0: none */
};

enum kmem_report_kind {
    KMEM_REPORT_OBJECT = 1, /* kmalloc and caches: freed twice, red zone, poison, wrong cache */
    KMEM_REPORT_PAGE,       /* pages: freed twice, wrong order, no page */
    KMEM_REPORT_VMALLOC,
    KMEM_REPORT_IOREMAP,    /* System RAM, another memory type, unmapped twice */
    KMEM_REPORT_IO,         /* readl, writel: not mapped, misaligned, nobody answers */
    KMEM_REPORT_DMA,
    KMEM_REPORT_RESOURCE,   /* release_mem_region of what was not claimed */
    KMEM_REPORT_ADDRESS,    /* an address that the call is not for */
    KMEM_REPORT_CONTEXT,    /* may sleep where nobody can */
    KMEM_REPORT_FAULT,      /* a pointer was followed that is no memory, or no longer */
    KMEM_REPORT_LEAK,
    KMEM_REPORT_BUG,        /* BUG() and WARN() */
    KMEM_REPORT_PANIC,
    KMEM_REPORT_INTERNAL    /* a fault of the library */
};

struct kmem_report {
    enum kmem_report_kind kind;
    int line;             /* 0 where it is not known */
    const char *text;     /* as the kernel prints it */
    const char *file;     /* of the call that found it, for a leak of the call that allocated; "" where it is not known */
    const char *function;
    void *address;        /* what it is about, as a host pointer; NULL where that is nothing */
};

enum kmem_report_action { KMEM_ABORT, KMEM_CONTINUE };

/* The report and its strings are the library's, and good until the next report of the thread. */
typedef enum kmem_report_action (*kmem_report_handler_t)(const struct kmem_report *report, void *context);

/* NULL takes the handler away. */
KMEM_API void kmem_set_report_handler(kmem_report_handler_t handler, void *context);
/* What follows a report where there is no handler; KMEM_ABORT at first. */
KMEM_API void kmem_set_report_policy(enum kmem_report_action action);
/* Reports since the start of the program. */
KMEM_API unsigned long kmem_report_count(void);

/* 0; -EINVAL where the configuration is bad, or the board runs already and something is asked for; -ENOMEM where the host cannot hold it. config may be NULL. */
KMEM_FUNCTION(int, kmem_boot, const struct kmem_config *config);
/* Ends the machine; a later call boots a fresh one. What was not given back is reported. The number of those reports. */
KMEM_FUNCTION_0(int, kmem_shutdown);
/* Looks at every object now (slabinfo -v). The number of reports. */
KMEM_FUNCTION_0(int, kmem_validate);
/* A text: "log" (the boot log), "iomem", "buddyinfo", "meminfo", "slabinfo", "zoneinfo"... Its length, as snprintf; -EINVAL where there is none of that name. */
KMEM_FUNCTION(long, kmem_read_proc, const char *name, char *into, size_t size);
/* Lets an allocation of an object fail: the n-th from now, 0 for none (fail-nth). 0, or -EINVAL where slub_debug is "-". */
KMEM_FUNCTION(int, kmem_fail_nth, uint64_t nth);

/* ---- GFP flags (include/linux/gfp_types.h) ---- */

#define __GFP_DMA 0x01u
#define __GFP_HIGHMEM 0x02u
#define __GFP_DMA32 0x04u
#define __GFP_MOVABLE 0x08u
#define __GFP_RECLAIMABLE 0x10u
#define __GFP_HIGH 0x20u
#define __GFP_IO 0x40u
#define __GFP_FS 0x80u
#define __GFP_ZERO 0x100u
#define __GFP_DIRECT_RECLAIM 0x400u
#define __GFP_KSWAPD_RECLAIM 0x800u
#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define __GFP_NOWARN 0x2000u
#define __GFP_RETRY_MAYFAIL 0x4000u
#define __GFP_NOFAIL 0x8000u
#define __GFP_NORETRY 0x10000u
#define __GFP_MEMALLOC 0x20000u
#define __GFP_COMP 0x40000u
#define __GFP_NOMEMALLOC 0x80000u
#define __GFP_HARDWALL 0x100000u
#define __GFP_THISNODE 0x200000u
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_NOWAIT __GFP_KSWAPD_RECLAIM
#define GFP_NOIO __GFP_RECLAIM
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER (__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_HARDWALL)
#define GFP_DMA __GFP_DMA
#define GFP_DMA32 __GFP_DMA32
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_HIGHUSER_MOVABLE (GFP_HIGHUSER | __GFP_MOVABLE)

/* ---- kmalloc and object caches (include/linux/slab.h) ---- */

#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(x) ((uintptr_t)(x) <= (uintptr_t)ZERO_SIZE_PTR)

#define SLAB_CONSISTENCY_CHECKS 0x100u
#define SLAB_RED_ZONE 0x400u
#define SLAB_POISON 0x800u
#define SLAB_HWCACHE_ALIGN 0x2000u
#define SLAB_CACHE_DMA 0x4000u
#define SLAB_STORE_USER 0x10000u
#define SLAB_RECLAIM_ACCOUNT 0x20000u
#define SLAB_PANIC 0x40000u
#define SLAB_TYPESAFE_BY_RCU 0x80000u
#define SLAB_ACCOUNT 0x4000000u

KMEM_FUNCTION(void *, kmalloc, size_t size, gfp_t flags);
KMEM_FUNCTION(void *, kzalloc, size_t size, gfp_t flags);
KMEM_FUNCTION(void *, kmalloc_array, size_t n, size_t size, gfp_t flags);
KMEM_FUNCTION(void *, kcalloc, size_t n, size_t size, gfp_t flags);
KMEM_FUNCTION(void *, krealloc, const void *object, size_t size, gfp_t flags);
KMEM_FUNCTION(void *, kmemdup, const void *source, size_t size, gfp_t flags);
KMEM_FUNCTION(char *, kstrdup, const char *source, gfp_t flags);
KMEM_FUNCTION(void, kfree, const void *object);
KMEM_FUNCTION(void, kfree_sensitive, const void *object);
KMEM_FUNCTION(size_t, ksize, const void *object);
/* The constructor runs inside of the library: it must not longjmp. NULL where the cache cannot be made; the log says why. */
KMEM_FUNCTION(struct kmem_cache *, kmem_cache_create, const char *name, unsigned int size, unsigned int align, slab_flags_t flags, void (*constructor)(void *));
KMEM_FUNCTION(void *, kmem_cache_alloc, struct kmem_cache *cache, gfp_t flags);
KMEM_FUNCTION(void *, kmem_cache_zalloc, struct kmem_cache *cache, gfp_t flags);
KMEM_FUNCTION(void, kmem_cache_free, struct kmem_cache *cache, void *object);
KMEM_FUNCTION(unsigned int, kmem_cache_size, struct kmem_cache *cache);
KMEM_FUNCTION(int, kmem_cache_shrink, struct kmem_cache *cache);
KMEM_FUNCTION(void, kmem_cache_destroy, struct kmem_cache *cache);

/* ---- Pages (include/linux/gfp.h, mm.h, highmem.h) ---- */

#ifndef PAGE_SHIFT
#define PAGE_SHIFT KMEM_PAGE_SHIFT
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE ((size_t)1 << PAGE_SHIFT)
#endif
#ifndef PAGE_MASK
#define PAGE_MASK (~(PAGE_SIZE - 1))
#endif
#define PAGE_ALIGN(x) (((x) + PAGE_SIZE - 1) & PAGE_MASK)

KMEM_FUNCTION(struct page *, alloc_pages, gfp_t flags, unsigned int order);
KMEM_FUNCTION(void, __free_pages, struct page *page, unsigned int order);
/* An unsigned long in the kernel: a host pointer is a uintptr_t. */
KMEM_FUNCTION(uintptr_t, __get_free_pages, gfp_t flags, unsigned int order);
KMEM_FUNCTION(uintptr_t, get_zeroed_page, gfp_t flags);
KMEM_FUNCTION(void, free_pages, uintptr_t address, unsigned int order);
KMEM_FUNCTION(void *, alloc_pages_exact, size_t size, gfp_t flags);
KMEM_FUNCTION(void, free_pages_exact, void *address, size_t size);
KMEM_FUNCTION(void *, page_address, const struct page *page);
KMEM_FUNCTION(struct page *, virt_to_page, const void *address);
KMEM_FUNCTION(uint64_t, page_to_pfn, const struct page *page);
KMEM_FUNCTION(struct page *, pfn_to_page, uint64_t pfn);
KMEM_FUNCTION(void *, kmap, struct page *page);
KMEM_FUNCTION(void, kunmap, struct page *page);
#define alloc_page(flags) alloc_pages(flags, 0)
#define __free_page(page) __free_pages(page, 0)
#define __get_free_page(flags) __get_free_pages(flags, 0)
#define free_page(address) free_pages(address, 0)
#define pfn_valid(pfn) (pfn_to_page(pfn) != NULL)
#define page_to_phys(page) ((phys_addr_t)page_to_pfn(page) << PAGE_SHIFT)

/* ---- vmalloc (include/linux/vmalloc.h) ---- */

KMEM_FUNCTION(void *, vmalloc, size_t size);
KMEM_FUNCTION(void *, vzalloc, size_t size);
KMEM_FUNCTION(void, vfree, const void *address);
KMEM_FUNCTION(int, is_vmalloc_addr, const void *address);
KMEM_FUNCTION(struct page *, vmalloc_to_page, const void *address);

/* ---- Addresses (asm/memory.h) ---- */

#define KMEM_NO_ADDRESS UINT64_MAX

/* KMEM_NO_ADDRESS and a report where the pointer is not lowmem. */
KMEM_FUNCTION(phys_addr_t, virt_to_phys, const volatile void *address);
/* NULL and a report where the address is not lowmem. */
KMEM_FUNCTION(void *, phys_to_virt, phys_addr_t address);
KMEM_FUNCTION(uint64_t, kmem_board_address, const volatile void *pointer);
/* NULL where the board has nothing there that C holds. */
KMEM_FUNCTION(void *, kmem_host_pointer, uint64_t board_address);
#define __pa(x) virt_to_phys((const volatile void *)(x))
#define __va(x) phys_to_virt(x)

/* ---- Registers (include/linux/ioport.h, io.h) ---- */

struct resource {
    resource_size_t start;
    resource_size_t end; /* the last byte */
    const char *name;
    uint64_t flags;
};

KMEM_FUNCTION(struct resource *, request_mem_region, resource_size_t start, resource_size_t size, const char *name);
KMEM_FUNCTION(void, release_mem_region, resource_size_t start, resource_size_t size);
KMEM_FUNCTION(void __iomem *, kmem_ioremap, phys_addr_t address, size_t size, int use);
KMEM_FUNCTION(void, iounmap, volatile void __iomem *address);
KMEM_FUNCTION(u8, readb, const volatile void __iomem *address);
KMEM_FUNCTION(u16, readw, const volatile void __iomem *address);
KMEM_FUNCTION(u32, readl, const volatile void __iomem *address);
KMEM_FUNCTION(u64, readq, const volatile void __iomem *address);
KMEM_FUNCTION(void, writeb, u8 value, volatile void __iomem *address);
KMEM_FUNCTION(void, writew, u16 value, volatile void __iomem *address);
KMEM_FUNCTION(void, writel, u32 value, volatile void __iomem *address);
KMEM_FUNCTION(void, writeq, u64 value, volatile void __iomem *address);
KMEM_FUNCTION(void, memcpy_fromio, void *to, const volatile void __iomem *from, size_t size);
KMEM_FUNCTION(void, memcpy_toio, volatile void __iomem *to, const void *from, size_t size);
KMEM_FUNCTION(void, memset_io, volatile void __iomem *to, int value, size_t size);
#define ioremap(address, size) kmem_ioremap(address, size, 0)
#define ioremap_wc(address, size) kmem_ioremap(address, size, 1)
#define ioremap_cache(address, size) kmem_ioremap(address, size, 2)
#define readb_relaxed(address) readb(address)
#define readw_relaxed(address) readw(address)
#define readl_relaxed(address) readl(address)
#define readq_relaxed(address) readq(address)
#define writeb_relaxed(value, address) writeb(value, address)
#define writew_relaxed(value, address) writew(value, address)
#define writel_relaxed(value, address) writel(value, address)
#define writeq_relaxed(value, address) writeq(value, address)

/* ---- Devices of the board, and models of them ---- */

struct device {
    const char *init_name;
    void *driver_data;
    u64 dma_mask;
    u64 coherent_dma_mask;
};

static inline const char *dev_name(const struct device *dev) { return dev->init_name; }
static inline void *dev_get_drvdata(const struct device *dev) { return dev->driver_data; }
static inline void dev_set_drvdata(struct device *dev, void *data) { dev->driver_data = data; }

/* A model's registers. offset is from the first byte of the device's first range; further ranges follow it. size is 1, 2, 4 or 8. */
struct kmem_device_ops {
    u64 (*read)(void *context, u64 offset, unsigned int size);
    void (*write)(void *context, u64 offset, unsigned int size, u64 value);
};

/* The device of a label or of the path of a node; NULL where the board has none. */
KMEM_FUNCTION(struct device *, kmem_device, const char *label);
/* Its index-th range of registers: 0, or -EINVAL. */
KMEM_FUNCTION(int, kmem_device_range, struct device *dev, unsigned int index, phys_addr_t *start, resource_size_t *size);
/* Puts a model at a device's registers; ops and context stay the caller's. NULL where there is no such device, or a model is there. */
KMEM_FUNCTION(struct device *, kmem_bus_add_device, const char *label, const struct kmem_device_ops *ops, void *context);
/* 0, or -ENODEV. */
KMEM_FUNCTION(int, kmem_bus_remove_device, struct device *dev);
/* The device reads or writes memory at a DMA address: 0, or -EFAULT and a report where it was not given that memory; nothing is copied then. */
KMEM_FUNCTION(int, kmem_device_dma_read, struct device *dev, dma_addr_t address, void *into, size_t size);
KMEM_FUNCTION(int, kmem_device_dma_write, struct device *dev, dma_addr_t address, const void *from, size_t size);

/* ---- Interrupts (include/linux/interrupt.h) ---- */

typedef enum { IRQ_NONE, IRQ_HANDLED } irqreturn_t;
typedef irqreturn_t (*irq_handler_t)(int irq, void *dev_id);
#define IRQF_SHARED 0x80ul

/* The device's index-th line as the kernel numbers it (not the controller's number): platform_get_irq. -EINVAL beyond 8. */
KMEM_FUNCTION(int, kmem_device_irq, struct device *dev, unsigned int index);
KMEM_FUNCTION(int, request_irq, unsigned int irq, irq_handler_t handler, unsigned long flags, const char *name, void *dev_id);
KMEM_FUNCTION(const void *, free_irq, unsigned int irq, void *dev_id);
KMEM_FUNCTION(void, disable_irq, unsigned int irq);
KMEM_FUNCTION(void, enable_irq, unsigned int irq);
/* The model raises its line: the handlers run now, on this thread, and may not sleep; later where the line or the thread's interrupts are off. */
KMEM_FUNCTION(int, kmem_raise_irq, unsigned int irq);
/* The thread's interrupts; what was raised meanwhile is handled when they are on again. */
KMEM_FUNCTION_0(unsigned long, kmem_irq_save);
KMEM_FUNCTION(void, kmem_irq_restore, unsigned long flags);
#define local_irq_save(flags) ((flags) = kmem_irq_save())
#define local_irq_restore(flags) kmem_irq_restore(flags)
#define local_irq_disable() ((void)kmem_irq_save())
#define local_irq_enable() kmem_irq_restore(0)

/* Code that may not sleep: 1 begins it, -1 ends it, 0 asks. How deep the thread is. */
KMEM_FUNCTION(int, kmem_atomic, int change);
KMEM_FUNCTION_0(void, might_sleep);
KMEM_FUNCTION_0(int, smp_processor_id);
#define preempt_disable() ((void)kmem_atomic(1))
#define preempt_enable() ((void)kmem_atomic(-1))
#define in_atomic() (kmem_atomic(0) != 0)

/* Host threads really wait for one another on it. */
typedef struct { volatile int locked; } spinlock_t;
KMEM_FUNCTION(void, spin_lock, spinlock_t *lock);
KMEM_FUNCTION(void, spin_unlock, spinlock_t *lock);
#define DEFINE_SPINLOCK(name) spinlock_t name = { 0 }
#define spin_lock_init(lock) ((void)((lock)->locked = 0))
#define spin_lock_irqsave(lock, flags) (local_irq_save(flags), spin_lock(lock))
#define spin_unlock_irqrestore(lock, flags) (spin_unlock(lock), local_irq_restore(flags))

/* ---- DMA, the driver's side (include/linux/dma-mapping.h) ---- */

enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_NONE };
#define DMA_BIT_MASK(n) ((n) == 64 ? ~0ull : (1ull << (n)) - 1)
#define DMA_MAPPING_ERROR (~(dma_addr_t)0)

struct scatterlist {
    struct page *page;
    unsigned int offset;
    unsigned int length;
    dma_addr_t dma_address;
    unsigned int dma_length;
    unsigned int reserved;
};

KMEM_FUNCTION(int, kmem_dma_mask, struct device *dev, u64 mask, int which);
KMEM_FUNCTION(dma_addr_t, dma_map_single, struct device *dev, void *address, size_t size, enum dma_data_direction direction);
KMEM_FUNCTION(void, dma_unmap_single, struct device *dev, dma_addr_t address, size_t size, enum dma_data_direction direction);
KMEM_FUNCTION(dma_addr_t, dma_map_page, struct device *dev, struct page *page, size_t offset, size_t size, enum dma_data_direction direction);
KMEM_FUNCTION(void, kmem_dma_sync, struct device *dev, dma_addr_t address, size_t offset, size_t size, enum dma_data_direction direction, int for_cpu);
/* nents: entries that the device gets; 0 on an error. dma_unmap_sg takes the number that dma_map_sg was given. */
KMEM_FUNCTION(int, dma_map_sg, struct device *dev, struct scatterlist *list, int nents, enum dma_data_direction direction);
KMEM_FUNCTION(void, dma_unmap_sg, struct device *dev, struct scatterlist *list, int nents, enum dma_data_direction direction);
KMEM_FUNCTION(void *, dma_alloc_coherent, struct device *dev, size_t size, dma_addr_t *address, gfp_t flags);
KMEM_FUNCTION(void, dma_free_coherent, struct device *dev, size_t size, void *pointer, dma_addr_t address);
#define dma_set_mask(dev, mask) kmem_dma_mask(dev, mask, 1)
#define dma_set_coherent_mask(dev, mask) kmem_dma_mask(dev, mask, 2)
#define dma_set_mask_and_coherent(dev, mask) kmem_dma_mask(dev, mask, 3)
#define dma_unmap_page(dev, address, size, direction) dma_unmap_single(dev, address, size, direction)
#define dma_sync_single_for_cpu(dev, address, size, direction) kmem_dma_sync(dev, address, 0, size, direction, 1)
#define dma_sync_single_for_device(dev, address, size, direction) kmem_dma_sync(dev, address, 0, size, direction, 0)
#define dma_sync_single_range_for_cpu(dev, address, offset, size, direction) kmem_dma_sync(dev, address, offset, size, direction, 1)
#define dma_sync_single_range_for_device(dev, address, offset, size, direction) kmem_dma_sync(dev, address, offset, size, direction, 0)
static inline int dma_mapping_error(struct device *dev, dma_addr_t address) { return (void)dev, address == DMA_MAPPING_ERROR ? -12 : 0; }

static inline void sg_init_table(struct scatterlist *list, unsigned int nents) { memset(list, 0, nents * sizeof *list); }
static inline void sg_set_page(struct scatterlist *entry, struct page *page, unsigned int length, unsigned int offset)
{
    entry->page = page;
    entry->length = length;
    entry->offset = offset;
}
#define sg_set_buf(entry, pointer, size) sg_set_page(entry, virt_to_page(pointer), size, (unsigned int)((uintptr_t)(pointer) & (PAGE_SIZE - 1)))
#define sg_dma_address(entry) ((entry)->dma_address)
#define sg_dma_len(entry) ((entry)->dma_length)
#define sg_page(entry) ((entry)->page)
#define for_each_sg(list, entry, nents, i) for ((i) = 0, (entry) = (list); (i) < (nents); (i)++, (entry)++)

/* ---- Memory of a process (include/linux/uaccess.h) ---- */

/* Zeroed pages of the board, which a driver reaches by the functions below alone. */
KMEM_FUNCTION(void __user *, kmem_user_alloc, size_t size, int writable);
KMEM_FUNCTION(void, kmem_user_free, void __user *address);
/* Bytes that were not copied. */
KMEM_FUNCTION(size_t, copy_to_user, void __user *to, const void *from, size_t size);
KMEM_FUNCTION(size_t, copy_from_user, void *to, const void __user *from, size_t size);
KMEM_FUNCTION(size_t, clear_user, void __user *to, size_t size);

/* ---- Time (include/linux/jiffies.h): stands still until it is ticked ---- */

#define HZ 250
/* Lets jiffies pass; the time then. */
KMEM_FUNCTION(uint64_t, kmem_tick, uint64_t jiffies_to_pass);
#define jiffies kmem_tick(0)
#define msecs_to_jiffies(ms) (((uint64_t)(ms) * HZ + 999) / 1000)
#define msleep(ms) (might_sleep(), (void)kmem_tick(msecs_to_jiffies(ms)))

/* ---- Messages (include/linux/printk.h, bug.h) ---- */

#define KERN_EMERG "\0010"
#define KERN_ALERT "\0011"
#define KERN_CRIT "\0012"
#define KERN_ERR "\0013"
#define KERN_WARNING "\0014"
#define KERN_NOTICE "\0015"
#define KERN_INFO "\0016"
#define KERN_DEBUG "\0017"

/* To standard error, with the time; bytes written. Levels from kmem_set_console_level on are not shown: 7 at first, KERN_DEBUG. */
KMEM_API int printk(const char *format, ...) KMEM_PRINTF(1, 2);
KMEM_API void kmem_set_console_level(int level);
KMEM_FUNCTION(void, kmem_report, enum kmem_report_kind kind, const char *message, int is_warning);
#define pr_err(...) printk(KERN_ERR __VA_ARGS__)
#define pr_warn(...) printk(KERN_WARNING __VA_ARGS__)
#define pr_info(...) printk(KERN_INFO __VA_ARGS__)
#define pr_debug(...) printk(KERN_DEBUG __VA_ARGS__)
KMEM_API int kmem_dev_printk(const char *level, const struct device *dev, const char *format, ...) KMEM_PRINTF(3, 4);
#define dev_err(dev, ...) kmem_dev_printk(KERN_ERR, dev, __VA_ARGS__)
#define dev_warn(dev, ...) kmem_dev_printk(KERN_WARNING, dev, __VA_ARGS__)
#define dev_info(dev, ...) kmem_dev_printk(KERN_INFO, dev, __VA_ARGS__)
#define dev_dbg(dev, ...) kmem_dev_printk(KERN_DEBUG, dev, __VA_ARGS__)
#define WARN_ON(condition) ((condition) ? (kmem_report(KMEM_REPORT_BUG, "WARN_ON(" #condition ")", 1), 1) : 0)
#define BUG_ON(condition) ((condition) ? kmem_report(KMEM_REPORT_BUG, "kernel BUG: BUG_ON(" #condition ")", 0) : (void)0)
#define BUG() kmem_report(KMEM_REPORT_BUG, "kernel BUG", 0)

#ifndef KMEM_NO_SITES
#define kmem_boot(config) kmem_at_kmem_boot(config, KMEM_HERE)
#define kmem_shutdown() kmem_at_kmem_shutdown(KMEM_HERE)
#define kmem_validate() kmem_at_kmem_validate(KMEM_HERE)
#define kmem_read_proc(name, into, size) kmem_at_kmem_read_proc(name, into, size, KMEM_HERE)
#define kmem_fail_nth(nth) kmem_at_kmem_fail_nth(nth, KMEM_HERE)
#define kmalloc(size, flags) kmem_at_kmalloc(size, flags, KMEM_HERE)
#define kzalloc(size, flags) kmem_at_kzalloc(size, flags, KMEM_HERE)
#define kmalloc_array(n, size, flags) kmem_at_kmalloc_array(n, size, flags, KMEM_HERE)
#define kcalloc(n, size, flags) kmem_at_kcalloc(n, size, flags, KMEM_HERE)
#define krealloc(object, size, flags) kmem_at_krealloc(object, size, flags, KMEM_HERE)
#define kmemdup(source, size, flags) kmem_at_kmemdup(source, size, flags, KMEM_HERE)
#define kstrdup(source, flags) kmem_at_kstrdup(source, flags, KMEM_HERE)
#define kfree(object) kmem_at_kfree(object, KMEM_HERE)
#define kfree_sensitive(object) kmem_at_kfree_sensitive(object, KMEM_HERE)
#define ksize(object) kmem_at_ksize(object, KMEM_HERE)
#define kmem_cache_create(name, size, align, flags, constructor) kmem_at_kmem_cache_create(name, size, align, flags, constructor, KMEM_HERE)
#define kmem_cache_alloc(cache, flags) kmem_at_kmem_cache_alloc(cache, flags, KMEM_HERE)
#define kmem_cache_zalloc(cache, flags) kmem_at_kmem_cache_zalloc(cache, flags, KMEM_HERE)
#define kmem_cache_free(cache, object) kmem_at_kmem_cache_free(cache, object, KMEM_HERE)
#define kmem_cache_size(cache) kmem_at_kmem_cache_size(cache, KMEM_HERE)
#define kmem_cache_shrink(cache) kmem_at_kmem_cache_shrink(cache, KMEM_HERE)
#define kmem_cache_destroy(cache) kmem_at_kmem_cache_destroy(cache, KMEM_HERE)
#define alloc_pages(flags, order) kmem_at_alloc_pages(flags, order, KMEM_HERE)
#define __free_pages(page, order) kmem_at___free_pages(page, order, KMEM_HERE)
#define __get_free_pages(flags, order) kmem_at___get_free_pages(flags, order, KMEM_HERE)
#define get_zeroed_page(flags) kmem_at_get_zeroed_page(flags, KMEM_HERE)
#define free_pages(address, order) kmem_at_free_pages(address, order, KMEM_HERE)
#define alloc_pages_exact(size, flags) kmem_at_alloc_pages_exact(size, flags, KMEM_HERE)
#define free_pages_exact(address, size) kmem_at_free_pages_exact(address, size, KMEM_HERE)
#define page_address(page) kmem_at_page_address(page, KMEM_HERE)
#define virt_to_page(address) kmem_at_virt_to_page(address, KMEM_HERE)
#define page_to_pfn(page) kmem_at_page_to_pfn(page, KMEM_HERE)
#define pfn_to_page(pfn) kmem_at_pfn_to_page(pfn, KMEM_HERE)
#define kmap(page) kmem_at_kmap(page, KMEM_HERE)
#define kunmap(page) kmem_at_kunmap(page, KMEM_HERE)
#define vmalloc(size) kmem_at_vmalloc(size, KMEM_HERE)
#define vzalloc(size) kmem_at_vzalloc(size, KMEM_HERE)
#define vfree(address) kmem_at_vfree(address, KMEM_HERE)
#define is_vmalloc_addr(address) kmem_at_is_vmalloc_addr(address, KMEM_HERE)
#define vmalloc_to_page(address) kmem_at_vmalloc_to_page(address, KMEM_HERE)
#define virt_to_phys(address) kmem_at_virt_to_phys(address, KMEM_HERE)
#define phys_to_virt(address) kmem_at_phys_to_virt(address, KMEM_HERE)
#define kmem_board_address(pointer) kmem_at_kmem_board_address(pointer, KMEM_HERE)
#define kmem_host_pointer(address) kmem_at_kmem_host_pointer(address, KMEM_HERE)
#define request_mem_region(start, size, name) kmem_at_request_mem_region(start, size, name, KMEM_HERE)
#define release_mem_region(start, size) kmem_at_release_mem_region(start, size, KMEM_HERE)
#define kmem_ioremap(address, size, use) kmem_at_kmem_ioremap(address, size, use, KMEM_HERE)
#define iounmap(address) kmem_at_iounmap(address, KMEM_HERE)
#define readb(address) kmem_at_readb(address, KMEM_HERE)
#define readw(address) kmem_at_readw(address, KMEM_HERE)
#define readl(address) kmem_at_readl(address, KMEM_HERE)
#define readq(address) kmem_at_readq(address, KMEM_HERE)
#define writeb(value, address) kmem_at_writeb(value, address, KMEM_HERE)
#define writew(value, address) kmem_at_writew(value, address, KMEM_HERE)
#define writel(value, address) kmem_at_writel(value, address, KMEM_HERE)
#define writeq(value, address) kmem_at_writeq(value, address, KMEM_HERE)
#define memcpy_fromio(to, from, size) kmem_at_memcpy_fromio(to, from, size, KMEM_HERE)
#define memcpy_toio(to, from, size) kmem_at_memcpy_toio(to, from, size, KMEM_HERE)
#define memset_io(to, value, size) kmem_at_memset_io(to, value, size, KMEM_HERE)
#define kmem_device(label) kmem_at_kmem_device(label, KMEM_HERE)
#define kmem_device_range(dev, index, start, size) kmem_at_kmem_device_range(dev, index, start, size, KMEM_HERE)
#define kmem_bus_add_device(label, ops, context) kmem_at_kmem_bus_add_device(label, ops, context, KMEM_HERE)
#define kmem_bus_remove_device(dev) kmem_at_kmem_bus_remove_device(dev, KMEM_HERE)
#define kmem_device_dma_read(dev, address, into, size) kmem_at_kmem_device_dma_read(dev, address, into, size, KMEM_HERE)
#define kmem_device_dma_write(dev, address, from, size) kmem_at_kmem_device_dma_write(dev, address, from, size, KMEM_HERE)
#define kmem_device_irq(dev, index) kmem_at_kmem_device_irq(dev, index, KMEM_HERE)
#define request_irq(irq, handler, flags, name, dev_id) kmem_at_request_irq(irq, handler, flags, name, dev_id, KMEM_HERE)
#define free_irq(irq, dev_id) kmem_at_free_irq(irq, dev_id, KMEM_HERE)
#define disable_irq(irq) kmem_at_disable_irq(irq, KMEM_HERE)
#define enable_irq(irq) kmem_at_enable_irq(irq, KMEM_HERE)
#define kmem_raise_irq(irq) kmem_at_kmem_raise_irq(irq, KMEM_HERE)
#define kmem_irq_save() kmem_at_kmem_irq_save(KMEM_HERE)
#define kmem_irq_restore(flags) kmem_at_kmem_irq_restore(flags, KMEM_HERE)
#define kmem_atomic(change) kmem_at_kmem_atomic(change, KMEM_HERE)
#define might_sleep() kmem_at_might_sleep(KMEM_HERE)
#define smp_processor_id() kmem_at_smp_processor_id(KMEM_HERE)
#define spin_lock(lock) kmem_at_spin_lock(lock, KMEM_HERE)
#define spin_unlock(lock) kmem_at_spin_unlock(lock, KMEM_HERE)
#define kmem_dma_mask(dev, mask, which) kmem_at_kmem_dma_mask(dev, mask, which, KMEM_HERE)
#define dma_map_single(dev, address, size, direction) kmem_at_dma_map_single(dev, address, size, direction, KMEM_HERE)
#define dma_unmap_single(dev, address, size, direction) kmem_at_dma_unmap_single(dev, address, size, direction, KMEM_HERE)
#define dma_map_page(dev, page, offset, size, direction) kmem_at_dma_map_page(dev, page, offset, size, direction, KMEM_HERE)
#define kmem_dma_sync(dev, address, offset, size, direction, for_cpu) kmem_at_kmem_dma_sync(dev, address, offset, size, direction, for_cpu, KMEM_HERE)
#define dma_map_sg(dev, list, nents, direction) kmem_at_dma_map_sg(dev, list, nents, direction, KMEM_HERE)
#define dma_unmap_sg(dev, list, nents, direction) kmem_at_dma_unmap_sg(dev, list, nents, direction, KMEM_HERE)
#define dma_alloc_coherent(dev, size, address, flags) kmem_at_dma_alloc_coherent(dev, size, address, flags, KMEM_HERE)
#define dma_free_coherent(dev, size, pointer, address) kmem_at_dma_free_coherent(dev, size, pointer, address, KMEM_HERE)
#define kmem_user_alloc(size, writable) kmem_at_kmem_user_alloc(size, writable, KMEM_HERE)
#define kmem_user_free(address) kmem_at_kmem_user_free(address, KMEM_HERE)
#define copy_to_user(to, from, size) kmem_at_copy_to_user(to, from, size, KMEM_HERE)
#define copy_from_user(to, from, size) kmem_at_copy_from_user(to, from, size, KMEM_HERE)
#define clear_user(to, size) kmem_at_clear_user(to, size, KMEM_HERE)
#define kmem_tick(passing) kmem_at_kmem_tick(passing, KMEM_HERE)
#define kmem_report(kind, message, is_warning) kmem_at_kmem_report(kind, message, is_warning, KMEM_HERE)
#endif

#ifdef __cplusplus
}
#endif

#endif
