using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Uclinux;
using BoardMpu = KmemKit.Architecture.Boards.BoardMpu;

namespace KmemKit.Runtime.Mpu;

/// <summary>A board that runs with its memory protection unit alone: identity addresses, the allocators of uClinux, domains, and a switch between them.</summary>
/// <remarks>
/// <para>Boot programs the unit with what is in place while no domain runs. The kernel's own memory is the longest row of RAM that privileged code may write and no
/// domain may touch, in frames.</para>
/// <para>One thread at a time uses it, as one core.</para>
/// </remarks>
public class MpuKernel : IDriverKernel, IDisposable
{
    private readonly MpuSwitch?[,] _switches;
    private readonly Dictionary<ulong, PhysRange> _mapped = [];
    private int _current;
    private uint _knownVersion;

    private protected MpuKernel(BoardMpu plan, PhysicalMemory memory, string name)
    {
        Plan = plan;
        Memory = memory;
        BoardName = name;
        Unit = new MpuUnit(plan.Format, plan.RegionCount, plan.Domains.Select(d => d.Registers));
        Cpu = new MpuCpu(memory, Unit);
        Domains = [.. plan.Domains.Select((d, index) => new MpuDomain(d, index, memory))];
        _switches = new MpuSwitch?[Domains.Length, Domains.Length];
        Unit.ApplyKnown(Unit.SwitchBetween(null, plan.Domains[0].Registers));
        _knownVersion = Unit.Version;
        KernelRange = KernelMemory.Find(plan, memory)
            ?? throw new MpuBootException($"{name}: no two frames of RAM are the kernel's alone. Grant privileged code \"rw\", and nobody else anything, on more of it.");
        Allocator = new Kmalloc2Allocator(memory, KernelRange);
    }

    /// <summary>The board.</summary>
    public string BoardName { get; }

    /// <summary>Its protection policy and the tables that grant it.</summary>
    public BoardMpu Plan { get; }

    /// <summary>RAM and bus.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>The protection unit.</summary>
    public MpuUnit Unit { get; }

    /// <summary>The CPU.</summary>
    public MpuCpu Cpu { get; }

    /// <summary>First the kernel alone, then the board's domains.</summary>
    public ImmutableArray<MpuDomain> Domains { get; }

    /// <summary>Which one the unit is programmed for.</summary>
    public MpuDomain Current => Domains[_current];

    /// <summary>Memory that the kernel gives out.</summary>
    public PhysRange KernelRange { get; }

    /// <summary>The allocator of it.</summary>
    public IUclinuxAllocator Allocator { get; }

    ICpuPort IDriverKernel.Cpu => Cpu;

    /// <summary>Boots a compiled board.</summary>
    /// <exception cref="ArgumentException">It has no layout, or no plan of a protection unit.</exception>
    /// <exception cref="MpuBootException">Its memory cannot be used so.</exception>
    public static MpuKernel Boot(BoardCompilation compilation)
    {
        ArgumentNullException.ThrowIfNull(compilation);
        if (compilation is not { Layout: { } layout, MpuPlan: { } plan, Board.Protection: { } policy })
            throw new ArgumentException($"{compilation.Name} has no layout or no protection plan: {string.Join("; ", compilation.Diagnostics)}", nameof(compilation));
        return Boot(() => PhysicalMemory.Create(layout), memory => new MpuKernel(BoardMpuOfPlan.Make(plan, policy), memory, compilation.Name));
    }

    /// <summary>Programs the unit for a domain: writes the registers that differ, and only those.</summary>
    /// <param name="domain">Its name; empty for the kernel alone.</param>
    /// <returns>What was written.</returns>
    /// <exception cref="ArgumentException">There is no such domain.</exception>
    public MpuSwitch Switch(string domain) => SwitchTo(IndexOf(domain));

    /// <summary>As <see cref="Switch(string)"/>, for a domain that is at hand.</summary>
    /// <exception cref="ArgumentException">It is of another kernel.</exception>
    public MpuSwitch Switch(MpuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        if ((uint)domain.Index >= (uint)Domains.Length || !ReferenceEquals(Domains[domain.Index], domain))
            throw new ArgumentException($"Domain {domain.Name} is of another kernel.", nameof(domain));
        return SwitchTo(domain.Index);
    }

    /// <summary>Runs code in a domain and comes back to the one before; a fault ends it.</summary>
    /// <param name="domain">Its name.</param>
    /// <param name="code">The code; its accesses are unprivileged.</param>
    /// <returns>The fault; null where it ran to its end.</returns>
    /// <exception cref="ArgumentException">There is no such domain.</exception>
    public MemoryFault? Run(string domain, Action<MpuTask> code)
    {
        ArgumentNullException.ThrowIfNull(code);
        var (before, index) = (_current, IndexOf(domain));
        SwitchTo(index);
        try
        {
            code(new MpuTask(this, Domains[index]));
            return null;
        }
        catch (MemoryFaultException fault)
        {
            return fault.Fault;
        }
        finally
        {
            SwitchTo(before);
        }
    }

    /// <summary>Holds the unit's registers against the plan of the domain it is programmed for.</summary>
    /// <returns>Empty where nothing differs.</returns>
    public ImmutableArray<MpuDifference> VerifyProgrammed() => MpuReadback.Compare(Plan.Format, Current.Board.Registers, Unit.Registers);

    /// <inheritdoc/>
    public VirtAddr? Alloc(ulong bytes) => Allocator.Alloc(bytes) is { } block ? new VirtAddr(block.Value) : null;

    /// <inheritdoc/>
    public void Free(VirtAddr block) => Allocator.Free(new PhysAddr(block.Value));

    /// <summary>The address itself, where the protection grants privileged code both its ends.</summary>
    public VirtAddr? MapDevice(PhysRange registers)
    {
        if (registers.IsEmpty)
            throw new ArgumentException("A device has at least one register.", nameof(registers));
        for (var at = registers.Start.Value; ;)
        {
            var span = Unit.At(at, Privilege.Privileged);
            if (MpuFaultStatus.CauseOf(span.Decision, AccessRights.Read) != FaultCause.None)
                return null;
            at = span.Start + span.Size;
            if (at >= registers.End.Value)
                break;
        }
        _mapped[registers.Start.Value] = registers;
        return new VirtAddr(registers.Start.Value);
    }

    /// <inheritdoc/>
    public void UnmapDevice(VirtAddr registers)
    {
        if (!_mapped.Remove(registers.Value))
            throw new ArgumentException($"{registers} is no device that was mapped.", nameof(registers));
    }

    /// <summary>Gives the board's memory back to the host.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the board's memory back to the host.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            Memory.Dispose();
    }

    private protected static TKernel Boot<TKernel>(Func<PhysicalMemory> create, Func<PhysicalMemory, TKernel> boot)
    {
        var memory = create();
        try
        {
            return boot(memory);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    private MpuSwitch SwitchTo(int index)
    {
        // Somebody else wrote registers: nothing is known of the unit.
        if (Unit.Version != _knownVersion)
        {
            var all = Unit.SwitchBetween(null, Domains[index].Board.Registers);
            return Applied(all, index);
        }
        return Applied(_switches[_current, index] ??= Unit.SwitchBetween(Current.Board.Registers, Domains[index].Board.Registers), index);
    }

    private MpuSwitch Applied(MpuSwitch change, int index)
    {
        Unit.ApplyKnown(change);
        (_current, _knownVersion) = (index, Unit.Version);
        return change;
    }

    private int IndexOf(string domain)
    {
        for (var i = 0; i < Domains.Length; i++)
        {
            if (string.Equals(Domains[i].Name, domain, StringComparison.Ordinal))
                return i;
        }
        throw new ArgumentException($"There is no domain {domain}; there is {string.Join(", ", Domains.Skip(1).Select(d => d.Name))}.", nameof(domain));
    }
}
