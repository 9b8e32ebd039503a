using System;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Runtime.Dma;

namespace KmemKit.Native.Exports;

/// <summary>Devices of the board, models of them, and their own accesses to memory.</summary>
internal static unsafe class DeviceExports
{
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
    /// <returns>-EFAULT, and a report, where the device was not given all of it; nothing is copied then.</returns>
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
            if (ThreadState.Current.Pending.Count != before)
                return Caught.Efault;
            var page = machine.Map.Pages.PageSize;
            for (nuint done = 0; done < size;)
            {
                var address = new BusAddr(bus + done);
                var step = (nuint)Math.Min(page - (address.Value & (page - 1)), size - done);
                if (!DmaMapper.TryToPhys(device.Master, address, out var phys) || machine.Booted.Memory.PointerTo(phys, step) is var memory && memory == null)
                    return Caught.Efault;
                if (isWrite != 0)
                    NativeMemory.Copy((byte*)data + done, memory, step);
                else
                    NativeMemory.Copy(memory, (byte*)data + done, step);
                done += step;
            }
            return 0;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }
}
