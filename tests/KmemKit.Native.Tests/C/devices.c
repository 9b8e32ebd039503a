/* Registers, DMA, interrupts. */
#include "case.h"

static u32 registers[1024];

static u64 read_register(void *context, u64 offset, unsigned int size)
{
    u64 value = 0;
    memcpy(&value, (char *)context + offset, size);
    return value;
}

static void write_register(void *context, u64 offset, unsigned int size, u64 value)
{
    memcpy((char *)context + offset, &value, size);
}

static const struct kmem_device_ops plain = { read_register, write_register };

CASE(registers_by_their_accessors)
{
    struct device *uart = kmem_bus_add_device("uart0", &plain, registers);
    phys_addr_t start;
    resource_size_t size;
    struct resource *claim;
    char __iomem *base;
    u8 bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    assert(uart && strcmp(dev_name(uart), "uart0") == 0 && kmem_device("/pl011@9000000") == uart);
    assert(kmem_bus_add_device("uart0", &plain, registers) == NULL && kmem_bus_add_device("uart9", &plain, registers) == NULL);
    assert(kmem_device_range(uart, 0, &start, &size) == 0 && start == KMEM_DEVICE_UART0_BASE && size == KMEM_DEVICE_UART0_SIZE);
    assert(kmem_device_range(uart, 1, &start, &size) == -22);
    claim = request_mem_region(start, size, "driver");
    assert(claim && claim->start == start && claim->end == start + size - 1 && request_mem_region(start + 8, 8, "other") == NULL);
    base = ioremap(start, size);
    writeb(0x11, base + 1);
    writew(0x2233, base + 2);
    writel(0x44556677, base + 4);
    writeq(0x8899aabbccddeeffull, base + 8);
    assert(readb(base + 1) == 0x11 && readw(base + 2) == 0x2233 && readl(base + 4) == 0x44556677 && readq(base + 8) == 0x8899aabbccddeeffull);
    assert(registers[1] == 0x44556677 && readl_relaxed(base + 8) == 0xccddeeff);
    memcpy_toio(base + 16, bytes, sizeof bytes);
    memset_io(base + 20, 0, 2);
    memcpy_fromio(bytes, base + 16, sizeof bytes);
    assert(bytes[3] == 4 && bytes[4] == 0 && bytes[5] == 0 && bytes[6] == 7);
    assert(readl(base + size - 4) == registers[1023]);
    iounmap(base);
    release_mem_region(start, size);
    assert(kmem_bus_remove_device(uart) == 0 && kmem_bus_remove_device(uart) == -19);
}

CASE(registers_misused)
{
    char __iomem *base;
    char *p = kmalloc(8, GFP_KERNEL);

    kmem_bus_add_device("uart0", &plain, registers);
    base = ioremap(KMEM_DEVICE_UART0_BASE + 0x10, 0x20);
    assert(readl(base + 0x20) == 0xffffffff); //! IO
    assert(readl(base - 4) == 0xffffffff); //! IO
    assert(readl(base + 2) == 0xffffffff); //! IO
    writel(1, p); //! IO
    assert(readw(NULL) == 0xffff); //! IO
    iounmap(base + 4);
    iounmap(base); //! IOREMAP
    writel(1, base); //! IO
    iounmap(p); //! IOREMAP
    kfree(p);
}

CASE(nobody_answers)
{
    char __iomem *base = ioremap(KMEM_DEVICE_RTC_BASE, KMEM_DEVICE_RTC_SIZE);
    u8 bytes[4];
    assert(readl(base) == 0xffffffff); //! IO
    memcpy_fromio(bytes, base, sizeof bytes); //! IO
    iounmap(base);
}

CASE(ioremap_of_ram)
{
    assert(ioremap(KMEM_PHYS_OFFSET, PAGE_SIZE) == NULL); //! IOREMAP
    assert(ioremap(KMEM_DEVICE_UART0_BASE, 0) == NULL && ioremap(~(phys_addr_t)0, 2) == NULL);
}

/* Nobody's addresses: what the board's kernel has mapped from boot on has its type already. */
#define NOBODYS 0x0f000000

CASE(ioremap_with_two_types)
{
    void __iomem *base = ioremap(NOBODYS, PAGE_SIZE);
    assert(ioremap_wc(NOBODYS, PAGE_SIZE) == NULL); //! IOREMAP
    iounmap(base);
    base = ioremap_wc(NOBODYS, PAGE_SIZE);
    assert(base);
    iounmap(base);
}

CASE(ioremap_leaked)
{
    assert(ioremap(KMEM_DEVICE_UART0_BASE, PAGE_SIZE)); //! LEAK
    assert(request_mem_region(KMEM_DEVICE_UART0_BASE, PAGE_SIZE, "driver")); //! LEAK
}

CASE(release_of_what_was_not_claimed)
{
    release_mem_region(KMEM_DEVICE_UART0_BASE, PAGE_SIZE); //! RESOURCE
}

CASE(dma_from_map_to_unmap)
{
    struct device *dev = kmem_device("uart0");
    char *p = kmalloc(256, GFP_KERNEL);
    char data[256];
    dma_addr_t address;

    assert(dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32)) == 0 && dma_set_mask(dev, 5) != 0);
    strcpy(p, "to the device");
    address = dma_map_single(dev, p, 256, DMA_TO_DEVICE);
    assert(!dma_mapping_error(dev, address) && address == virt_to_phys(p));
    assert(kmem_device_dma_read(dev, address, data, 256) == 0 && strcmp(data, p) == 0);
    dma_unmap_single(dev, address, 256, DMA_TO_DEVICE);
    address = dma_map_single(dev, p, 256, DMA_FROM_DEVICE);
    assert(kmem_device_dma_write(dev, address + 8, "from it", 8) == 0);
    dma_sync_single_for_cpu(dev, address, 256, DMA_FROM_DEVICE);
    assert(strcmp(p + 8, "from it") == 0);
    dma_sync_single_for_device(dev, address + 8, 8, DMA_FROM_DEVICE);
    dma_unmap_single(dev, address, 256, DMA_FROM_DEVICE);
    kfree(p);
}

CASE(dma_misused_by_the_driver)
{
    struct device *dev = kmem_device("uart0");
    char *p = kmalloc(256, GFP_KERNEL);
    char variable[16];
    void *v = vmalloc(16);
    dma_addr_t address = dma_map_single(dev, p, 256, DMA_TO_DEVICE);

    assert(dma_mapping_error(dev, dma_map_single(dev, variable, 16, DMA_TO_DEVICE))); //! DMA
    assert(dma_mapping_error(dev, dma_map_single(dev, v, 16, DMA_TO_DEVICE))); //! DMA
    assert(dma_mapping_error(dev, dma_map_single((struct device *)p, p, 16, DMA_TO_DEVICE))); //! DMA
    assert(dma_mapping_error(dev, dma_map_single(dev, p, 16, DMA_NONE))); //! DMA
    dma_unmap_single(dev, address, 128, DMA_TO_DEVICE); //! DMA
    dma_unmap_single(dev, address + 4, 256, DMA_TO_DEVICE); //! DMA
    dma_sync_single_for_cpu(dev, address, 300, DMA_TO_DEVICE); //! DMA
    dma_unmap_single(dev, address, 256, DMA_FROM_DEVICE); //! DMA
    dma_unmap_single(dev, address, 256, DMA_TO_DEVICE); //! DMA
    kfree(p);
    vfree(v);
}

CASE(dma_misused_by_the_device)
{
    struct device *dev = kmem_device("uart0");
    char *p = kmalloc(256, GFP_KERNEL);
    char data[512];
    dma_addr_t address = dma_map_single(dev, p, 256, DMA_TO_DEVICE);

    assert(kmem_device_dma_read(dev, address, data, 257) == -14); //! DMA
    assert(kmem_device_dma_read(dev, 0x1000, data, 4) == -14); //! DMA
    assert(kmem_device_dma_write(dev, address, data, 4) == -14); //! DMA
    dma_sync_single_for_cpu(dev, address, 256, DMA_TO_DEVICE);
    assert(kmem_device_dma_read(dev, address, data, 4) == -14); //! DMA
    dma_unmap_single(dev, address, 256, DMA_TO_DEVICE);
    assert(kmem_device_dma_read(dev, address, data, 4) == -14); //! DMA
    kfree(p);
}

CASE(dma_leaked)
{
    struct device *dev = kmem_device("uart0");
    char *p = kmalloc(256, GFP_KERNEL); //! LEAK
    assert(!dma_mapping_error(dev, dma_map_single(dev, p, 256, DMA_TO_DEVICE))); //! LEAK
}

CASE(coherent_memory)
{
    struct device *dev = kmem_device("uart0");
    dma_addr_t address = 0;
    char *p = dma_alloc_coherent(dev, 3 * PAGE_SIZE, &address, GFP_KERNEL);
    char data[8];

    assert(p && p[3 * PAGE_SIZE - 1] == 0);
    strcpy(p + PAGE_SIZE - 3, "across");
    assert(kmem_device_dma_read(dev, address + PAGE_SIZE - 3, data, 7) == 0 && strcmp(data, "across") == 0);
    dma_free_coherent(dev, PAGE_SIZE, p, address); //! DMA
    dma_free_coherent(dev, 3 * PAGE_SIZE, p + 8, address); //! DMA
    dma_free_coherent(dev, 3 * PAGE_SIZE, p, address);
    dma_free_coherent(dev, 3 * PAGE_SIZE, p, address); //! DMA
}

CASE(scatter_lists)
{
    struct device *dev = kmem_device("uart0");
    struct scatterlist list[3], *entry;
    char *p[3], data[1024];
    int i, mapped;

    sg_init_table(list, 3);
    for (i = 0; i < 3; i++) {
        p[i] = kmalloc(1024, GFP_KERNEL);
        memset(p[i], 'a' + i, 1024);
        sg_set_buf(&list[i], p[i], 1024);
    }
    mapped = dma_map_sg(dev, list, 3, DMA_TO_DEVICE);
    assert(mapped >= 1);
    for_each_sg(list, entry, mapped, i)
        assert(sg_dma_len(entry) % 1024 == 0 && kmem_device_dma_read(dev, sg_dma_address(entry) + sg_dma_len(entry) - 1024, data, 1024) == 0);
    dma_unmap_sg(dev, list, 2, DMA_TO_DEVICE); //! DMA
    dma_unmap_sg(dev, list, 3, DMA_TO_DEVICE);
    assert(dma_map_sg(dev, NULL, 3, DMA_TO_DEVICE) == 0); //! DMA
    for (i = 0; i < 3; i++)
        kfree(p[i]);
}

static int handled;

static irqreturn_t on_irq(int irq, void *dev_id)
{
    handled++;
    (void)irq;
    kfree(kmalloc(8, GFP_ATOMIC));
    return dev_id ? IRQ_HANDLED : IRQ_NONE;
}

CASE(interrupts)
{
    struct device *dev = kmem_device("uart0");
    unsigned int irq = (unsigned int)kmem_device_irq(dev, 0);
    unsigned long flags;

    handled = 0;
    assert(request_irq(irq, NULL, 0, "x", dev) == -22 && request_irq(irq, on_irq, 0, "x", dev) == 0 && request_irq(irq, on_irq, 0, "y", &handled) == -16);
    kmem_raise_irq(irq);
    assert(handled == 1);
    local_irq_save(flags);
    kmem_raise_irq(irq);
    assert(handled == 1);
    local_irq_restore(flags);
    assert(handled == 2);
    disable_irq(irq);
    kmem_raise_irq(irq);
    kmem_raise_irq(irq);
    assert(handled == 2);
    enable_irq(irq);
    assert(handled == 3);
    enable_irq(irq); //! RESOURCE
    assert(free_irq(irq, dev) == dev);
    assert(free_irq(irq, dev) == NULL); //! RESOURCE
    kmem_raise_irq(irq);
    assert(handled == 3);
    assert(request_irq(irq, on_irq, 0, "x", NULL) == 0); //! LEAK
    kmem_raise_irq(irq); //! BUG
}

static irqreturn_t on_irq_asleep(int irq, void *dev_id)
{
    (void)irq;
    (void)dev_id;
    kfree(kmalloc(8, GFP_KERNEL)); //! CONTEXT
    return IRQ_HANDLED;
}

CASE(interrupt_handler_that_sleeps)
{
    struct device *dev = kmem_device("uart0");
    unsigned int irq = (unsigned int)kmem_device_irq(dev, 0);
    request_irq(irq, on_irq_asleep, 0, "x", dev);
    kmem_raise_irq(irq);
    free_irq(irq, dev);
}

int main(int argc, char **argv)
{
    static const struct named_case cases[] = {
        RUN(registers_by_their_accessors), RUN(registers_misused), RUN(nobody_answers), RUN(ioremap_of_ram), RUN(ioremap_with_two_types), RUN(ioremap_leaked),
        RUN(release_of_what_was_not_claimed), RUN(dma_from_map_to_unmap), RUN(dma_misused_by_the_driver), RUN(dma_misused_by_the_device), RUN(dma_leaked), RUN(coherent_memory),
        RUN(scatter_lists), RUN(interrupts), RUN(interrupt_handler_that_sleeps),
    };
    return run_cases(cases, sizeof cases / sizeof *cases, argc, argv);
}
