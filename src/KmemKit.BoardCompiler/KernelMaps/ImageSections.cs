using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Pages of a section of the kernel image.</summary>
/// <param name="Name">Such as <c>.text</c>.</param>
/// <param name="Virt">First virtual address.</param>
/// <param name="Phys">First physical address.</param>
/// <param name="Size">Bytes, whole pages.</param>
/// <param name="Rights">Of privileged code.</param>
/// <param name="Span">The setting.</param>
internal sealed record ImageSection(string Name, ulong Virt, ulong Phys, ulong Size, AccessRights Rights, SourceSpan Span)
{
    public ulong PhysEnd => Phys + Size;

    public bool Covers(ulong phys) => phys >= Phys && phys - Phys < Size;

    /// <summary>What is left at other virtual addresses of the same pages: nothing that is executed here is written there.</summary>
    public AccessRights AliasRights => (Rights & AccessRights.Write) != 0 ? AccessRights.ReadWrite : AccessRights.Read;
}

/// <summary>
/// The kernel image, where the policy gives it, as pages: <c>.text</c> and <c>.init.text</c> read and execute, <c>.rodata</c> read, all else read and
/// write. So does CONFIG_STRICT_KERNEL_RWX (Linux, arch/arm/mm/init.c, arch/arm64/mm/mmu.c); there <c>.init</c> has the code of boot apart as well.
/// </summary>
internal sealed class ImageSections
{
    private ImageSections(bool isInLinearMap, List<ImageSection> sections)
    {
        IsInLinearMap = isInLinearMap;
        All = sections;
    }

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => All.Count == 0;

    /// <summary>Whether its addresses are those of the linear map.</summary>
    public bool IsInLinearMap { get; }

    /// <summary>By rising address, disjoint.</summary>
    public IReadOnlyList<ImageSection> All { get; }

    public ImageSection? At(ulong phys) => All.FirstOrDefault(s => s.Covers(phys));

    public static ImageSections Read(MemoryLayout layout, ulong page, DiagnosticBag diagnostics)
    {
        var sections = new List<ImageSection>();
        var own = ImageSegments.Own(layout);
        var policy = layout.Board.Policy;
        foreach (var section in policy.KernelSections.Where(s => !s.Range.IsEmpty).OrderBy(s => s.Range.Start).ThenByDescending(s => s.Range.End))
        {
            var segment = ImageSegments.Of(layout).FirstOrDefault(s => s.VirtRange.Contains(section.Range));
            if (segment.Size == 0)
            {
                diagnostics.Add(Rules.ImageOutside, section.Span, section.Name, section.Range, Reach(layout));
                continue;
            }
            var start = Alignment.Down(section.Range.Start.Value, page);
            var last = section.Range.End.Last | (page - 1);
            var virt = new VirtAddr(start);
            var phys = (segment.Phys + (start - segment.Virt.Value)).Value;
            var size = last - start + 1;
            if (phys % page != 0)
            {
                diagnostics.Add(Rules.ImageUnaligned, section.Span, section.Name, virt, new PhysAddr(phys), page);
                continue;
            }
            if (!IsRam(layout, phys, size))
            {
                diagnostics.Add(Rules.ImageNotInRam, section.Span, section.Name, section.Range, new PhysRange(new PhysAddr(phys), size));
                continue;
            }
            Add(sections, new ImageSection(section.Name, start, phys, size, RightsOf(section, policy), section.Span), diagnostics);
        }
        foreach (var open in sections.Where(s => s.Rights == AccessRights.All))
            diagnostics.Add(Rules.InitWritableAndExecutable, open.Span, open.Name, new VirtRange(new VirtAddr(open.Virt), open.Size));
        var inLinear = own is not { } map || sections.All(s => !map.VirtRange.Contains(new VirtAddr(s.Virt)));
        return new ImageSections(inLinear, sections);
    }

    private static AccessRights RightsOf(KernelSection section, Policy policy) => section.Name switch
    {
        ".text" or ".init.text" => AccessRights.Read | AccessRights.Execute,
        ".rodata" => AccessRights.Read,
        ".init" when policy.KernelSections.All(s => s.Name != ".init.text") => AccessRights.All,
        _ => AccessRights.ReadWrite,
    };

    /// <summary>Adds a section; one inside another splits it, as .init.text does .init. Pages that two others share with different rights are a finding.</summary>
    private static void Add(List<ImageSection> sections, ImageSection section, DiagnosticBag diagnostics)
    {
        var end = section.Virt + section.Size;
        foreach (var other in sections.ToList())
        {
            var otherEnd = other.Virt + other.Size;
            if (otherEnd <= section.Virt || end <= other.Virt)
                continue;
            if (other.Name != ".init" || section.Name != ".init.text" || section.Virt < other.Virt || end > otherEnd)
            {
                if (other.Rights == section.Rights)
                {
                    // .data and .bss share a page by nature: the second begins behind it.
                    var shared = otherEnd - section.Virt;
                    if (shared >= section.Size)
                        return;
                    section = section with { Virt = section.Virt + shared, Phys = section.Phys + shared, Size = section.Size - shared };
                    continue;
                }
                diagnostics.Add(KmemDiagnostic.Create(Rules.SectionsShareAPage, section.Span, section.Name, section.Rights.ToText(), other.Name,
                    other.Rights.ToText(), new VirtAddr(Math.Max(section.Virt, other.Virt))).WithRelated("the other section is here", other.Span));
                return;
            }
            sections.Remove(other);
            if (section.Virt > other.Virt)
                sections.Add(other with { Size = section.Virt - other.Virt });
            if (otherEnd > end)
                sections.Add(other with { Virt = end, Phys = other.Phys + (end - other.Virt), Size = otherEnd - end });
        }
        sections.Add(section);
        sections.Sort(static (a, b) => a.Virt.CompareTo(b.Virt));
    }

    // Banks that touch stay apart in the list.
    private static bool IsRam(MemoryLayout layout, ulong phys, ulong size)
    {
        var at = phys;
        foreach (var ram in layout.Linear.Ram)
        {
            if (ram.Contains(new PhysAddr(at)))
                at = ram.End.Last;
            if (at - phys >= size - 1)
                return true;
            at += ram.Contains(new PhysAddr(at)) ? 1UL : 0;
        }
        return false;
    }

    private static string Reach(MemoryLayout layout) => string.Join(", ", ImageSegments.Of(layout).Select(s => s.VirtRange.ToString()));
}
