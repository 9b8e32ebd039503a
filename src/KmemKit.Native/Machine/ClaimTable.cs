using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Architecture;

namespace KmemKit.Native.Machine;

/// <summary><c>struct resource</c> of host/kmem_kernel.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ResourceHeader
{
    public ulong Start;
    public ulong End;
    public byte* Name;
    public ulong Flags;
}

/// <summary>Addresses that a driver claimed.</summary>
/// <param name="Range">The addresses.</param>
/// <param name="Name">The claimant.</param>
/// <param name="Header">What C holds, as a number.</param>
/// <param name="Site">Who claimed.</param>
internal sealed record Claim(PhysRange Range, string Name, nint Header, KnownSite Site);

/// <summary>Claims by their addresses, with what C holds of them.</summary>
internal sealed unsafe class ClaimTable
{
    private const ulong Busy = 0x8000_0000;
    private const ulong Memory = 0x0000_0200;

    private readonly Dictionary<PhysRange, Claim> _claims = [];
    private readonly Lock _sync = new();

    /// <summary>Those that are alive, by address.</summary>
    public IReadOnlyList<Claim> All
    {
        get
        {
            lock (_sync)
                return [.. _claims.Values.OrderBy(static c => c.Range.Start.Value)];
        }
    }

    /// <summary>Adds a claim.</summary>
    /// <returns>What C gets.</returns>
    public void* Add(PhysRange range, string name, KnownSite site)
    {
        var header = (ResourceHeader*)NativeMemory.AllocZeroed((nuint)sizeof(ResourceHeader));
        *header = new ResourceHeader { Start = range.Start.Value, End = range.Last.Value, Name = (byte*)Marshal.StringToCoTaskMemUTF8(name), Flags = Busy | Memory };
        lock (_sync)
            _claims[range] = new Claim(range, name, (nint)header, site);
        return header;
    }

    /// <summary>Takes claims out that lie in a range: what was claimed inside of it goes with it.</summary>
    public void Remove(PhysRange range)
    {
        lock (_sync)
        {
            foreach (var claim in _claims.Values.Where(c => range.Contains(c.Range)).ToList())
            {
                _claims.Remove(claim.Range);
                Marshal.FreeCoTaskMem((nint)((ResourceHeader*)claim.Header)->Name);
                NativeMemory.Free((void*)claim.Header);
            }
        }
    }
}
