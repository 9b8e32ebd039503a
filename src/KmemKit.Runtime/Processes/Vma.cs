using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Processes;

/// <summary>An area of a process's addresses with one set of rights and one thing behind it (<c>struct vm_area_struct</c>).</summary>
/// <remarks>Invariants: whole pages, not empty, below TASK_SIZE, disjoint from all other areas of its address space.</remarks>
public sealed class Vma
{
    internal Vma(ulong start, ulong end, VmFlags flags, ulong pgoff, FileObject? file)
    {
        (Start, End, Flags, PageOffset, File) = (start, end, flags, pgoff, file);
    }

    /// <summary>vm_start: the first address.</summary>
    public VirtAddr FirstAddress => new(Start);

    /// <summary>The addresses, half-open.</summary>
    public VirtRange Range => new(new VirtAddr(Start), End - Start);

    /// <summary>vm_flags.</summary>
    public VmFlags Flags { get; internal set; }

    /// <summary>vm_pgoff: the file's page at <see cref="FirstAddress"/>; of anonymous memory the number of its first page when it was made; of remapped frames the first one.</summary>
    public ulong PageOffset { get; internal set; }

    /// <summary>vm_file; null for anonymous memory.</summary>
    public FileObject? File { get; }

    /// <summary>What it is for where it is no file: <c>[heap]</c>, <c>[stack]</c>; empty for none.</summary>
    public string Name { get; internal set; } = "";

    /// <summary>How its memory is accessed: cached, but for devices.</summary>
    public MemoryUse Use { get; internal set; } = MemoryUse.Cached;

    internal ulong Start { get; set; }

    internal ulong End { get; set; }

    internal ulong Bytes => End - Start;

    internal AddressSpace? Space { get; set; }

    /// <summary>The page cache behind it; null for anonymous memory and devices.</summary>
    internal Inode? Inode => (File as RegularFile)?.Inode;

    internal bool IsShared => (Flags & VmFlags.Shared) != 0;

    /// <summary>Whether a store gives the process a copy of its own (is_cow_mapping).</summary>
    internal bool IsCow => (Flags & (VmFlags.Shared | VmFlags.MayWrite)) == VmFlags.MayWrite;

    internal MemProt Prot => (MemProt)(int)(Flags & VmFlags.Access);

    internal Vma Copy(ulong start, ulong end, int pageShift) => new(start, end, Flags, PageOffset + ((start - Start) >> pageShift), File) { Name = Name, Use = Use, Space = Space };

    /// <inheritdoc/>
    public override string ToString() => $"{Range} {Prot}{(IsShared ? " shared" : "")} {File?.Path ?? Name}";
}
