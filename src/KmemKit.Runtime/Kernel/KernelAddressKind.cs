namespace KmemKit.Runtime.Kernel;

/// <summary>What a virtual address is to a running kernel: the board's kinds, told apart further by what is mapped there now.</summary>
public enum KernelAddressKind
{
    /// <summary>Nothing of the kernel's.</summary>
    Nothing,

    /// <summary>A process's address.</summary>
    User,

    /// <summary>A kernel logical address: lowmem, whose physical address is a difference away.</summary>
    Logical,

    /// <summary>Inside the linear map's span, and no RAM behind it.</summary>
    Hole,

    /// <summary>A kernel virtual address of vmalloc.</summary>
    Vmalloc,

    /// <summary>A kernel virtual address of vmap: pages that someone else has.</summary>
    Vmap,

    /// <summary>Registers or memory of a device, mapped by ioremap.</summary>
    Ioremap,

    /// <summary>The page behind an area of the vmalloc range, which is left unmapped so that an access beyond the area faults.</summary>
    VmallocGuard,

    /// <summary>Of the vmalloc range, and nobody's.</summary>
    VmallocFree,

    /// <summary>A highmem page mapped by kmap.</summary>
    Pkmap,

    /// <summary>A fixed mapping, or one of kmap_atomic.</summary>
    Fixmap,

    /// <summary>Exception vectors.</summary>
    Vectors,

    /// <summary>Loadable modules.</summary>
    Modules,

    /// <summary>Another range of the kernel.</summary>
    Kernel,

    /// <summary>The gap between lowmem and vmalloc.</summary>
    Guard,
}
