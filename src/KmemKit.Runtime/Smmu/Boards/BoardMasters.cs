using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu.V2.Driver;

namespace KmemKit.Runtime.Smmu.Boards;

/// <summary>
/// The bus masters of a board, connected as its kernel connects them at boot: a device with <c>iommus</c>, or in a stretch of <c>iommu-map</c>, gets an address space of its own behind the
/// SMMU that it names, any other one the addresses of its bus.
/// </summary>
/// <remarks>
/// <para>A device for which the protection policy says <c>translation = "bypass"</c> keeps the addresses of its bus. The device addresses that an address space gives out are those that the
/// buses in between let through, without what the board sets apart. A PCI host bridge has the StreamIDs of its first requester; functions with a node have their own.</para>
/// <para>Threads: <see cref="Of"/> from any; the rest alone.</para>
/// </remarks>
public sealed class BoardMasters : IDisposable
{
    private readonly MemoryLayout _layout;
    private readonly Cpu _cpu;
    private readonly PhysicalMemory _memory;
    private readonly Dictionary<string, BoardMaster> _masters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);
    private readonly Stack<IDisposable> _owned = [];
    private readonly Lock _gate = new();

    private BoardMasters(MemoryLayout layout, Cpu cpu, PhysicalMemory memory) => (_layout, _cpu, _memory) = (layout, cpu, memory);

    /// <summary>Starts the board's SMMUs and connects what is behind them.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="cpu">Whose pages tables and queues are made of.</param>
    /// <param name="memory">RAM.</param>
    /// <exception cref="InvalidOperationException">What the board says about SMMUs and masters does not hold together; the findings are in the message.</exception>
    /// <exception cref="InsufficientMemoryException">There are no pages for the SMMUs' tables and queues.</exception>
    public static BoardMasters Boot(MemoryLayout layout, Cpu cpu, PhysicalMemory memory)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(memory);
        var masters = new BoardMasters(layout, cpu, memory);
        if (!StreamTablePlanner.HasSmmu(layout.Board))
            return masters;
        var planned = StreamTablePlanner.Plan(layout);
        var plan = planned.Plan ?? throw new InvalidOperationException($"{layout.Board.Name}: {string.Join("; ", planned.Diagnostics)}");
        try
        {
            foreach (var smmu in plan.Smmus.Where(s => !s.Masters.IsEmpty))
                masters.Start(smmu);
        }
        catch
        {
            masters.Dispose();
            throw;
        }
        return masters;
    }

    /// <summary>The SMMUs that run.</summary>
    public ImmutableArray<RunningSmmu> Smmus { get; private set; } = [];

    /// <summary>Masters behind an SMMU.</summary>
    public IEnumerable<BoardMaster> Translated => _masters.Values.Where(m => m.Smmu is not null);

    /// <summary>Masters that could not be connected, and why.</summary>
    public IReadOnlyDictionary<string, string> Refused => _refused;

    /// <summary>Told of each access that an SMMU did not let go on, on the thread that made it; of a stream that no master has, without one.</summary>
    public event Action<BoardMaster?, DeviceFault>? Faulted;

    /// <summary>The master of a node.</summary>
    /// <param name="nodePath">Path of its node.</param>
    /// <exception cref="ArgumentException">The board has no such node.</exception>
    /// <exception cref="InvalidOperationException">It is one of <see cref="Refused"/>.</exception>
    public BoardMaster Of(string nodePath)
    {
        ArgumentNullException.ThrowIfNull(nodePath);
        lock (_gate)
        {
            if (_refused.TryGetValue(nodePath, out var why))
                throw new InvalidOperationException($"{nodePath}: {why}");
            if (!_masters.TryGetValue(nodePath, out var master))
            {
                var device = DmaDevice.Of(_layout.Board, nodePath);
                _masters[nodePath] = master = new BoardMaster(nodePath, device, new BusPort(_memory, device));
            }
            return master;
        }
    }

    /// <summary>Gives address spaces back and turns the SMMUs off.</summary>
    public void Dispose()
    {
        while (_owned.TryPop(out var each))
            each.Dispose();
        _masters.Clear();
    }

    private void Start(SmmuPlan plan)
    {
        var smmu = SmmuStart.Start(plan, _cpu, _memory);
        Smmus = Smmus.Add(smmu);
        _owned.Push(smmu.Driver);
        smmu.Driver.DeviceFaulted += fault => Faulted?.Invoke(Translated.FirstOrDefault(m => m.Smmu == smmu && m.Streams.Any(s => s.Contains(fault.StreamId))), fault);
        foreach (var master in plan.Masters.Where(m => plan.BindingOf(m.Streams[0].First)?.Translation != StreamTranslation.Bypass))
        {
            if (_masters.Remove(master.NodePath) || _refused.ContainsKey(master.NodePath))
            {
                _refused[master.NodePath] = "it has streams at more than one SMMU, and can have one address space.";
                continue;
            }
            try
            {
                _masters[master.NodePath] = Connect(master, smmu);
            }
            catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
            {
                _refused[master.NodePath] = exception.Message;
            }
        }
    }

    private BoardMaster Connect(BusMaster master, RunningSmmu smmu) => SmmuStart.GranuleOf(smmu.Board, _layout.Pages.PageShift) switch
    {
        12 => Connect<Granule4K>(master, smmu),
        14 => Connect<Granule16K>(master, smmu),
        _ => Connect<Granule64K>(master, smmu),
    };

    private BoardMaster Connect<TGranule>(BusMaster master, RunningSmmu smmu) where TGranule : struct, IGranule
    {
        var aperture = DeviceAperture.Of(master, default(TGranule).PageShift);
        var domain = smmu.Driver.TryCreateDomain<TGranule>(_cpu, _memory, aperture.Range, aperture.InputBits)
            ?? throw new InsufficientMemoryException($"There is no page for the tables of {master.NodePath}.");
        _owned.Push(domain);
        foreach (var closed in aperture.Closed)
            domain.ReserveWindow(closed);
        foreach (var stream in master.Streams)
        {
            if (domain is SmmuV2Domain<TGranule> groups)
                groups.AttachGroup(stream.First, stream.Mask);
            else
                domain.Attach(stream.First);
        }
        var port = new SmmuPort(smmu.Smmu, master.Streams[0].First);
        _owned.Push(port);
        var device = DmaDevice.Of(_layout.Board, master.NodePath);
        device.Domain = domain;
        return new BoardMaster(master.NodePath, device, port) { Smmu = smmu, Streams = master.Streams };
    }
}
