using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Processes;

/// <summary>Pages of files in memory, oldest first; clean ones are given back when memory is short, taken out of every process that maps them.</summary>
/// <remarks>
/// A page of a file is in the cache with one reference of the cache's own and one for each mapping. It is written back by <see cref="WriteBack"/> alone: the reclaimer passes dirty
/// pages over, and those that were used since it last looked. The mappings of a page are found from the file (<see cref="Inode"/>'s i_mmap), as rmap_walk_file does: an area has page n at
/// its start plus n less its offset. Source: mm/filemap.c, mm/rmap.c, mm/vmscan.c, mm/truncate.c.
/// </remarks>
public sealed unsafe class PageCache : IReclaimer
{
    private const GfpFlags Gfp = GfpFlags.HighUserMovable | GfpFlags.NoWarn;

    private readonly PageMap _map;
    private readonly int _pageSize;
    private readonly int _pageShift;
    private readonly LinkedList<(Inode Inode, ulong Index)> _oldestFirst = new();
    private readonly Dictionary<(Inode Inode, ulong Index), LinkedListNode<(Inode Inode, ulong Index)>> _places = [];
    private ulong _nextInode = 2;

    internal PageCache(PageMap map)
    {
        _map = map;
        _pageShift = map.Pages.PageShift;
        _pageSize = 1 << _pageShift;
    }

    /// <summary>Pages of all files that are in memory.</summary>
    public int Count => _places.Count;

    /// <summary>Pages that the reclaimer gave back until now.</summary>
    public long Reclaimed { get; private set; }

    /// <inheritdoc/>
    public GfpFlags Needs => GfpFlags.None;

    /// <summary>Makes a file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="content">What is on its disk.</param>
    /// <param name="major">Major number of its device.</param>
    /// <param name="minor">Minor number of its device.</param>
    public Inode Create(string path, ReadOnlySpan<byte> content, int major = 8, int minor = 1)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var inode = new Inode(path, _nextInode++, major, minor, hasDisk: true) { Length = (ulong)content.Length };
        var page = new byte[_pageSize];
        for (var at = 0; at < content.Length; at += _pageSize)
        {
            var part = content[at..Math.Min(content.Length, at + _pageSize)];
            Array.Clear(page);
            part.CopyTo(page);
            inode.WriteDisk((ulong)at >> _pageShift, page);
        }
        return inode;
    }

    /// <summary>Reads through the cache (<c>pread</c>).</summary>
    /// <param name="cpu">Where pages come from.</param>
    /// <param name="inode">The file.</param>
    /// <param name="offset">First byte.</param>
    /// <param name="bytes">Where they go.</param>
    /// <returns>Bytes read: fewer at the end of the file, or where there is no memory.</returns>
    public int Read(Cpu cpu, Inode inode, ulong offset, Span<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(inode);
        var left = offset >= inode.Length ? 0 : (int)Math.Min((ulong)bytes.Length, inode.Length - offset);
        var done = 0;
        while (done < left)
        {
            if (!TryGet(cpu, inode, (offset + (ulong)done) >> _pageShift, out var page))
                break;
            var at = (int)((offset + (ulong)done) & (ulong)(_pageSize - 1));
            var part = Math.Min(left - done, _pageSize - at);
            new ReadOnlySpan<byte>(_map.PageData(page) + at, part).CopyTo(bytes[done..]);
            done += part;
        }
        return done;
    }

    /// <summary>Writes through the cache (<c>pwrite</c>); the file grows where it has to. Whoever maps it sees it at once.</summary>
    /// <returns>Bytes written: fewer where there is no memory.</returns>
    public int Write(Cpu cpu, Inode inode, ulong offset, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(inode);
        var done = 0;
        while (done < bytes.Length)
        {
            if (!TryGet(cpu, inode, (offset + (ulong)done) >> _pageShift, out var page))
                break;
            var at = (int)((offset + (ulong)done) & (ulong)(_pageSize - 1));
            var part = Math.Min(bytes.Length - done, _pageSize - at);
            bytes.Slice(done, part).CopyTo(new Span<byte>(_map.PageData(page) + at, part));
            MarkDirty(page);
            done += part;
            inode.Length = Math.Max(inode.Length, offset + (ulong)done);
        }
        return done;
    }

    /// <summary>Writes a file's dirty pages to its disk; the next store to any of them faults again, so that it is known to be dirty (<c>page_mkclean</c>).</summary>
    /// <returns>Pages written.</returns>
    public int WriteBack(Inode inode)
    {
        ArgumentNullException.ThrowIfNull(inode);
        var written = 0;
        foreach (var (index, page) in inode.Pages)
        {
            if (!inode.HasDisk || (_map.Flags(page) & PageFlags.Dirty) == 0)
                continue;
            foreach (var (vma, virt) in MappingsOf(inode, index, page))
                vma.Space!.MakeClean(vma, virt);
            _map.ClearFlags(page, PageFlags.Dirty);
            inode.WriteDisk(index, new ReadOnlySpan<byte>(_map.PageData(page), _pageSize));
            written++;
        }
        return written;
    }

    /// <summary>Changes a file's length. Pages behind the end are gone from every process: an access there is SIGBUS from then on.</summary>
    public void Truncate(Inode inode, ulong length)
    {
        ArgumentNullException.ThrowIfNull(inode);
        var end = (length + (ulong)(_pageSize - 1)) >> _pageShift;
        var tail = (int)(length & (ulong)(_pageSize - 1));
        if (length < inode.Length)
        {
            foreach (var vma in inode.Mappings.ToArray())
                vma.Space!.ZapFrom(vma, end);
            foreach (var index in new List<ulong>(inode.Pages.Keys))
            {
                if (index >= end)
                    Remove(inode, index);
            }
            if (tail != 0 && inode.Pages.TryGetValue(end - 1, out var last))
                new Span<byte>(_map.PageData(last) + tail, _pageSize - tail).Clear();
            inode.CutDisk(length >> _pageShift, tail, _pageSize);
        }
        inode.Length = length;
    }

    /// <summary>Gives back what is clean and not mapped (<c>drop_caches</c>).</summary>
    /// <returns>Pages given back.</returns>
    public long Drop(Cpu cpu) => Shrink(cpu, long.MaxValue, mapped: false, young: true);

    /// <inheritdoc/>
    public long Reclaim(Cpu cpu, MemoryZone zone, int order, long pages)
    {
        var freed = Shrink(cpu, pages, mapped: true, young: false);
        return freed < pages ? freed + Shrink(cpu, pages - freed, mapped: true, young: true) : freed;
    }

    internal Inode CreateShared(ulong bytes) => new("/dev/zero (deleted)", _nextInode++, 0, 5, hasDisk: false) { Length = bytes };

    /// <summary>The page of a file, read in if it is not there.</summary>
    /// <returns>False where there is no memory.</returns>
    internal bool TryGet(Cpu cpu, Inode inode, ulong index, out Page page)
    {
        if (inode.Pages.TryGetValue(index, out page))
        {
            _map.SetFlags(page, PageFlags.Referenced);
            return true;
        }
        page = cpu.AllocPage(Gfp);
        if (page.IsNull)
            return false;
        inode.ReadDisk(index, new Span<byte>(_map.PageData(page), _pageSize));
        ref var descriptor = ref _map.Descriptor(page);
        (descriptor.Mapping, descriptor.Private) = (inode.Number, index);
        _map.SetFlags(page, PageFlags.Uptodate | PageFlags.Lru | PageFlags.Referenced | (inode.HasDisk ? 0 : PageFlags.Dirty));
        inode.Pages.Add(index, page);
        _places.Add((inode, index), _oldestFirst.AddLast((inode, index)));
        return true;
    }

    /// <summary>Whether a page is a file's.</summary>
    internal bool IsCached(Page page) => (_map.Flags(page) & PageFlags.Lru) != 0;

    internal void MarkDirty(Page page) => _map.SetFlags(page, PageFlags.Dirty);

    /// <summary>The last area that mapped it is gone: without a disk its contents are gone as well.</summary>
    internal void Unmapped(Inode inode)
    {
        if (inode.HasDisk || inode.Mappings.Count != 0)
            return;
        foreach (var index in new List<ulong>(inode.Pages.Keys))
            Remove(inode, index);
    }

    /// <summary>Gives all pages back; nothing maps them any longer.</summary>
    internal void Clear(Cpu cpu)
    {
        foreach (var (inode, index) in new List<(Inode, ulong)>(_places.Keys))
            Remove(inode, index, cpu);
    }

    internal Cpu Cpu { get; set; } = null!;

    private long Shrink(Cpu cpu, long most, bool mapped, bool young)
    {
        var freed = 0L;
        for (var node = _oldestFirst.First; node is not null && freed < most;)
        {
            var next = node.Next;
            var (inode, index) = node.Value;
            var page = inode.Pages[index];
            var flags = _map.Flags(page);
            if ((flags & PageFlags.Referenced) != 0 && !young)
                _map.ClearFlags(page, PageFlags.Referenced);
            else if ((flags & PageFlags.Dirty) == 0 && TryUnmap(inode, index, page, mapped))
            {
                Remove(inode, index, cpu);
                freed++;
            }
            node = next;
        }
        Reclaimed += freed;
        return freed;
    }

    // try_to_unmap: all of its mappings or none; what else holds it, keeps it.
    private bool TryUnmap(Inode inode, ulong index, Page page, bool mapped)
    {
        var mappings = MappingsOf(inode, index, page);
        if (_map.PageCount(page) != 1 + mappings.Count || (!mapped && mappings.Count != 0))
            return false;
        foreach (var (vma, _) in mappings)
        {
            if ((vma.Flags & VmFlags.Locked) != 0)
                return false;
        }
        foreach (var (vma, virt) in mappings)
            vma.Space!.TakeOut(virt, FlushPoint.Reclaim);
        return true;
    }

    // rmap_walk_file
    private List<(Vma Vma, ulong Virt)> MappingsOf(Inode inode, ulong index, Page page)
    {
        var found = new List<(Vma, ulong)>();
        var phys = _map.PageToPhys(page);
        foreach (var vma in inode.Mappings)
        {
            if (index < vma.PageOffset || index - vma.PageOffset >= vma.Bytes >> _pageShift)
                continue;
            var virt = vma.Start + ((index - vma.PageOffset) << _pageShift);
            if (vma.Space!.Tables.TryTranslate(new VirtAddr(virt), out var output) && output == phys)
                found.Add((vma, virt));
        }
        return found;
    }

    private void Remove(Inode inode, ulong index, Cpu? cpu = null)
    {
        inode.Pages.Remove(index, out var page);
        _places.Remove((inode, index), out var place);
        _oldestFirst.Remove(place!);
        _map.ClearFlags(page, PageFlags.Lru | PageFlags.Dirty | PageFlags.Uptodate | PageFlags.Referenced);
        ref var descriptor = ref _map.Descriptor(page);
        (descriptor.Mapping, descriptor.Private) = (0, 0);
        (cpu ?? Cpu).PutPage(page);
    }
}
