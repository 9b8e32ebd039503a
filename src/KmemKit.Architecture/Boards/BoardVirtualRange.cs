namespace KmemKit.Architecture.Boards;

/// <summary>A line of the kernel's "Virtual kernel memory layout" block.</summary>
/// <param name="Name">As the kernel prints it: <c>vector</c>, <c>fixmap</c>, <c>vmalloc</c>, <c>lowmem</c>, <c>pkmap</c>, <c>modules</c>…</param>
/// <param name="Range">Virtual addresses.</param>
public readonly record struct BoardVirtualRange(string Name, VirtRange Range);
