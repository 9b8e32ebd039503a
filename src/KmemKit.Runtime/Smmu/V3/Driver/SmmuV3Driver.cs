using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using R = KmemKit.Architecture.Smmu.V3.SmmuV3Register;

namespace KmemKit.Runtime.Smmu.V3.Driver;

/// <summary>Software's side of an SMMUv3: stream table, context descriptors and queues in pages of the board, and the commands that go with each change.</summary>
/// <remarks>
/// Streams are aborted until something is attached to them. The stream table has one level up to 2^8 streams and two levels above, whose second-level tables of 2^8
/// entries are made when first needed. Source: drivers/iommu/arm/arm-smmu-v3 of Linux for the order of steps, Arm IHI 0070 for their meaning.
/// </remarks>
public sealed unsafe partial class SmmuV3Driver : SmmuDriver
{
    private const int SplitBits = 8;

    private readonly PhysicalMemory _memory;
    private readonly SmmuV3 _smmu;
    private readonly Cpu _cpu;
    private readonly List<(Page First, int Order)> _blocks = [];
    private readonly Lock _tableGate = new();
    private readonly PhysAddr _table;
    private readonly PhysAddr _commandQueue;
    private readonly PhysAddr _eventQueue;
    private readonly int _commandBits;
    private readonly int _eventBits;
    private readonly int _streamBits;
    private readonly HashSet<ushort> _asids = [];
    private readonly ulong* _commands;
    private readonly uint _turns;
    // The consumer index as it was last read: it only moves on, so the queue has at least as much room. The short way moves both indices on without it, by any number, and
    // leaves the queue empty: the distance is then at most too large, and where it is larger than the queue the first command looks again.
    private uint _consumer;
    private uint _producer;
    private OwnedGate _queueGate;
    private QueuePointer _eventConsumer;
    private ushort _lastAsid;

    private SmmuV3Driver(Cpu cpu, PhysicalMemory memory, SmmuV3 smmu, int commandBits, int eventBits)
    {
        _cpu = cpu;
        _memory = memory;
        _smmu = smmu;
        _commandBits = Math.Min(commandBits, smmu.Features.CommandQueueBits);
        _eventBits = Math.Min(eventBits, smmu.Features.EventQueueBits);
        _streamBits = smmu.Features.StreamIdBits;
        IsTwoLevel = _streamBits > SplitBits && smmu.Features.TwoLevelStreamTable;
        try
        {
            _commandQueue = Take((ulong)Command.Bytes << _commandBits);
            _eventQueue = Take((ulong)EventRecord.Bytes << _eventBits);
            _table = Take(IsTwoLevel ? 8UL << (_streamBits - SplitBits) : (ulong)StructureWords.Bytes << _streamBits);
        }
        catch (InsufficientMemoryException)
        {
            GiveAll();
            throw;
        }
        _commands = (ulong*)memory.PointerTo(_commandQueue, (ulong)Command.Bytes << _commandBits);
        _turns = (2u << _commandBits) - 1;
        _eventConsumer = new QueuePointer(0, _eventBits);
    }

    /// <summary>Turns an SMMU on (arm_smmu_device_reset): its caches are invalidated, and every stream is aborted.</summary>
    /// <param name="cpu">Whose pages tables and queues are made of.</param>
    /// <param name="memory">RAM.</param>
    /// <param name="smmu">The SMMU.</param>
    /// <param name="commandBits">log2 of the command queue's entries.</param>
    /// <param name="eventBits">log2 of the event queue's entries.</param>
    /// <exception cref="InsufficientMemoryException">There are no pages for them; those taken are given back.</exception>
    public static SmmuV3Driver Start(Cpu cpu, PhysicalMemory memory, SmmuV3 smmu, int commandBits = 8, int eventBits = 7)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(smmu);
        var driver = new SmmuV3Driver(cpu, memory, smmu, commandBits, eventBits);
        driver.Reset();
        return driver;
    }

    /// <inheritdoc/>
    public override SmmuV3 Smmu => _smmu;

    /// <summary>Whether the stream table has two levels.</summary>
    public bool IsTwoLevel { get; }

    /// <summary>Pages that tables and queues take.</summary>
    public long TablePages
    {
        get
        {
            var pages = 0L;
            foreach (var (_, order) in _blocks)
                pages += 1L << order;
            return pages;
        }
    }

    /// <summary>Called with each event record, on the thread whose access or command made it.</summary>
    public event Action<EventRecord>? EventReceived;

    /// <summary>Called with each global error.</summary>
    public event Action<SmmuV3GlobalErrors>? ErrorReceived;

    /// <inheritdoc/>
    public override TranslatedDomain<TGranule>? TryCreateDomain<TGranule>(Cpu cpu, PhysicalMemory memory, PhysRange? aperture = null, int inputBits = 39) =>
        SmmuDomain.TryCreate<TGranule>(this, cpu, memory, aperture, inputBits);

    /// <summary>Makes a stream's entry what it is given to be; where one store can do it, without a moment in which the stream has neither (<see cref="HitlessUpdate"/>).</summary>
    /// <returns>Syncs that it took.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such stream.</exception>
    /// <exception cref="ArgumentException">The entry is ILLEGAL for the SMMU.</exception>
    public int InstallEntry(uint stream, in StreamTableEntry entry)
    {
        if (entry.IsValid && entry.Check(_smmu.Features) is var fault and not SmmuV3Fault.None)
            throw new ArgumentException($"The entry is ILLEGAL: {fault}.", nameof(entry));
        lock (_tableGate)
        {
            var place = EntryPlace(stream);
            return Install(place, entry.Words, static words => new StreamTableEntry(words).UsedBits, Command.CfgiSte(stream, leaf: true));
        }
    }

    /// <summary>A stream's entry as memory has it.</summary>
    public StreamTableEntry ReadEntry(uint stream)
    {
        lock (_tableGate)
            return new StreamTableEntry(new StructureWords(new ReadOnlySpan<ulong>(_memory.PointerTo(EntryPlace(stream), StructureWords.Bytes), StructureWords.Count)));
    }

    /// <summary>Queues commands, without waiting (their order is kept).</summary>
    public void Send(params ReadOnlySpan<Command> commands)
    {
        using (HoldQueue())
        {
            foreach (var command in commands)
                Put(command);
            _smmu.Write(R.CmdqProd, 4, _producer);
        }
    }

    /// <summary>Queues an invalidation of TLBs and waits until it and all before are done.</summary>
    /// <exception cref="InvalidOperationException">A command could not be done: the queue stands, and says why.</exception>
    internal void Invalidate(in Command command)
    {
        if (!_smmu.TryInvalidate(command, _queueGate, ref _producer))
            SendAndSync(command);
    }

    /// <summary>Queues CMD_TLBI_NH_VA of one address and waits until it and all before are done.</summary>
    /// <param name="word0">The command's first word.</param>
    /// <param name="word1">Its second one.</param>
    /// <exception cref="InvalidOperationException">A command could not be done: the queue stands, and says why.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void InvalidatePage(ulong word0, ulong word1)
    {
        if (!_smmu.TryInvalidatePage(word0, word1, _queueGate, ref _producer))
            SendOneAndSync(word0, word1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SendOneAndSync(ulong word0, ulong word1) => SendAndSync(new Command(word0, word1));

    /// <summary>Queues commands and waits until they and all before are done.</summary>
    /// <exception cref="InvalidOperationException">A command could not be done: the queue stands, and says why.</exception>
    public void SendAndSync(params ReadOnlySpan<Command> commands)
    {
        using (HoldQueue())
        {
            foreach (var command in commands)
                Put(command);
            Put(Command.Sync());
            _smmu.Write(R.CmdqProd, 4, _producer);
            Wait();
        }
    }

    /// <summary>An ASID that nobody has.</summary>
    /// <exception cref="InvalidOperationException">All are in use.</exception>
    public ushort TakeAsid()
    {
        lock (_tableGate)
        {
            var most = _smmu.Features.Asid16 ? 0xFFFF : 0xFF;
            for (var i = 0; i < most; i++)
            {
                // Round about, so that an ASID that was just given up rests longest. 0 is never given.
                _lastAsid = _lastAsid == most ? (ushort)1 : (ushort)(_lastAsid + 1);
                if (_asids.Add(_lastAsid))
                    return _lastAsid;
            }
            throw new InvalidOperationException($"All {most} ASIDs are in use.");
        }
    }

    /// <summary>Gives an ASID back; its TLB entries are invalidated first.</summary>
    public void GiveAsid(ushort asid)
    {
        SendAndSync(Command.TlbiNhAsid(0, asid));
        lock (_tableGate)
            _asids.Remove(asid);
    }

    /// <summary>Turns the SMMU off: from then on transactions are aborted. Pages go back.</summary>
    public override void Dispose()
    {
        // ABORT stays, so that no device reaches memory by being forgotten.
        _smmu.Write(R.Gbpa, 4, (1u << 31) | (1u << 20));
        _smmu.Write(R.Cr0, 4, 0);
        _smmu.EventQueueInterrupt -= ReadEvents;
        _smmu.GlobalErrorInterrupt -= ReadErrors;
        GiveAll();
    }

    /// <summary>Reads what the event queue holds.</summary>
    internal void ReadEvents()
    {
        for (; ;)
        {
            EventRecord record;
            using (HoldQueue())
            {
                var producer = (uint)_smmu.Read(R.EventqProd, 4);
                if (QueuePointer.IsEmpty(new QueuePointer(producer, _eventBits), _eventConsumer))
                {
                    // An overflow is acknowledged by making the flags equal (7.4).
                    _smmu.Write(R.EventqCons, 4, _eventConsumer.Value | (producer & QueuePointer.Overflow));
                    return;
                }
                var pointer = _memory.PointerTo(_eventQueue + ((ulong)_eventConsumer.Index * EventRecord.Bytes), EventRecord.Bytes);
                record = EventRecord.Decode(new ReadOnlySpan<ulong>(pointer, EventRecord.Count));
                _eventConsumer = _eventConsumer.Next;
                _smmu.Write(R.EventqCons, 4, _eventConsumer.Value | (producer & QueuePointer.Overflow));
            }
            EventReceived?.Invoke(record);
            if (FaultOf(record) is { } fault)
                Tell(fault);
        }
    }

    private static DeviceFault? FaultOf(in EventRecord record)
    {
        DeviceFaultKind? kind = record.Type switch
        {
            EventType.Translation => DeviceFaultKind.Translation,
            EventType.Permission => DeviceFaultKind.Permission,
            EventType.AccessFlag => DeviceFaultKind.AccessFlag,
            EventType.AddressSize => DeviceFaultKind.AddressSize,
            EventType.WalkExternalAbort or EventType.SteFetch or EventType.CdFetch => DeviceFaultKind.External,
            EventType.BadStreamId or EventType.BadSte or EventType.BadSubstreamId or EventType.BadCd or EventType.StreamDisabled => DeviceFaultKind.Configuration,
            _ => null,
        };
        var access = record.IsInstruction ? AccessRights.Execute : record.IsRead ? AccessRights.Read : AccessRights.Write;
        return kind is { } known ? new DeviceFault(known, record.StreamId, new BusAddr(record.InputAddress), access, record.IsStall) : null;
    }

    private void ReadErrors()
    {
        var active = (SmmuV3GlobalErrors)(uint)(_smmu.Read(R.GError, 4) ^ _smmu.Read(R.GErrorN, 4));
        if (active != SmmuV3GlobalErrors.None)
            ErrorReceived?.Invoke(active);
    }

    private void Reset()
    {
        _smmu.Write(R.Cr0, 4, 0);
        // Write-back, inner shareable for tables and queues (6.3.11).
        _smmu.Write(R.Cr1, 4, 0xD75);
        _smmu.Write(R.Cr2, 4, 2);
        _smmu.Write(R.StrtabBase, 8, _table.Value);
        _smmu.Write(R.StrtabBaseCfg, 4, (uint)_streamBits | (IsTwoLevel ? (SplitBits << 6) | (1u << 16) : 0));
        _smmu.Write(R.CmdqBase, 8, _commandQueue.Value | (uint)_commandBits);
        _smmu.Write(R.CmdqProd, 4, 0);
        _smmu.Write(R.CmdqCons, 4, 0);
        _smmu.Write(R.Cr0, 4, (ulong)SmmuV3Control.CommandQueueEnable);
        SendAndSync(Command.CfgiAll, Command.TlbiNsnhAll);
        if (_smmu.Features.Hypervisor)
            SendAndSync(Command.TlbiEl2All);
        _smmu.Write(R.EventqBase, 8, _eventQueue.Value | (uint)_eventBits);
        _smmu.Write(R.EventqProd, 4, 0);
        _smmu.Write(R.EventqCons, 4, 0);
        if (!IsTwoLevel)
        {
            for (var stream = 0u; stream < 1u << _streamBits; stream++)
                InstallEntry(stream, StreamTableEntry.Abort);
        }
        _smmu.EventQueueInterrupt += ReadEvents;
        _smmu.GlobalErrorInterrupt += ReadErrors;
        _smmu.Write(R.IrqCtrl, 4, 7);
        _smmu.Write(R.Cr0, 4, (ulong)(SmmuV3Control.CommandQueueEnable | SmmuV3Control.EventQueueEnable | SmmuV3Control.SmmuEnable));
    }

    /// <summary>Writes a structure step by step, with its invalidation and a sync behind each.</summary>
    internal int Install(PhysAddr place, in StructureWords target, Func<StructureWords, StructureWords> usedBits, in Command invalidation)
    {
        var pointer = (ulong*)_memory.PointerTo(place, StructureWords.Bytes);
        var current = new StructureWords(new ReadOnlySpan<ulong>(pointer, StructureWords.Count));
        var syncs = 0;
        foreach (var step in HitlessUpdate.Plan(current, target, usedBits))
        {
            for (var i = 0; i < StructureWords.Count; i++)
            {
                if ((step.Changed & (1 << i)) != 0)
                    Volatile.Write(ref pointer[i], step.Words[i]);
            }
            SendAndSync(invalidation);
            syncs++;
        }
        return syncs;
    }

    /// <summary>Zeroed pages for a structure, aligned to its size.</summary>
    /// <exception cref="InsufficientMemoryException">There are none; what was taken before stays.</exception>
    internal PhysAddr Take(ulong bytes)
    {
        using var held = _tableGate.EnterScope();
        var order = _cpu.GetOrder(bytes);
        var page = order <= _cpu.Allocator.Map.MaxOrder ? _cpu.AllocPages(GfpFlags.Kernel | GfpFlags.Zero | GfpFlags.NoWarn, order) : Page.Null;
        if (page.IsNull)
            throw new InsufficientMemoryException($"There are no {bytes} bytes in a row for a table or queue of the SMMU.");
        _blocks.Add((page, order));
        return _cpu.Allocator.Map.PageToPhys(page);
    }

    /// <summary>Gives pages of <see cref="Take"/> back, which the SMMU reads no longer.</summary>
    internal void Give(PhysAddr place)
    {
        using var held = _tableGate.EnterScope();
        var index = _blocks.FindIndex(block => _cpu.Allocator.Map.PageToPhys(block.First) == place);
        _cpu.FreePages(_blocks[index].First, _blocks[index].Order);
        _blocks.RemoveAt(index);
    }

    private void GiveAll()
    {
        foreach (var (first, order) in _blocks)
            _cpu.FreePages(first, order);
        _blocks.Clear();
    }

    private PhysAddr EntryPlace(uint stream)
    {
        if ((ulong)stream >> _streamBits != 0)
            throw new ArgumentOutOfRangeException(nameof(stream), stream, $"StreamIDs have {_streamBits} bits.");
        if (!IsTwoLevel)
            return _table + ((ulong)stream * StructureWords.Bytes);
        var slot = (ulong*)_memory.PointerTo(_table + ((ulong)(stream >> SplitBits) * 8), 8);
        if (!new StreamTableDescriptor(*slot).IsValid(SplitBits))
        {
            var table = Take((ulong)StructureWords.Bytes << SplitBits);
            var abort = new ulong[StructureWords.Count];
            StreamTableEntry.Abort.Words.CopyTo(abort);
            for (var i = 0u; i < 1u << SplitBits; i++)
                abort.CopyTo(new Span<ulong>(_memory.PointerTo(table + (i * StructureWords.Bytes), StructureWords.Bytes), StructureWords.Count));
            Volatile.Write(ref *slot, StreamTableDescriptor.Table(table, SplitBits).Value);
        }
        return new StreamTableDescriptor(*slot).L2Ptr + ((ulong)(stream & ((1u << SplitBits) - 1)) * StructureWords.Bytes);
    }

    // The queue is the caller's, between registers and commands of its own. The short way of an unmap (SmmuV3.TryInvalidatePage) asks for this gate in the SMMU's.
    private OwnedGate.Held HoldQueue()
    {
        var held = _queueGate.Hold();
        _smmu.WaitForShortWay();
        return held;
    }

    private void Put(in Command command)
    {
        if (unchecked(_producer - _consumer & _turns) > _turns >> 1)
            MakeRoom();
        var slot = _commands + ((_producer & (_turns >> 1)) * 2);
        Volatile.Write(ref slot[0], command.Word0);
        Volatile.Write(ref slot[1], command.Word1);
        _producer = (_producer + 1) & _turns;
    }

    // The queue was full when the consumer was last looked at.
    private void MakeRoom()
    {
        _consumer = (uint)_smmu.Read(R.CmdqCons, 4) & _turns;
        if (unchecked(_producer - _consumer & _turns) <= _turns >> 1)
            return;
        _smmu.Write(R.CmdqProd, 4, _producer);
        Wait();
    }

    private void Wait()
    {
        var register = (uint)_smmu.Read(R.CmdqCons, 4);
        _consumer = register & _turns;
        if (_consumer != _producer)
            throw Stands(register);
    }

    private InvalidOperationException Stands(uint register) =>
        new($"The command queue stands at entry {new QueuePointer(register, _commandBits).Index}: {(CommandError)((register >> 24) & 0x7F)}.");
}
