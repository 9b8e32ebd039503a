using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processor;

namespace KmemKit.Runtime.Processes;

/// <summary>What a CPU does for processes: whose addresses it has, and the page fault handler that it asks.</summary>
internal sealed class CpuState(ProcessTable table, int number, IMmuCpu port) : IFaultHandler
{
    /// <summary>The CPU.</summary>
    public IMmuCpu Port => port;

    /// <summary>Its number.</summary>
    public int Number => number;

    /// <summary>Whose tables are loaded; null for the kernel's alone.</summary>
    public AddressSpace? Current { get; set; }

    /// <summary>Whether the kernel is in an access to user memory: what faults there is fixed up (the exception table).</summary>
    public bool InUserAccess { get; set; }

    /// <summary>The signal of the last fault that could not be helped.</summary>
    public SignalInfo? Last { get; set; }

    public bool Handle(in MemoryFault fault)
    {
        Last = null;
        if (Current is not { } space || (fault.Privilege == Privilege.Privileged && !InUserAccess))
            return false;
        switch (fault.Cause)
        {
            case FaultCause.Alignment:
                Last = new SignalInfo(Signal.Bus, SignalCode.BusAlignment, fault.Address);
                return false;
            case FaultCause.ExternalAbort or FaultCause.ExternalAbortOnWalk:
                Last = new SignalInfo(Signal.Bus, SignalCode.BusAddressError, fault.Address);
                return false;
            case FaultCause.NonCanonical:
                // A general protection fault on x86: it has no address.
                Last = new SignalInfo(Signal.SegmentationFault, SignalCode.Kernel, default);
                return false;
        }
        if (fault.Address.Value >= space.Layout.TaskSize)
        {
            Last = new SignalInfo(Signal.SegmentationFault, SignalCode.MapError, fault.Address);
            return false;
        }
        table.EnterKernel(this);
        table.FaultingCpu = this;
        var result = space.Fault(fault.Address, fault.Access);
        table.FaultingCpu = null;
        table.LeaveKernel(this);
        Last = result switch
        {
            FaultResult.Retry => null,
            FaultResult.MapError => new SignalInfo(Signal.SegmentationFault, SignalCode.MapError, fault.Address),
            FaultResult.AccessError => new SignalInfo(Signal.SegmentationFault, SignalCode.AccessError, fault.Address),
            FaultResult.Bus => new SignalInfo(Signal.Bus, SignalCode.BusAddressError, fault.Address),
            _ => new SignalInfo(Signal.Kill, SignalCode.Kernel, fault.Address),
        };
        return result == FaultResult.Retry;
    }
}
