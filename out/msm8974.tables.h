/* Made by KmemKit from board msm8974; not to be edited. arm-short: 5 tables. */
#ifndef KMEM_TABLES_H
#define KMEM_TABLES_H

#define KMEM_TABLES_BASE 0x25ff8000
#define KMEM_TABLES_SIZE 0x5000
#define KMEM_TABLES_ALIGN 0x4000

/* System registers, in the order to write them. */
#define KMEM_TABLES_DACR 0x55555555
#define KMEM_TABLES_TTBCR 0x0
#define KMEM_TABLES_TTBR0 0x25ff806a
#define KMEM_TABLES_SCTLR 0xc5107d

/* Physical page that the vectors are mapped to. */
#define KMEM_VECTORS_PHYS 0x25fff000

/* Fixed mappings of devices: virtual address, physical address, bytes. */
#define KMEM_IO_INTC_VIRT 0xfefde000
#define KMEM_IO_INTC_PHYS 0xf9000000
#define KMEM_IO_INTC_SIZE 0x1000
#define KMEM_IO_INTC_1_VIRT 0xfefe0000
#define KMEM_IO_INTC_1_PHYS 0xf9002000
#define KMEM_IO_INTC_1_SIZE 0x1000
#define KMEM_IO_APCS_VIRT 0xfefe2000
#define KMEM_IO_APCS_PHYS 0xf9011000
#define KMEM_IO_APCS_SIZE 0x1000
#define KMEM_IO_SDHC1_VIRT 0xfefe4000
#define KMEM_IO_SDHC1_PHYS 0xf9824000
#define KMEM_IO_SDHC1_SIZE 0x1000
#define KMEM_IO_UART2_VIRT 0xfefe6000
#define KMEM_IO_UART2_PHYS 0xf991e000
#define KMEM_IO_UART2_SIZE 0x1000
#define KMEM_IO_GCC_VIRT 0xfefe8000
#define KMEM_IO_GCC_PHYS 0xfc400000
#define KMEM_IO_GCC_SIZE 0x4000
#define KMEM_IO_RPM_MSG_RAM_VIRT 0xfeff0000
#define KMEM_IO_RPM_MSG_RAM_PHYS 0xfc428000
#define KMEM_IO_RPM_MSG_RAM_SIZE 0x4000
#define KMEM_IO_TLMM_VIRT 0xfeff8000
#define KMEM_IO_TLMM_PHYS 0xfd510000
#define KMEM_IO_TLMM_SIZE 0x4000

#ifndef __ASSEMBLER__
#include <stdint.h>
extern uint32_t kmem_tables[5120];
#endif

#endif
