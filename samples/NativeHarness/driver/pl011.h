/* Driver of a PL011-like UART that fetches what it sends, and stores what it receives, by itself. */
#ifndef PL011_H
#define PL011_H

#include <linux/interrupt.h>
#include <linux/types.h>

#define PL011_FR 0x18        /* flags: transmitter busy */
#define PL011_FR_BUSY 0x08
#define PL011_IBRD 0x24      /* baud rate divisor */
#define PL011_LCRH 0x2c      /* line: 8 bits, FIFOs */
#define PL011_CR 0x30        /* enable, transmit, receive */
#define PL011_IMSC 0x38      /* interrupts that reach the processor */
#define PL011_MIS 0x40       /* those that are pending */
#define PL011_ICR 0x44       /* clears them */
#define PL011_TX_ADDRESS 0x100
#define PL011_TX_LENGTH 0x104 /* written: starts */
#define PL011_RX_ADDRESS 0x108
#define PL011_RX_LENGTH 0x10c /* written: room; read: bytes that came */
#define PL011_IRQ_RX 0x10
#define PL011_IRQ_TX 0x20

#define PL011_RX_BYTES 256

struct pl011 {
    struct device *dev;
    void __iomem *regs;
    phys_addr_t start;
    resource_size_t size;
    unsigned int irq;
    char *rx; /* the device writes here */
    dma_addr_t rx_address;
    char *tx; /* a copy of what is on its way */
    size_t tx_length;
    dma_addr_t tx_address;
    unsigned long sent;
    void (*received)(const char *data, size_t length, void *context);
    void *context;
};

/* 0, or a negative error; nothing stays taken then. */
int pl011_probe(struct pl011 *uart, struct device *dev);
/* 0 when it is on its way, -EBUSY while something else is, -ENOMEM. */
int pl011_send(struct pl011 *uart, const char *data, size_t length);
void pl011_remove(struct pl011 *uart);

#endif
