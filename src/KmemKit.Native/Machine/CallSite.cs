using System.Runtime.InteropServices;

namespace KmemKit.Native.Machine;

/// <summary>Where C code called from, and what came of it: <c>struct kmem_site</c> of host/kmem_host.c, on the caller's stack.</summary>
/// <remarks>Every entry point gets one. <see cref="Reports"/> counts the reports that wait for this thread; the C side delivers them when no managed frame is left.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CallSite
{
    /// <summary><c>__FILE__</c>; null where the call did not go through the header's macros.</summary>
    public byte* File;

    /// <summary><c>__func__</c>; null as <see cref="File"/>.</summary>
    public byte* Function;

    /// <summary>The return address; null where file and line are known.</summary>
    public void* Caller;

    /// <summary><c>__LINE__</c>.</summary>
    public int Line;

    /// <summary>Reports that wait for this thread.</summary>
    public int Reports;
}
