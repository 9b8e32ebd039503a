using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.Conformance.Harness.Devices;
using KmemKit.Conformance.Harness.Faults;
using KmemKit.Conformance.Harness.Injection;
using KmemKit.Conformance.Harness.Masters;
using KmemKit.Conformance.Harness.Observation;
using KmemKit.Conformance.Harness.Time;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mpu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Conformance.Harness;

/// <summary>A board that runs: a booted kernel with MMU or MPU, CPUs, devices, interrupts, virtual time, and a test's eyes and hands in all of it.</summary>
/// <remarks>
/// <para>No behaviour depends on real time, on chance or on the host's addresses: two machines that are treated alike, with one <see cref="HarnessOptions.Seed"/>, do the
/// same to the last access (<see cref="AccessTrace.Fingerprint"/>).</para>
/// <para>A machine is for one thread at a time. Machines share nothing that changes: tests with one each may run beside each other.</para>
/// </remarks>
public partial class FirmwareHarness : IDisposable
{
    private readonly MmuKernel? _mmu;
    private readonly MpuKernel? _mpu;
    private readonly List<TranslationBug> _bugs = [];
    private readonly Dictionary<(int Cpu, Privilege Privilege), CpuView> _views = [];

    /// <summary>Starts a machine.</summary>
    /// <exception cref="Runtime.Boot.MemoryBootException">The board's memory cannot be booted.</exception>
    public FirmwareHarness(MachineImage image, HarnessOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        options ??= new HarnessOptions();
        Image = image;
        Options = options;
        Random = new Random(options.Seed);
        Clock = new VirtualClock();
        Interrupts = new InterruptController(Clock);
        Trace = new AccessTrace(options.TraceCapacity);
        Watchpoints = new WatchpointList();
        IEnumerable<ICpuPort> ports;
        if (image.Tables is { } tables)
        {
            Checks = new MemoryChecks((options.Checks ?? MemoryCheckOptions.Of(image.Compilation.Board!.Policy)) with { FailSlab = true });
            _mmu = MmuKernel.Boot(tables, options.Mmu with { Memory = options.Mmu.Memory with { Objects = new ObjectAllocatorOptions { Debugger = Checks } } });
            _mmu.Tlbs.BugReported += _bugs.Add;
            ports = _mmu.Cpus;
        }
        else
        {
            _mpu = MpuKernel.Boot(image.Compilation);
            ports = [_mpu.Cpu];
        }
        Ports = [.. ports.Select((port, number) => new HarnessCpu(this, port, number))];
        Kernel = new HarnessKernel(this, (IDriverKernel?)_mmu ?? _mpu!);
        Inject = new FaultInjections(this);
    }

    /// <summary>What it was started from.</summary>
    public MachineImage Image { get; }

    /// <summary>What was chosen for it.</summary>
    public HarnessOptions Options { get; }

    /// <summary>The board.</summary>
    public Board Board => Image.Compilation.Board!;

    /// <summary>What a driver under test is given: the same for both kinds of board. Its CPU is the first one.</summary>
    public IDriverKernel Kernel { get; }

    /// <summary>The whole kernel of a board with MMU.</summary>
    /// <exception cref="InvalidOperationException">The board has none.</exception>
    public MmuKernel Mmu => _mmu ?? throw new InvalidOperationException($"{Board.Name} runs without MMU: its kernel is in {nameof(Mpu)}.");

    /// <summary>The whole kernel of a board that runs with its MPU alone.</summary>
    /// <exception cref="InvalidOperationException">The board has an MMU.</exception>
    public MpuKernel Mpu => _mpu ?? throw new InvalidOperationException($"{Board.Name} runs with its MMU: its kernel is in {nameof(Mmu)}.");

    /// <summary>Whether the board runs with its MMU.</summary>
    public bool HasMmu => _mmu is not null;

    /// <summary>RAM and bus, by physical addresses.</summary>
    public PhysicalMemory Memory => _mmu?.Memory ?? _mpu!.Memory;

    /// <summary>What looks for misuse of kmalloc and object caches; null on a board without MMU, which has none.</summary>
    public MemoryChecks? Checks { get; }

    /// <summary>The CPUs' ports, by number.</summary>
    public ImmutableArray<HarnessCpu> Ports { get; }

    /// <summary>Privileged code on the first CPU.</summary>
    public CpuView Cpu => CpuOf(0, Privilege.Privileged);

    /// <summary>Unprivileged code on the first CPU.</summary>
    public CpuView User => CpuOf(0, Privilege.User);

    /// <summary>Virtual time.</summary>
    public VirtualClock Clock { get; }

    /// <summary>Interrupt lines.</summary>
    public InterruptController Interrupts { get; }

    /// <summary>What CPUs and bus masters did, newest last.</summary>
    public AccessTrace Trace { get; }

    /// <summary>Addresses that are watched.</summary>
    public WatchpointList Watchpoints { get; }

    /// <summary>Faults of the machine itself, on purpose.</summary>
    public FaultInjections Inject { get; }

    /// <summary>Chance by <see cref="HarnessOptions.Seed"/>.</summary>
    public Random Random { get; }

    /// <summary>Mistakes with translations so far: entries used after the tables changed, changes without break-before-make.</summary>
    public IReadOnlyList<TranslationBug> TranslationBugs => _bugs;

    /// <summary>A CPU in one privilege.</summary>
    /// <param name="number">Number of the CPU.</param>
    /// <param name="privilege">Who runs.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such CPU.</exception>
    public CpuView CpuOf(int number, Privilege privilege)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(number);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, Ports.Length);
        if (!_views.TryGetValue((number, privilege), out var view))
            _views[(number, privilege)] = view = new CpuView(Ports[number], privilege);
        return view;
    }

    /// <summary>Puts a model where the board has a device.</summary>
    /// <param name="device">Label, node path, or name of the node.</param>
    /// <returns>The model, without registers yet.</returns>
    /// <exception cref="ArgumentException">The board has no such device, or more than one.</exception>
    /// <exception cref="ResourceException">Something else has its addresses.</exception>
    public DeviceModel AddDevice(string device) => AddDevice(BoardDevices.RangeOf(Board, device), device);

    /// <summary>Puts a model at addresses of the bus.</summary>
    /// <exception cref="ResourceException">Something else has them.</exception>
    public DeviceModel AddDevice(PhysRange registers, string name)
    {
        var model = new DeviceModel(name, registers.Size.Value);
        Memory.RequestMemRegion(registers, name, model);
        return model;
    }

    /// <summary>Puts a bus master where the board has a device: on the bus, on the clock, and on an interrupt line.</summary>
    /// <param name="master">The master; its port is its maker's choice.</param>
    /// <param name="device">Label, node path, or name of the node.</param>
    /// <param name="interrupt">Its line; null for none.</param>
    /// <inheritdoc cref="AddDevice(string)"/>
    public void Attach(IDmaMaster master, string device, InterruptLine? interrupt = null) => Attach(master, BoardDevices.RangeOf(Board, device), interrupt);

    /// <summary>Puts a bus master at addresses of the bus.</summary>
    /// <inheritdoc cref="AddDevice(PhysRange, string)"/>
    public void Attach(IDmaMaster master, PhysRange registers, InterruptLine? interrupt = null)
    {
        ArgumentNullException.ThrowIfNull(master);
        Memory.RequestMemRegion(registers, master.Name, master);
        Clock.Add(master);
        if (interrupt is not null)
            master.InterruptRaised += interrupt.Pulse;
    }

    /// <summary>Where a device's registers are for privileged code (ioremap), which is what a driver's probe does first.</summary>
    /// <param name="device">Label, node path, or name of the node.</param>
    /// <exception cref="ArgumentException">The board has no such device, or its kernel refuses the mapping.</exception>
    public VirtAddr MapDevice(string device)
    {
        var registers = BoardDevices.RangeOf(Board, device);
        return Kernel.MapDevice(registers) ?? throw new ArgumentException($"{Board.Name}: the kernel does not map {device} at {registers}.", nameof(device));
    }

    /// <summary>Lets virtual time pass: timers, masters and their interrupts have their turns.</summary>
    /// <param name="nanoseconds">How long.</param>
    public void Run(ulong nanoseconds) => Clock.Advance(nanoseconds);

    /// <summary>What RAM holds now.</summary>
    /// <param name="ranges">Where; nothing for all RAM.</param>
    public MemorySnapshot Snapshot(params ReadOnlySpan<PhysRange> ranges) => MemorySnapshot.Take(Memory, ranges);

    /// <summary>Why an access faulted: what is mapped there with which rights, who decided so, and where that stands in the source.</summary>
    public string Explain(in MemoryFault fault) => FaultExplanation.Of(this, fault);

    /// <summary>Gives the board's memory back to the host.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the board's memory back to the host.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _bus?.Dispose();
        _mmu?.Dispose();
        _mpu?.Dispose();
        Checks?.Dispose();
    }
}
