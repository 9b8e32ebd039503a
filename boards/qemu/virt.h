/* One of the 32 virtio slots of QEMU's virt machine. The address is written once, as the unit address has it. */
#define VIRTIO_MMIO(unit) \
	virtio_mmio@unit { compatible = "virtio,mmio"; reg = <0x0 0x##unit 0x0 0x200>; };
