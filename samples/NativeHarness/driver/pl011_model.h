/* The device, as far as its driver can see it. */
#ifndef PL011_MODEL_H
#define PL011_MODEL_H

#include <linux/device.h>
#include "pl011.h"

struct pl011_model {
    struct device *dev;
    u32 registers[0x110 / 4];
    char line[512]; /* what went out */
    size_t line_length;
    int dma_error;  /* of the last access to memory */
    int is_slow;    /* sends only when pl011_model_clock says so */
};

/* Puts it at the board's uart0. 0, or -1. */
int pl011_model_attach(struct pl011_model *model);
/* Bytes come in on the line. */
void pl011_model_input(struct pl011_model *model, const char *data, size_t length);
/* A slow device goes on. */
void pl011_model_clock(struct pl011_model *model);

#endif
