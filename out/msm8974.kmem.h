/*
 * msm8974: the memory map, made by KmemKit from msm8974.dts.
 * It is made anew with every build: change the board, not this file.
 *
 * Layout rules: linux-arm-3.4. For C99, C++ and assembler sources. KMEM_NO_KERNEL_NAMES, defined before it is included, leaves out the names
 * that a kernel's own headers define too: PAGE_OFFSET, PHYS_OFFSET, __phys_to_virt, __virt_to_phys.
 */
#ifndef KMEM_MSM8974_KMEM_H
#define KMEM_MSM8974_KMEM_H

#ifdef __ASSEMBLER__
#define KMEM_U32(number) number
#define KMEM_U64(number) number
#define KMEM_CAST(type, value) (value)
/* 1 where a < b, both unsigned, else 0: the borrow of a - b. */
#define KMEM_BELOW(a, b) ((((((~(a)) & (b)) | (((~(a)) | (b)) & ((a) - (b))))) >> 63) & 1)
#define KMEM_CHOOSE(condition, yes, no) ((no) + ((condition) * ((yes) - (no))))
#else
#include <stdint.h>
#define KMEM_U32(number) number##U
#define KMEM_U64(number) number##ULL
#ifdef __cplusplus
#define KMEM_CAST(type, value) (type(value))
#else
#include <stdbool.h>
#define KMEM_CAST(type, value) ((type)(value))
#endif
#define KMEM_BELOW(a, b) ((a) < (b) ? 1U : 0U)
#define KMEM_CHOOSE(condition, yes, no) ((condition) != 0 ? (yes) : (no))
#endif
/* 1 where first <= x <= last, else 0. */
#define KMEM_WITHIN(x, first, last) (1 - KMEM_BELOW((last) - (first), (x) - (first)))

#define KMEM_BOARD "msm8974"
#define KMEM_MODEL "Qualcomm MSM 8974"
#define KMEM_PROFILE "linux-arm-3.4"
#define KMEM_HAS_MMU 1
#define KMEM_PHYS_BITS 32
#define KMEM_VIRT_BITS 32
#define KMEM_PAGE_SHIFT 12
#define KMEM_PAGE_SIZE KMEM_U32(0x1000)
#define KMEM_PAGE_OFFSET KMEM_U32(0xc0000000)
#define KMEM_PHYS_OFFSET KMEM_U32(0x0)
#define KMEM_LOWMEM_LIMIT KMEM_U32(0x26000000) /* physical end of lowmem */
#define KMEM_HIGH_MEMORY KMEM_U32(0xe6000000) /* virtual end of lowmem */
#define KMEM_LOW_PAGES KMEM_U32(0x1b300)
#define KMEM_HIGH_PAGES KMEM_U32(0x59200)

#ifndef KMEM_NO_KERNEL_NAMES
#define PAGE_OFFSET KMEM_PAGE_OFFSET
#define PHYS_OFFSET KMEM_PHYS_OFFSET
#endif

/* RAM that the kernel manages, by rising address. */
#define KMEM_BANK_COUNT 4
#define KMEM_BANK_0_BASE KMEM_U32(0x0) /* lowmem, msm8974.dtsi:23 */
#define KMEM_BANK_0_SIZE KMEM_U32(0x5b00000)
#define KMEM_BANK_0_END KMEM_U32(0x5b00000)
#define KMEM_BANK_0_IS_LOWMEM 1
#define KMEM_BANK_1_BASE KMEM_U32(0x5d00000) /* lowmem, msm8974.dtsi:24 */
#define KMEM_BANK_1_SIZE KMEM_U32(0x1800000)
#define KMEM_BANK_1_END KMEM_U32(0x7500000)
#define KMEM_BANK_1_IS_LOWMEM 1
#define KMEM_BANK_2_BASE KMEM_U32(0x12000000) /* lowmem, msm8974.dtsi:25 */
#define KMEM_BANK_2_SIZE KMEM_U32(0x14000000)
#define KMEM_BANK_2_END KMEM_U32(0x26000000)
#define KMEM_BANK_2_IS_LOWMEM 1
#define KMEM_BANK_3_BASE KMEM_U32(0x26000000) /* highmem, msm8974.dtsi:25 */
#define KMEM_BANK_3_SIZE KMEM_U32(0x59200000)
#define KMEM_BANK_3_END KMEM_U32(0x7f200000)
#define KMEM_BANK_3_IS_LOWMEM 0

/* What is not RAM to the kernel, from the first to the last byte of the board's memory. */
#define KMEM_HOLE_COUNT 2
#define KMEM_HOLE_0_BASE KMEM_U32(0x5b00000) /* gap */
#define KMEM_HOLE_0_SIZE KMEM_U32(0x200000)
#define KMEM_HOLE_0_END KMEM_U32(0x5d00000)
#define KMEM_HOLE_1_BASE KMEM_U32(0x7500000) /* gap */
#define KMEM_HOLE_1_SIZE KMEM_U32(0xab00000)
#define KMEM_HOLE_1_END KMEM_U32(0x12000000)

/* Virtual ranges, in the order in which the kernel prints them. */
#define KMEM_VIRT_VECTOR_START KMEM_U32(0xffff0000) /* vector */
#define KMEM_VIRT_VECTOR_SIZE KMEM_U32(0x1000)
#define KMEM_VIRT_VECTOR_END KMEM_U32(0xffff1000)
#define KMEM_VIRT_FIXMAP_START KMEM_U32(0xfff00000) /* fixmap */
#define KMEM_VIRT_FIXMAP_SIZE KMEM_U32(0xe0000)
#define KMEM_VIRT_FIXMAP_END KMEM_U32(0xfffe0000)
#define KMEM_VIRT_VMALLOC_START KMEM_U32(0xe6800000) /* vmalloc */
#define KMEM_VIRT_VMALLOC_SIZE KMEM_U32(0x18800000)
#define KMEM_VIRT_VMALLOC_END KMEM_U32(0xff000000)
#define KMEM_VIRT_LOWMEM_START KMEM_U32(0xc0000000) /* lowmem */
#define KMEM_VIRT_LOWMEM_SIZE KMEM_U32(0x26000000)
#define KMEM_VIRT_LOWMEM_END KMEM_U32(0xe6000000)
#define KMEM_VIRT_PKMAP_START KMEM_U32(0xbfe00000) /* pkmap */
#define KMEM_VIRT_PKMAP_SIZE KMEM_U32(0x200000)
#define KMEM_VIRT_PKMAP_END KMEM_U32(0xc0000000)
#define KMEM_VIRT_MODULES_START KMEM_U32(0xbf000000) /* modules */
#define KMEM_VIRT_MODULES_SIZE KMEM_U32(0xe00000)
#define KMEM_VIRT_MODULES_END KMEM_U32(0xbfe00000)

/* Devices by label: physical addresses. */
#define KMEM_DEVICE_INTC_BASE KMEM_U32(0xf9000000) /* /soc/interrupt-controller@f9000000, qcom,msm-qgic2, msm8974.dtsi:49 */
#define KMEM_DEVICE_INTC_SIZE KMEM_U32(0x1000)
#define KMEM_DEVICE_INTC_END KMEM_U32(0xf9001000)
#define KMEM_DEVICE_INTC_CPU_BASE KMEM_U32(0xf9002000) /* /soc/interrupt-controller@f9000000, qcom,msm-qgic2, msm8974.dtsi:49 */
#define KMEM_DEVICE_INTC_CPU_SIZE KMEM_U32(0x1000)
#define KMEM_DEVICE_INTC_CPU_END KMEM_U32(0xf9003000)
#define KMEM_DEVICE_APCS_BASE KMEM_U32(0xf9011000) /* /soc/syscon@f9011000, syscon, msm8974.dtsi:55 */
#define KMEM_DEVICE_APCS_SIZE KMEM_U32(0x1000)
#define KMEM_DEVICE_APCS_END KMEM_U32(0xf9012000)
#define KMEM_DEVICE_SDHC1_BASE KMEM_U32(0xf9824900) /* /soc/mmc@f9824900, qcom,sdhci-msm-v4, msm8974.dtsi:60 */
#define KMEM_DEVICE_SDHC1_SIZE KMEM_U32(0x11c)
#define KMEM_DEVICE_SDHC1_END KMEM_U32(0xf9824a1c)
#define KMEM_DEVICE_SDHC1_CORE_BASE KMEM_U32(0xf9824000) /* /soc/mmc@f9824900, qcom,sdhci-msm-v4, msm8974.dtsi:60 */
#define KMEM_DEVICE_SDHC1_CORE_SIZE KMEM_U32(0x800)
#define KMEM_DEVICE_SDHC1_CORE_END KMEM_U32(0xf9824800)
#define KMEM_DEVICE_UART2_BASE KMEM_U32(0xf991e000) /* /soc/serial@f991e000, qcom,msm-uartdm-v1.4, msm8974.dtsi:66 */
#define KMEM_DEVICE_UART2_SIZE KMEM_U32(0x1000)
#define KMEM_DEVICE_UART2_END KMEM_U32(0xf991f000)
#define KMEM_DEVICE_GCC_BASE KMEM_U32(0xfc400000) /* /soc/clock-controller@fc400000, qcom,gcc-msm8974, msm8974.dtsi:71 */
#define KMEM_DEVICE_GCC_SIZE KMEM_U32(0x4000)
#define KMEM_DEVICE_GCC_END KMEM_U32(0xfc404000)
#define KMEM_DEVICE_RPM_MSG_RAM_BASE KMEM_U32(0xfc428000) /* /soc/sram@fc428000, qcom,rpm-msg-ram, msm8974.dtsi:76 */
#define KMEM_DEVICE_RPM_MSG_RAM_SIZE KMEM_U32(0x4000)
#define KMEM_DEVICE_RPM_MSG_RAM_END KMEM_U32(0xfc42c000)
#define KMEM_DEVICE_TLMM_BASE KMEM_U32(0xfd510000) /* /soc/pinctrl@fd510000, qcom,msm8974-pinctrl, msm8974.dtsi:81 */
#define KMEM_DEVICE_TLMM_SIZE KMEM_U32(0x4000)
#define KMEM_DEVICE_TLMM_END KMEM_U32(0xfd514000)

/* The linear map. */
#ifndef __ASSEMBLER__
typedef uint32_t kmem_phys_t; /* a physical address */
typedef uint32_t kmem_virt_t; /* a virtual address */
#endif

/*
 * The virt address of RAM at the phys address x, without a check; modulo 2^32:
 *   every address: plus 0xc0000000.
 */
#define KMEM_PHYS_TO_VIRT(x) \
    (((x) + KMEM_U32(0xc0000000)) & KMEM_U32(0xffffffff))

/* 1 where the linear map has RAM at the phys address x, else 0. */
#define KMEM_IS_LINEAR_PHYS(x) \
    (KMEM_WITHIN(x, KMEM_U32(0x0), KMEM_U32(0x5afffff)) \
     | KMEM_WITHIN(x, KMEM_U32(0x5d00000), KMEM_U32(0x74fffff)) \
     | KMEM_WITHIN(x, KMEM_U32(0x12000000), KMEM_U32(0x25ffffff)))

/* The virt address of RAM at the phys address x; KMEM_NO_VIRT, which is no such address, where there is no RAM. */
#define KMEM_NO_VIRT KMEM_U32(0xffffffff)
#define KMEM_PHYS_TO_VIRT_CHECKED(x) \
    (KMEM_CHOOSE(KMEM_IS_LINEAR_PHYS(x), KMEM_PHYS_TO_VIRT(x), KMEM_NO_VIRT) & KMEM_U32(0xffffffff))

/*
 * The phys address of RAM at the virt address x, without a check; modulo 2^32:
 *   every address: plus 0x40000000.
 */
#define KMEM_VIRT_TO_PHYS(x) \
    (((x) + KMEM_U32(0x40000000)) & KMEM_U32(0xffffffff))

/* 1 where the linear map has RAM at the virt address x, else 0. */
#define KMEM_IS_LINEAR_VIRT(x) \
    (KMEM_WITHIN(x, KMEM_U32(0xc0000000), KMEM_U32(0xc5afffff)) \
     | KMEM_WITHIN(x, KMEM_U32(0xc5d00000), KMEM_U32(0xc74fffff)) \
     | KMEM_WITHIN(x, KMEM_U32(0xd2000000), KMEM_U32(0xe5ffffff)))

/* The phys address of RAM at the virt address x; KMEM_NO_PHYS, which is no such address, where there is no RAM. */
#define KMEM_NO_PHYS KMEM_U32(0xffffffff)
#define KMEM_VIRT_TO_PHYS_CHECKED(x) \
    (KMEM_CHOOSE(KMEM_IS_LINEAR_VIRT(x), KMEM_VIRT_TO_PHYS(x), KMEM_NO_PHYS) & KMEM_U32(0xffffffff))

/*
 * The kernel's names. As macros they are constant expressions of integer arguments and evaluate x more than once; what #if shall evaluate is
 * written with KMEM_PHYS_TO_VIRT and its like, which have no casts. The functions below evaluate their argument once.
 */
#ifndef KMEM_NO_KERNEL_NAMES
#define __phys_to_virt(x) KMEM_CAST(kmem_virt_t, KMEM_PHYS_TO_VIRT(KMEM_CAST(kmem_phys_t, x)))
#define __virt_to_phys(x) KMEM_CAST(kmem_phys_t, KMEM_VIRT_TO_PHYS(KMEM_CAST(kmem_virt_t, x)))
#define __phys_to_virt_checked(x) KMEM_CAST(kmem_virt_t, KMEM_PHYS_TO_VIRT_CHECKED(KMEM_CAST(kmem_phys_t, x)))
#define __virt_to_phys_checked(x) KMEM_CAST(kmem_phys_t, KMEM_VIRT_TO_PHYS_CHECKED(KMEM_CAST(kmem_virt_t, x)))
#endif

#ifndef __ASSEMBLER__
static inline bool kmem_is_linear_phys(kmem_phys_t phys)
{
    return KMEM_IS_LINEAR_PHYS(phys) != 0;
}

static inline kmem_virt_t kmem_phys_to_virt(kmem_phys_t phys)
{
    return KMEM_CAST(kmem_virt_t, KMEM_PHYS_TO_VIRT(phys));
}

/* False where the linear map has no RAM there; *virt is 0 then. */
static inline bool kmem_phys_to_virt_checked(kmem_phys_t phys, kmem_virt_t *virt)
{
    const bool is_linear = kmem_is_linear_phys(phys);

    *virt = is_linear ? kmem_phys_to_virt(phys) : 0;
    return is_linear;
}

static inline bool kmem_is_linear_virt(kmem_virt_t virt)
{
    return KMEM_IS_LINEAR_VIRT(virt) != 0;
}

static inline kmem_phys_t kmem_virt_to_phys(kmem_virt_t virt)
{
    return KMEM_CAST(kmem_phys_t, KMEM_VIRT_TO_PHYS(virt));
}

/* False where the linear map has no RAM there; *phys is 0 then. */
static inline bool kmem_virt_to_phys_checked(kmem_virt_t virt, kmem_phys_t *phys)
{
    const bool is_linear = kmem_is_linear_virt(virt);

    *phys = is_linear ? kmem_virt_to_phys(virt) : 0;
    return is_linear;
}
#endif

#endif
