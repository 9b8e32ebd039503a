using System;

namespace KmemKit.Runtime.Dma;

/// <summary>Which way data goes (enum dma_data_direction).</summary>
public enum DmaDirection
{
    /// <summary>DMA_BIDIRECTIONAL: both.</summary>
    Bidirectional = 0,

    /// <summary>DMA_TO_DEVICE: the device reads.</summary>
    ToDevice = 1,

    /// <summary>DMA_FROM_DEVICE: the device writes.</summary>
    FromDevice = 2,
}

/// <summary>Attributes of a mapping (include/linux/dma-mapping.h).</summary>
[Flags]
public enum DmaAttributes
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>DMA_ATTR_WEAK_ORDERING: accesses may be reordered; counted, without effect here.</summary>
    WeakOrdering = 1 << 1,

    /// <summary>DMA_ATTR_WRITE_COMBINE: the processor's mapping combines writes.</summary>
    WriteCombine = 1 << 2,

    /// <summary>DMA_ATTR_NO_KERNEL_MAPPING: the processor needs no address of it.</summary>
    NoKernelMapping = 1 << 4,

    /// <summary>DMA_ATTR_SKIP_CPU_SYNC: the caller keeps caches and bounce buffers in step itself.</summary>
    SkipCpuSync = 1 << 5,

    /// <summary>DMA_ATTR_FORCE_CONTIGUOUS: physically contiguous even behind an SMMU.</summary>
    ForceContiguous = 1 << 6,

    /// <summary>DMA_ATTR_NO_WARN: a failure is not reported.</summary>
    NoWarn = 1 << 8,

    /// <summary>DMA_ATTR_PRIVILEGED: unprivileged accesses of the device fault.</summary>
    Privileged = 1 << 9,
}

/// <summary>Why memory cannot be given to a device.</summary>
public enum DmaError
{
    /// <summary>It can.</summary>
    None,

    /// <summary>-EIO: no window of the device's bus holds the memory, or its mask does not reach it, and there is no bounce buffer.</summary>
    NotReachable,

    /// <summary>-EIO: the bounce buffers are full, or the request is larger than one.</summary>
    NoBounceBuffer,

    /// <summary>-ENOMEM: no device addresses of that size are left.</summary>
    NoDeviceAddress,

    /// <summary>-ENOMEM: no page for a table, or for the memory itself.</summary>
    NoMemory,

    /// <summary>-EINVAL: size 0, or memory that is not RAM.</summary>
    Invalid,

    /// <summary>-EREMOTEIO: already mapped there.</summary>
    Busy,
}
