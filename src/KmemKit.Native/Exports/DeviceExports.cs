using System;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Native.Exports;

/// <summary>Devices of the board, models of them, and their own accesses to memory.</summary>
internal static unsafe class DeviceExports
{
    private const nuint LargestTransfer = 1 << 30;

    /// <summary>A device by label or path of its node.</summary>
    /// <returns>Null where the board has none of that name.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_device")]
    public static void* Device(byte* name, CallSite* at)
    {
        try
        {
            return name == null ? null : NativeMachine.Current.Devices.Find(Marshal.PtrToStringUTF8((nint)name) ?? "") is { } device ? device.Header : null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary>A device's addresses.</summary>
    /// <returns>-EINVAL where it has no such range.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_device_range")]
    public static int Range(void* header, uint index, ulong* start, ulong* size, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (start == null || size == null || DmaExports.DeviceOf(machine, header, "kmem_device_range") is not { } device || index >= (uint)device.Node.Ranges.Length)
                return Caught.Einval;
            var range = device.Node.Ranges[(int)index].Range;
            (*start, *size) = (range.Start.Value, range.Size.IsTop ? 0 : range.Size.Value);
            return 0;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary>Puts a model at a device's registers.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_bus_attach")]
    public static int Attach(void* header, void* model, void* context, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (model == null || DmaExports.DeviceOf(machine, header, "kmem_bus_add_device") is not { } device)
                return Caught.Einval;
            return machine.Devices.TryAttach(device, model, context) ? 0 : Caught.Ebusy;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary>Takes a model away.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_bus_remove_device")]
    public static int Detach(void* header, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            return DmaExports.DeviceOf(machine, header, "kmem_bus_remove_device") is { } device && machine.Devices.TryDetach(device) ? 0 : Caught.Enodev;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary>The device reads or writes memory: through its bus's windows, or what translates for it.</summary>
    /// <param name="header">The device.</param>
    /// <param name="bus">As the driver programmed it.</param>
    /// <param name="data">The model's bytes.</param>
    /// <param name="size">How many.</param>
    /// <param name="isWrite">Whether memory is written.</param>
    /// <param name="at">The call.</param>
    /// <returns>-EFAULT, and a report, where the device was not given all of it; nothing is copied then. What an SMMU stops is in the log as well.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_device_dma")]
    public static int Access(void* header, ulong bus, void* data, nuint size, int isWrite, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (DmaExports.DeviceOf(machine, header, "kmem_device_dma") is not { } device || (data == null && size != 0))
                return Caught.Einval;
            if (size == 0)
                return 0;
            var before = ThreadState.Current.Pending.Count;
            machine.Dma.Debug!.DeviceAccess(device.Master, new BusAddr(bus), size, isWrite != 0);
            lock (device.Bus)
            {
                if (ThreadState.Current.Pending.Count == before)
                    return Transfer(device, bus, (byte*)data, size, isWrite != 0);
                // The hardware says what it would have done, too.
                _ = device.Bus.Reach(new BusAddr(bus), isWrite != 0 ? AccessRights.Write : AccessRights.Read);
                return Caught.Efault;
            }
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    // The driver was given all of it; so that what does not go through is the translation's, or the bus's.
    private static int Transfer(NativeDevice device, ulong bus, byte* data, nuint size, bool isWrite)
    {
        for (nuint done = 0; done < size;)
        {
            var part = new Span<byte>(data + done, (int)Math.Min(size - done, LargestTransfer));
            var address = new BusAddr(bus + done);
            var outcome = isWrite ? device.Bus.Port.Write(address, part, out var moved) : device.Bus.Port.Read(address, part, out moved);
            if (outcome != SmmuOutcome.Translated)
            {
                NativeMachine.Warn(ReportKind.Dma, $"{device.Master}: device {(isWrite ? "writes" : "reads")} at {address + (ulong)moved}: {outcome}", unchecked((nuint)bus));
                return Caught.Efault;
            }
            done += (nuint)moved;
        }
        return 0;
    }
}
