using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Processor;

namespace KmemKit.Runtime.Mpu;

/// <summary>A CPU with a memory protection unit, as far as memory goes: an address is the physical one, and the unit says who may use it.</summary>
/// <remarks>
/// <para>For each privilege and kind of access it remembers the addresses around the last one about which the unit says the same. An access within them is a
/// comparison and what <see cref="PhysicalMemory"/> does.</para>
/// <para>An access over several regions is judged in each of them, the lowest address first, and makes no change where one refuses. A PMP refuses an access that its
/// first matching entry does not hold entirely, whatever the entry grants (Privileged Architecture 1.12, 3.7.1, "Priority and Matching Logic").</para>
/// </remarks>
public sealed unsafe class MpuCpu : ICpuPort
{
    private const int MostBytes = 16, Kinds = 3;

    private readonly PhysicalMemory _memory;
    private readonly MpuUnit _unit;
    private readonly Known[] _known = new Known[2 * Kinds];
    private uint _version;

    private struct Known
    {
        public ulong Start;
        public ulong Size;
    }

    /// <summary>A CPU.</summary>
    /// <param name="memory">The bus.</param>
    /// <param name="unit">Its protection unit.</param>
    public MpuCpu(PhysicalMemory memory, MpuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(unit);
        _memory = memory;
        _unit = unit;
    }

    /// <summary>Its protection unit.</summary>
    public MpuUnit Unit => _unit;

    /// <summary>Reads a value.</summary>
    /// <typeparam name="T">1 to 16 bytes.</typeparam>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(VirtAddr address, Privilege privilege) where T : unmanaged
    {
        Check(address.Value, sizeof(T), AccessRights.Read, privilege);
        var host = _memory.PointerTo(new PhysAddr(address.Value), (uint)sizeof(T));
        if (host is not null)
            return Unsafe.ReadUnaligned<T>(host);
        T value = default;
        Move(address.Value, (byte*)&value, sizeof(T), AccessRights.Read, privilege);
        return value;
    }

    /// <summary>Writes a value.</summary>
    /// <typeparam name="T">1 to 16 bytes.</typeparam>
    /// <exception cref="MemoryFaultException">The access faults; nothing is written.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<T>(VirtAddr address, T value, Privilege privilege) where T : unmanaged
    {
        Check(address.Value, sizeof(T), AccessRights.Write, privilege);
        var host = _memory.PointerTo(new PhysAddr(address.Value), (uint)sizeof(T));
        if (host is not null)
            Unsafe.WriteUnaligned(host, value);
        else
            Move(address.Value, (byte*)&value, sizeof(T), AccessRights.Write, privilege);
    }

    /// <inheritdoc/>
    public ulong Load(VirtAddr address, int size, Privilege privilege)
    {
        CheckSize(size, sizeof(ulong));
        var value = 0UL;
        Transfer(address.Value, (byte*)&value, size, AccessRights.Read, privilege);
        return value;
    }

    /// <inheritdoc/>
    public void Store(VirtAddr address, int size, ulong value, Privilege privilege)
    {
        CheckSize(size, sizeof(ulong));
        Transfer(address.Value, (byte*)&value, size, AccessRights.Write, privilege);
    }

    /// <inheritdoc/>
    public void Load(VirtAddr address, Span<byte> destination, Privilege privilege)
    {
        CheckSize(destination.Length, MostBytes);
        fixed (byte* bytes = destination)
            Transfer(address.Value, bytes, destination.Length, AccessRights.Read, privilege);
    }

    /// <inheritdoc/>
    public void Store(VirtAddr address, ReadOnlySpan<byte> source, Privilege privilege)
    {
        CheckSize(source.Length, MostBytes);
        fixed (byte* bytes = source)
            Transfer(address.Value, bytes, source.Length, AccessRights.Write, privilege);
    }

    /// <inheritdoc/>
    public void Fetch(VirtAddr address, Span<byte> destination, Privilege privilege)
    {
        CheckSize(destination.Length, MostBytes);
        fixed (byte* bytes = destination)
            Transfer(address.Value, bytes, destination.Length, AccessRights.Execute, privilege);
    }

    /// <summary>Why an access would fault: the unit's word, without the bus.</summary>
    /// <returns><see cref="FaultCause.None"/> where it would not.</returns>
    public FaultCause Ask(VirtAddr address, int size, AccessRights access, Privilege privilege) => Judge(address.Value, size, access, privilege, out _);

    private static void CheckSize(int size, int most)
    {
        if (size < 1 || size > most)
            throw new ArgumentOutOfRangeException(nameof(size), size, $"An access has 1 to {most} bytes.");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Check(ulong address, int size, AccessRights access, Privilege privilege)
    {
        ref readonly var known = ref _known[((int)privilege * Kinds) + (access == AccessRights.Read ? 0 : access == AccessRights.Write ? 1 : 2)];
        var offset = unchecked(address - known.Start);
        if (_version != _unit.Version || offset >= known.Size || (uint)size > known.Size - offset)
            CheckSlowly(address, size, access, privilege);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void CheckSlowly(ulong address, int size, AccessRights access, Privilege privilege)
    {
        var cause = Judge(address, size, access, privilege, out var at);
        if (cause != FaultCause.None)
            throw Fault(cause, at, access, privilege);
    }

    private FaultCause Judge(ulong address, int size, AccessRights access, Privilege privilege, out ulong at)
    {
        at = address;
        if (_version != _unit.Version)
        {
            Array.Clear(_known);
            _version = _unit.Version;
        }
        MpuRegion? first = null;
        for (var done = 0UL; done < (uint)size;)
        {
            at = unchecked(address + done);
            if (!_unit.Format.AddressSpace.Contains(new PhysAddr(at)))
                return FaultCause.Translation;
            var span = _unit.At(at, privilege);
            var cause = MpuFaultStatus.CauseOf(span.Decision, access);
            if (cause != FaultCause.None)
                return cause;
            if (done == 0)
                first = span.Decision.DataRegion;
            else if (_unit.Format.Shape == MpuShape.PriorityChain && span.Decision.DataRegion?.Number != first?.Number)
                return FaultCause.Permission;
            _known[((int)privilege * Kinds) + (access == AccessRights.Read ? 0 : access == AccessRights.Write ? 1 : 2)] = new Known { Start = span.Start, Size = span.Size };
            done += span.Start + span.Size - at;
        }
        return FaultCause.None;
    }

    private void Transfer(ulong address, byte* bytes, int size, AccessRights access, Privilege privilege)
    {
        Check(address, size, access, privilege);
        var host = _memory.PointerTo(new PhysAddr(address), (uint)size);
        if (host is null)
            Move(address, bytes, size, access, privilege);
        else if (access == AccessRights.Write)
            Unsafe.CopyBlockUnaligned(host, bytes, (uint)size);
        else
            Unsafe.CopyBlockUnaligned(bytes, host, (uint)size);
    }

    private void Move(ulong address, byte* bytes, int size, AccessRights access, Privilege privilege)
    {
        try
        {
            MoveOnBus(new PhysAddr(address), bytes, size, access == AccessRights.Write);
        }
        catch (BusFaultException fault)
        {
            throw Fault(FaultCause.ExternalAbort, fault.Address.Value, access, privilege);
        }
    }

    // A device sees the access as the core makes it; only RAM takes other sizes.
    private void MoveOnBus(PhysAddr address, byte* bytes, int size, bool isWrite)
    {
        switch (size)
        {
            case 1 when isWrite: _memory.WriteByte(address, *bytes); break;
            case 2 when isWrite: _memory.WriteUInt16(address, Unsafe.ReadUnaligned<ushort>(bytes)); break;
            case 4 when isWrite: _memory.WriteUInt32(address, Unsafe.ReadUnaligned<uint>(bytes)); break;
            case 8 when isWrite: _memory.WriteUInt64(address, Unsafe.ReadUnaligned<ulong>(bytes)); break;
            case 1: *bytes = _memory.ReadByte(address); break;
            case 2: Unsafe.WriteUnaligned(bytes, _memory.ReadUInt16(address)); break;
            case 4: Unsafe.WriteUnaligned(bytes, _memory.ReadUInt32(address)); break;
            case 8: Unsafe.WriteUnaligned(bytes, _memory.ReadUInt64(address)); break;
            default:
                if (isWrite)
                    _memory.Write(address, new ReadOnlySpan<byte>(bytes, size));
                else
                    _memory.Read(address, new Span<byte>(bytes, size));
                break;
        }
    }

    private MemoryFaultException Fault(FaultCause cause, ulong at, AccessRights access, Privilege privilege) =>
        new(new MemoryFault(cause, 0, new VirtAddr(at), access, privilege, MpuFaultStatus.Report(_unit.Format, cause, at, access, privilege)));
}
