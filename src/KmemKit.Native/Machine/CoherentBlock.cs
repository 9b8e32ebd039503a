using KmemKit.Runtime.Dma;

namespace KmemKit.Native.Machine;

/// <summary>Coherent memory that C holds.</summary>
/// <param name="Allocation">The memory.</param>
/// <param name="Pointer">What C got, as a number.</param>
/// <param name="Window">Its host addresses where its pages are not in a row; else null.</param>
internal sealed record CoherentBlock(DmaAllocation Allocation, nuint Pointer, HostWindow? Window);
