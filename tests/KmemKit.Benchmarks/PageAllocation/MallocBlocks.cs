using System.Runtime.CompilerServices;
using KmemKit.Benchmarks.Native;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>A malloc of the system, asked for as many bytes: it has all memory of the host, so nothing fails.</summary>
internal readonly unsafe struct MallocBlocks(MallocPeer peer) : IBlocks<nint>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nint Take(int order) => (nint)peer.Malloc((nuint)4096 << order);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(nint block, int order) => peer.Free((void*)block);
}
