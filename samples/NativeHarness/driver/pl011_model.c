#include <string.h>
#include "pl011_model.h"

#define REG(model, offset) ((model)->registers[(offset) / 4])

static void raise(struct pl011_model *model, u32 which)
{
    REG(model, PL011_MIS) |= which & REG(model, PL011_IMSC);
    if (REG(model, PL011_MIS))
        kmem_raise_irq((unsigned int)kmem_device_irq(model->dev, 0));
}

void pl011_model_clock(struct pl011_model *model)
{
    u32 length = REG(model, PL011_TX_LENGTH);

    if (!(REG(model, PL011_FR) & PL011_FR_BUSY))
        return;
    if (length > sizeof model->line - model->line_length)
        length = (u32)(sizeof model->line - model->line_length);
    model->dma_error = kmem_device_dma_read(model->dev, REG(model, PL011_TX_ADDRESS), model->line + model->line_length, length);
    if (model->dma_error == 0)
        model->line_length += length;
    REG(model, PL011_FR) &= ~(u32)PL011_FR_BUSY;
    raise(model, PL011_IRQ_TX);
}

void pl011_model_input(struct pl011_model *model, const char *data, size_t length)
{
    if (length > REG(model, PL011_RX_LENGTH))
        length = REG(model, PL011_RX_LENGTH);
    model->dma_error = kmem_device_dma_write(model->dev, REG(model, PL011_RX_ADDRESS), data, length);
    REG(model, PL011_RX_LENGTH) = model->dma_error ? 0 : (u32)length;
    raise(model, PL011_IRQ_RX);
}

static u64 model_read(void *context, u64 offset, unsigned int size)
{
    struct pl011_model *model = context;
    return size == 4 && offset < sizeof model->registers ? REG(model, offset) : 0;
}

static void model_write(void *context, u64 offset, unsigned int size, u64 value)
{
    struct pl011_model *model = context;

    if (size != 4 || offset >= sizeof model->registers)
        return;
    if (offset == PL011_ICR) {
        REG(model, PL011_MIS) &= ~(u32)value;
        return;
    }
    REG(model, offset) = (u32)value;
    if (offset == PL011_TX_LENGTH) {
        REG(model, PL011_FR) |= PL011_FR_BUSY;
        if (!model->is_slow)
            pl011_model_clock(model);
    }
}

int pl011_model_attach(struct pl011_model *model)
{
    static const struct kmem_device_ops ops = { model_read, model_write };

    memset(model, 0, sizeof *model);
    model->dev = kmem_bus_add_device("uart0", &ops, model);
    return model->dev ? 0 : -1;
}
