using KmemKit.Native.Machine;

namespace KmemKit.Native.Reports;

/// <summary>What a report is about: <c>enum kmem_report_kind</c> of host/kmem_kernel.h.</summary>
internal enum ReportKind
{
    /// <summary>An object of a cache or of kmalloc: double free, red zone, poison, wrong cache.</summary>
    Object = 1,

    /// <summary>A page: freed twice, with another order, not allocated.</summary>
    Page,

    /// <summary>An area of vmalloc: freed twice, not its start.</summary>
    Vmalloc,

    /// <summary>A mapping of registers: System RAM, another memory type, unmapped twice.</summary>
    Ioremap,

    /// <summary>An access to registers: not mapped, misaligned, nobody answers.</summary>
    Io,

    /// <summary>The DMA API, by driver or device.</summary>
    Dma,

    /// <summary>Claimed addresses.</summary>
    Resource,

    /// <summary>An address that the call is not for.</summary>
    Address,

    /// <summary>A call that may sleep where nobody can.</summary>
    Context,

    /// <summary>A pointer that only the kernel's accessors may follow, or a freed one, was followed.</summary>
    Fault,

    /// <summary>Something was not given back.</summary>
    Leak,

    /// <summary>BUG() or WARN() of the code itself.</summary>
    Bug,

    /// <summary>The kernel would stop.</summary>
    Panic,

    /// <summary>A fault of the kit.</summary>
    Internal,
}

/// <summary>A misuse that was found.</summary>
/// <param name="Kind">What about.</param>
/// <param name="Text">As the kernel prints it; ends with a newline.</param>
/// <param name="Site">The call that found it; for a leak, the one that allocated.</param>
/// <param name="Address">What it is about, as C knows it; 0 where that is nothing.</param>
internal sealed record NativeReport(ReportKind Kind, string Text, KnownSite Site, nuint Address);
