using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Gives what lies outside RAM fixed virtual addresses at the top of the vmalloc area, where iotable_init of 32-bit Arm kernels has them.</summary>
/// <remarks>
/// <code>
///   VMALLOC_START ........ free for vmalloc and ioremap ........ | uart | guard | gic | guard | flash | guard | VMALLOC_END
/// </code>
/// Runs that touch stay together. Each stretch is placed at a multiple of its own size (up to a GiB) away from its physical address, so that it
/// takes the blocks that its physical addresses allow; stretches rise with their physical addresses and have a page that is not mapped behind them.
/// A device that the policy does not ask for takes an eighth of the area at most: a flash or a PCI configuration space leaves a 32-bit kernel no vmalloc.
/// </remarks>
internal sealed class StaticIoPlacer(MemoryLayout layout, ulong page, DiagnosticBag diagnostics)
{
    private const ulong LargestAlignment = 1UL << 30;
    private const ulong Share = 8;

    public List<MapWindow> Place(List<IoRun> runs)
    {
        var windows = new List<MapWindow>();
        if (runs.Count == 0)
            return windows;
        if (Area() is not { } area)
        {
            foreach (var run in runs)
                LeaveOut(run, new VirtRange(default, 0));
            return windows;
        }
        var stretches = Stretches(runs.Where(run => Fits(run, area)));
        var places = Places(stretches, area);
        for (var i = 0; i < stretches.Count; i++)
        {
            if (places[i] is not { } virt)
            {
                foreach (var run in stretches[i])
                    LeaveOut(run, area);
                continue;
            }
            foreach (var run in stretches[i])
            {
                windows.Add(new MapWindow(run.Name, MapRule.StaticIo, virt + (run.Start - stretches[i][0].Start), run.Start, run.Size, run.Attributes,
                    "at a fixed address at the top of the vmalloc area", run.Span));
            }
        }
        return windows;
    }

    private VirtRange? Area() => layout.Virtual.Where(r => r.Name == "vmalloc").OrderByDescending(r => r.Range.Size).FirstOrDefault()?.Range;

    private static List<List<IoRun>> Stretches(IEnumerable<IoRun> runs)
    {
        var stretches = new List<List<IoRun>>();
        foreach (var run in runs)
        {
            var last = stretches.Count == 0 ? null : stretches[stretches.Count - 1];
            if (last is not null && last[last.Count - 1].End == run.Start)
                last.Add(run);
            else
                stretches.Add([run]);
        }
        return stretches;
    }

    private static ulong SizeOf(List<IoRun> stretch) => stretch[stretch.Count - 1].End - stretch[0].Start;

    private bool Fits(IoRun run, VirtRange area)
    {
        if (run.IsRequired || run.Size <= area.Size.Value / Share)
            return true;
        diagnostics.Add(Rules.DeviceLeftToIoremap, run.Span, run.Name, new PhysRange(new PhysAddr(run.Start), run.Size), area);
        return false;
    }

    /// <summary>From the top down, the highest physical addresses first; a stretch that finds no room has null, and those below it get their chance.</summary>
    private ulong?[] Places(List<List<IoRun>> stretches, VirtRange area)
    {
        var places = new ulong?[stretches.Count];
        var top = area.End.IsTop ? unchecked(0 - page) : Alignment.Down(area.End.Value, page);
        for (var i = stretches.Count - 1; i >= 0; i--)
        {
            var size = SizeOf(stretches[i]);
            var phys = stretches[i][0].Start;
            var alignment = page;
            while (alignment < LargestAlignment && alignment << 1 <= size)
                alignment <<= 1;
            if (top < area.Start.Value || top - area.Start.Value < size + page)
                continue;
            var highest = top - page - size;
            // The highest address that is the physical one's multiple of the alignment away.
            var virt = highest - unchecked((highest - phys) & (alignment - 1));
            if (virt > highest || virt < area.Start.Value)
                continue;
            places[i] = virt;
            top = virt;
        }
        return places;
    }

    private void LeaveOut(IoRun run, VirtRange area) => diagnostics.Add(run.IsRequired ? Rules.NoRoomForEntry : Rules.NoRoomForDevice, run.Span, run.Name,
        new PhysRange(new PhysAddr(run.Start), run.Size), area);
}
