/* Nothing in here knows that it does not run in a kernel. */
#include <errno.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include "pl011.h"

static u32 get(struct pl011 *uart, unsigned int reg) { return readl((char __iomem *)uart->regs + reg); }
static void set(struct pl011 *uart, unsigned int reg, u32 value) { writel(value, (char __iomem *)uart->regs + reg); }

static void listen_again(struct pl011 *uart)
{
    dma_sync_single_for_device(uart->dev, uart->rx_address, PL011_RX_BYTES, DMA_FROM_DEVICE);
    set(uart, PL011_RX_ADDRESS, (u32)uart->rx_address);
    set(uart, PL011_RX_LENGTH, PL011_RX_BYTES);
}

static void end_of_sending(struct pl011 *uart)
{
    dma_unmap_single(uart->dev, uart->tx_address, uart->tx_length, DMA_TO_DEVICE);
    kfree(uart->tx);
    uart->tx = NULL;
    uart->sent += uart->tx_length;
}

static irqreturn_t pl011_interrupt(int irq, void *dev_id)
{
    struct pl011 *uart = dev_id;
    u32 pending = get(uart, PL011_MIS);

    (void)irq;
    if (!pending)
        return IRQ_NONE;
    set(uart, PL011_ICR, pending);
    if (pending & PL011_IRQ_TX)
        end_of_sending(uart);
    if (pending & PL011_IRQ_RX) {
        u32 length = get(uart, PL011_RX_LENGTH);
        dma_sync_single_for_cpu(uart->dev, uart->rx_address, PL011_RX_BYTES, DMA_FROM_DEVICE);
        if (uart->received && length <= PL011_RX_BYTES)
            uart->received(uart->rx, length, uart->context);
        listen_again(uart);
    }
    return IRQ_HANDLED;
}

int pl011_probe(struct pl011 *uart, struct device *dev)
{
    int error = -ENODEV;

    memset(uart, 0, sizeof *uart);
    uart->dev = dev;
    if (!dev || kmem_device_range(dev, 0, &uart->start, &uart->size) != 0)
        return -ENODEV;
    uart->irq = (unsigned int)kmem_device_irq(dev, 0);
    if (dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32)) != 0)
        return -EIO;
    if (!request_mem_region(uart->start, uart->size, "pl011"))
        return -EBUSY;
    error = -ENOMEM;
    uart->regs = ioremap(uart->start, uart->size);
    if (!uart->regs)
        goto release;
    uart->rx = kmalloc(PL011_RX_BYTES, GFP_KERNEL);
    if (!uart->rx)
        goto unmap;
    uart->rx_address = dma_map_single(dev, uart->rx, PL011_RX_BYTES, DMA_FROM_DEVICE);
    if (dma_mapping_error(dev, uart->rx_address))
        goto free;
    error = request_irq(uart->irq, pl011_interrupt, 0, "pl011", uart);
    if (error)
        goto unmap_dma;
    set(uart, PL011_IBRD, 13);
    set(uart, PL011_LCRH, 0x70);
    set(uart, PL011_CR, 0x301);
    set(uart, PL011_IMSC, PL011_IRQ_RX | PL011_IRQ_TX);
    set(uart, PL011_RX_ADDRESS, (u32)uart->rx_address);
    set(uart, PL011_RX_LENGTH, PL011_RX_BYTES);
    dev_info(dev, "PL011 at %#llx, irq %u\n", (unsigned long long)uart->start, uart->irq);
    return 0;

unmap_dma:
    dma_unmap_single(dev, uart->rx_address, PL011_RX_BYTES, DMA_FROM_DEVICE);
free:
    kfree(uart->rx);
unmap:
    iounmap(uart->regs);
release:
    release_mem_region(uart->start, uart->size);
    return error;
}

int pl011_send(struct pl011 *uart, const char *data, size_t length)
{
    if (uart->tx || (get(uart, PL011_FR) & PL011_FR_BUSY))
        return -EBUSY;
    /* The caller's bytes may lie anywhere; the device gets memory that it reaches. */
    uart->tx = kmemdup(data, length, GFP_KERNEL);
    if (!uart->tx)
        return -ENOMEM;
    uart->tx_address = dma_map_single(uart->dev, uart->tx, length, DMA_TO_DEVICE);
    if (dma_mapping_error(uart->dev, uart->tx_address)) {
        kfree(uart->tx);
        uart->tx = NULL;
        return -ENOMEM;
    }
    uart->tx_length = length;
    set(uart, PL011_TX_ADDRESS, (u32)uart->tx_address);
    set(uart, PL011_TX_LENGTH, (u32)length);
    return 0;
}

void pl011_remove(struct pl011 *uart)
{
    set(uart, PL011_IMSC, 0);
    set(uart, PL011_CR, 0);
    free_irq(uart->irq, uart);
    if (uart->tx)
        end_of_sending(uart);
    dma_unmap_single(uart->dev, uart->rx_address, PL011_RX_BYTES, DMA_FROM_DEVICE);
    kfree(uart->rx);
    iounmap(uart->regs);
    release_mem_region(uart->start, uart->size);
}
