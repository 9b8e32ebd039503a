using System;
using System.Buffers.Binary;
using KmemKit.Architecture;
using KmemKit.Conformance.Harness.Observation;
using KmemKit.Runtime.Processor;

namespace KmemKit.Conformance.Harness;

/// <summary>A CPU's port that is observed: each access goes to the trace, meets watchpoints, and a fault says what is mapped there, and who decided so.</summary>
public sealed class HarnessCpu : ICpuPort
{
    private readonly FirmwareHarness _machine;
    private readonly ICpuPort _port;

    internal HarnessCpu(FirmwareHarness machine, ICpuPort port, int number) => (_machine, _port, Number) = (machine, port, number);

    /// <summary>Number of the CPU.</summary>
    public int Number { get; }

    /// <inheritdoc/>
    public ulong Load(VirtAddr address, int size, Privilege privilege)
    {
        ulong value;
        try
        {
            value = _port.Load(address, size, privilege);
        }
        catch (MemoryFaultException exception)
        {
            throw Faulted(exception, size, 0);
        }
        Did(AccessRights.Read, address, size, value, privilege);
        return value;
    }

    /// <inheritdoc/>
    public void Store(VirtAddr address, int size, ulong value, Privilege privilege)
    {
        try
        {
            _port.Store(address, size, value, privilege);
        }
        catch (MemoryFaultException exception)
        {
            throw Faulted(exception, size, value);
        }
        Did(AccessRights.Write, address, size, value, privilege);
    }

    /// <inheritdoc/>
    public void Load(VirtAddr address, Span<byte> destination, Privilege privilege)
    {
        try
        {
            _port.Load(address, destination, privilege);
        }
        catch (MemoryFaultException exception)
        {
            throw Faulted(exception, destination.Length, 0);
        }
        Did(AccessRights.Read, address, destination.Length, FirstBytes(destination), privilege);
    }

    /// <inheritdoc/>
    public void Store(VirtAddr address, ReadOnlySpan<byte> source, Privilege privilege)
    {
        try
        {
            _port.Store(address, source, privilege);
        }
        catch (MemoryFaultException exception)
        {
            throw Faulted(exception, source.Length, FirstBytes(source));
        }
        Did(AccessRights.Write, address, source.Length, FirstBytes(source), privilege);
    }

    /// <inheritdoc/>
    public void Fetch(VirtAddr address, Span<byte> destination, Privilege privilege)
    {
        try
        {
            _port.Fetch(address, destination, privilege);
        }
        catch (MemoryFaultException exception)
        {
            throw Faulted(exception, destination.Length, 0);
        }
        Did(AccessRights.Execute, address, destination.Length, FirstBytes(destination), privilege);
    }

    internal static ulong FirstBytes(ReadOnlySpan<byte> bytes)
    {
        Span<byte> first = stackalloc byte[8];
        first.Clear();
        bytes[..Math.Min(8, bytes.Length)].CopyTo(first);
        return BinaryPrimitives.ReadUInt64LittleEndian(first);
    }

    private void Did(AccessRights access, VirtAddr address, int size, ulong value, Privilege privilege)
    {
        _machine.Observe(new AccessRecord(_machine.Clock.Now, Number, access, address, size, value, privilege, null));
    }

    private MemoryFaultException Faulted(MemoryFaultException exception, int size, ulong value)
    {
        var fault = exception.Fault;
        _machine.Trace.Add(new AccessRecord(_machine.Clock.Now, Number, fault.Access, fault.Address, size, value, fault.Privilege, fault.Cause));
        return new MemoryFaultException(fault, _machine.Explain(fault).TrimEnd('\n'));
    }
}
