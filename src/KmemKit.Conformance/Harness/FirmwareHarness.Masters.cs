using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Conformance.Harness.Devices;
using KmemKit.Conformance.Harness.Masters;
using KmemKit.Conformance.Harness.Observation;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Smmu.Boards;

namespace KmemKit.Conformance.Harness;

/// <summary>Bus masters, and what all accesses to memory have in common.</summary>
public partial class FirmwareHarness
{
    private readonly Dictionary<string, HarnessMaster> _dmaMasters = new(StringComparer.Ordinal);
    private BoardMasters? _bus;
    private DmaMapper? _dma;

    /// <summary>The DMA API, which looks for broken rules: <c>machine.Dma.Debug.Reports</c>.</summary>
    public DmaMapper Dma => _dma ??= new DmaMapper(Memory) { Debug = new DmaDebug() };

    /// <summary>The rules of the DMA API; null while nobody uses it.</summary>
    internal DmaDebug? DmaRules => _dma?.Debug;

    /// <summary>A device as a bus master, behind the SMMU that the board puts in front of it (<c>iommus</c>). The board's SMMUs start with the first one.</summary>
    /// <param name="device">Label, node path, or name of the node.</param>
    /// <exception cref="ArgumentException">The board has no such device, or more than one.</exception>
    /// <exception cref="InvalidOperationException">It could not be connected to its SMMU; the message says why.</exception>
    public HarnessMaster Master(string device)
    {
        var path = BoardDevices.NodeOf(Board, device).NodePath;
        if (!_dmaMasters.TryGetValue(path, out var master))
            _dmaMasters[path] = master = new HarnessMaster(this, Connect(path), device);
        return master;
    }

    /// <summary>Where a virtual address of the kernel leads now; null for nowhere. Without MMU it is the same one.</summary>
    public PhysAddr? ToPhys(VirtAddr address) => _mmu is null ? new PhysAddr(address.Value) : _mmu.Tables.TryTranslate(address, out var memory) ? memory : null;

    /// <summary>An access happened: trace and watchpoints are told, and of a CPU's the rules of the DMA API.</summary>
    internal void Observe(in AccessRecord record)
    {
        Trace.Add(record);
        Watchpoints.Meet(record);
        if (!Watchpoints.WatchMemory && (record.Dma is not null || DmaRules is null))
            return;
        if (record.Dma is { } dma)
        {
            if (dma.Memory is { } memory)
                Watchpoints.Meet(record, new PhysRange(memory, (ulong)record.Size));
            return;
        }
        foreach (var reached in Reached(record.Address, (ulong)record.Size))
        {
            if (record.Access != AccessRights.Execute)
                DmaRules?.CpuAccess(reached.Start, reached.Size.Value, record.Access == AccessRights.Write);
            Watchpoints.Meet(record, reached);
        }
    }

    // The memory behind virtual addresses, page by page.
    private IEnumerable<PhysRange> Reached(VirtAddr address, ulong size)
    {
        var page = Image.Compilation.Layout!.Pages.PageSize;
        for (var done = 0UL; done < size;)
        {
            var part = Math.Min(size - done, page - ((address.Value + done) & (page - 1)));
            if (ToPhys(address + done) is { } memory)
                yield return new PhysRange(memory, part);
            done += part;
        }
    }

    private BoardMaster Connect(string path)
    {
        if (_mmu is not null)
            return (_bus ??= BootBus(_mmu)).Of(path);
        var device = DmaDevice.Of(Board, path);
        return new BoardMaster(path, device, new BusPort(Memory, device));
    }

    private BoardMasters BootBus(MmuKernel kernel)
    {
        var bus = BoardMasters.Boot(kernel.Layout, kernel.Allocator.Cpus[0], Memory);
        foreach (var running in bus.Smmus)
            running.Smmu.Losing = Inject.LosesInSmmu;
        return bus;
    }
}
