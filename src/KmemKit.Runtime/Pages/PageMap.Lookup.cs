using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.Runtime.Pages;

/// <summary>From frames and addresses to pages and back.</summary>
public sealed unsafe partial class PageMap
{
    /// <summary>The page of a frame (<c>pfn_to_page</c>), checked as <c>pfn_valid</c> does.</summary>
    /// <returns>False where the frame has no descriptor.</returns>
    public bool TryPfnToPage(PageFrame frame, out Page page)
    {
        var ordinal = 0;
        if (_sections.Length == 0 || (_ordinals is not null && !_ordinals.TryGetValue(frame.Number >> _sectionShift, out ordinal)))
        {
            page = default;
            return false;
        }
        ref readonly var section = ref _sections[ordinal];
        var offset = unchecked(frame.Number - section.FirstPfn);
        var valid = offset < section.Frames;
        page = valid ? new Page((uint)(section.FirstIndex + offset)) : default;
        return valid;
    }

    /// <summary>The page of a frame (<c>pfn_to_page</c>).</summary>
    /// <exception cref="PageErrorException">The frame has no descriptor.</exception>
    public Page PfnToPage(PageFrame frame) =>
        TryPfnToPage(frame, out var page) ? page : throw new PageErrorException(PageErrorKind.Hole, frame, $"{frame} has no page descriptor.");

    /// <summary>The frame of a page (<c>page_to_pfn</c>).</summary>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public PageFrame PageToPfn(Page page) => FrameAt(Check(page));

    /// <summary>The first address of a page (<c>page_to_phys</c>).</summary>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public PhysAddr PageToPhys(Page page) => Pages.ToAddress(PageToPfn(page));

    /// <summary>The page that an address in the linear map lies in (<c>virt_to_page</c>).</summary>
    /// <exception cref="PageErrorException">The address is not in the linear map, or a hole.</exception>
    public Page VirtToPage(VirtAddr address)
    {
        return _linear.VirtToPhys(address, out var phys) == TranslationStatus.Ok
            ? PfnToPage(Pages.ToFrame(phys))
            : throw new PageErrorException(PageErrorKind.Hole, null, $"{address} is not an address of the linear map that has RAM.");
    }

    /// <summary>The kernel address of a page (<c>page_address</c>).</summary>
    /// <returns>Null for highmem: it has none until it is mapped.</returns>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public VirtAddr? PageAddress(Page page) => _linear.PhysToVirt(PageToPhys(page), out var address) == TranslationStatus.Ok ? address : null;

    /// <summary>The host address of a page's first byte.</summary>
    /// <exception cref="PageErrorException">The page is null, of another map, or a hole.</exception>
    public byte* PageData(Page page)
    {
        var host = _memory.PointerTo(PageToPhys(page), Pages.PageSize);
        return host is not null ? host : throw new PageErrorException(PageErrorKind.Hole, PageToPfn(page), $"{PageToPfn(page)} has no RAM.");
    }

    /// <summary>The owner's words of a page.</summary>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public ref PageDescriptor Descriptor(Page page) => ref *DescriptorAt(Check(page));

    /// <summary>The page of a descriptor: what <see cref="Descriptor"/> gave.</summary>
    /// <param name="descriptor">A host address; any.</param>
    /// <param name="page">The page; null where the address is no descriptor's first byte.</param>
    public bool TryDescriptorToPage(PageDescriptor* descriptor, out Page page)
    {
        foreach (ref readonly var section in _sections.AsSpan())
        {
            var offset = unchecked((nuint)descriptor - (nuint)section.Descriptors);
            if (offset >= section.Frames * (ulong)sizeof(PageDescriptor) || offset % (nuint)sizeof(PageDescriptor) != 0)
                continue;
            page = new Page((uint)(section.FirstIndex + (offset / (nuint)sizeof(PageDescriptor))));
            return true;
        }
        page = default;
        return false;
    }

    internal PageDescriptor* DescriptorAt(uint index)
    {
        ref readonly var section = ref _sections[(int)((ulong)index >> _sectionShift)];
        return section.Descriptors + (index - section.FirstIndex);
    }

    internal PageFrame FrameAt(uint index)
    {
        ref readonly var section = ref _sections[(int)((ulong)index >> _sectionShift)];
        return new PageFrame(section.FirstPfn + (index - section.FirstIndex));
    }

    /// <summary>The descriptors of frames from <paramref name="first"/> up to, and without, <paramref name="end"/> that have one, in rows.</summary>
    internal IEnumerable<Run> RunsOf(ulong first, ulong end)
    {
        for (var i = 0; i < _sections.Length; i++)
        {
            var (sectionFirst, frames, index) = (_sections[i].FirstPfn, _sections[i].Frames, _sections[i].FirstIndex);
            var from = Math.Max(first, sectionFirst);
            var to = Math.Min(end, sectionFirst + frames);
            if (to > from)
                yield return new Run((uint)(index + (from - sectionFirst)), (uint)(index + (to - sectionFirst)));
        }
    }

    /// <summary>A page's number, checked.</summary>
    internal uint Check(Page page)
    {
        if (page.Index < Frames)
            return page.Index;
        throw new PageErrorException(PageErrorKind.Foreign, null, page.IsNull ? "The null page was used." : $"{page} is not of this map: it has {Frames}.");
    }

    private void AddRuns(List<Run> to, (ulong First, ulong End) frames)
    {
        foreach (var run in RunsOf(frames.First, frames.End))
        {
            if (to.Count > 0 && to[^1].End == run.First)
                to[^1] = new Run(to[^1].First, run.End);
            else
                to.Add(run);
        }
    }
}
