using System;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;

namespace KmemKit.Native.Exports;

/// <summary><c>struct kmem_config</c> of host/kmem_kernel.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ConfigHeader
{
    public uint Cpus;
    public uint Reserved;
    public byte* SlubDebug;
    public ulong SwiotlbBytes;
}

/// <summary><c>struct kmem_report</c> of host/kmem_kernel.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ReportHeader
{
    public int Kind;
    public int Line;
    public byte* Text;
    public byte* File;
    public byte* Function;
    public void* Address;
}

/// <summary>Boot and shutdown, reports, contexts, time.</summary>
internal static unsafe class MachineExports
{
    /// <summary>Boots the board.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_boot")]
    public static int Boot(ConfigHeader* config, CallSite* at)
    {
        try
        {
            if (config != null && (config->Cpus > 1024 || config->SwiotlbBytes > 1UL << 40))
                return Caught.Einval;
            if (NativeMachine.Running is not null && config != null)
                return Caught.Einval;
            NativeMachine.Boot(config == null ? default : new MachineConfig((int)config->Cpus, Marshal.PtrToStringUTF8((nint)config->SlubDebug), config->SwiotlbBytes));
            return 0;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary>Ends the machine.</summary>
    /// <returns>What was not given back.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_shutdown")]
    public static int Shutdown(CallSite* at)
    {
        try
        {
            return NativeMachine.Shutdown(at);
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary>Looks at every object now (<c>slabinfo -v</c>).</summary>
    /// <returns>What was found.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_validate")]
    public static int Validate(CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var before = ThreadState.Current.Pending.Count;
            machine.Validate(call);
            return ThreadState.Current.Pending.Count - before;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary>The oldest report of this thread; its strings are the caller's, to be freed with <c>free</c>.</summary>
    /// <returns>0 where there is none.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_take_report")]
    public static int TakeReport(ReportHeader* into)
    {
        try
        {
            if (!ThreadState.Current.Pending.TryDequeue(out var report))
                return 0;
            *into = new ReportHeader
            {
                Kind = (int)report.Kind,
                Line = report.Site.Line,
                Text = CString(report.Text),
                File = CString(report.Site.File),
                Function = CString(report.Site.Function),
                Address = (void*)report.Address,
            };
            return 1;
        }
        catch (OutOfMemoryException)
        {
            return 0;
        }
    }

    /// <summary>Adds a report of the code's own (<c>WARN</c>, <c>BUG</c>), or of the C side of the library.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_report")]
    public static void Report(int kind, byte* message, int isWarning, CallSite* at)
    {
        try
        {
            var thread = ThreadState.Current;
            var outer = thread.At;
            thread.At = at;
            var text = Marshal.PtrToStringUTF8((nint)message) ?? "";
            var cpu = Math.Max(thread.LastCpu, 0);
            thread.Report(new NativeReport(
                (ReportKind)kind, isWarning != 0 ? WarningText.Warn(thread.Site, cpu, thread.Number, text) : WarningText.Bug(thread.Site, cpu, thread.Number, text), thread.Site, 0));
            thread.At = outer;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary>What the address of a host fault was: called on the faulting thread, from C code.</summary>
    /// <param name="address">The address.</param>
    /// <param name="isWrite">Whether it was written.</param>
    /// <param name="at">The instruction.</param>
    /// <returns>1 where it is the board's, and a report waits.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_fault")]
    public static int Fault(void* address, int isWrite, CallSite* at)
    {
        try
        {
            if (NativeMachine.Running is not { } machine || machine.Windows.Find(address) is not { } window)
                return 0;
            var thread = ThreadState.Current;
            var outer = thread.At;
            thread.At = at;
            var virt = unchecked(window.Virt.Value + ((nuint)address - window.Pointer));
            var what = (window.Kind, window.Gone) switch
            {
                (WindowKind.Io, null) => $"it is registers at {window.Phys} that {window.Site} mapped: use readl and writel",
                (WindowKind.Io, { } gone) => $"it was registers that {window.Site} mapped and {gone} unmapped",
                (WindowKind.User, null) => "it is a process's memory: use copy_to_user and copy_from_user",
                (WindowKind.User, { } gone) => $"it was a process's memory until {gone}",
                (_, { } gone) => $"use after free: allocated by {window.Site}, freed by {gone}",
                _ => $"out of bounds: it is the guard page of the {window.Bytes.ToString(CultureInfo.InvariantCulture)} bytes that {window.Site} allocated",
            };
            NativeMachine.Bug(ReportKind.Fault, $"Unable to handle kernel {(isWrite != 0 ? "write to" : "read from")} virtual address {virt:x} (host {(nuint)address:x}): {what}", (nuint)address);
            thread.At = outer;
            return 1;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return 0;
        }
    }

    /// <summary><c>preempt_disable</c>, an interrupt handler's begin (1), and their ends (-1).</summary>
    /// <returns>How deep the thread is.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_atomic")]
    public static int Atomic(int change, CallSite* at)
    {
        try
        {
            var thread = ThreadState.Current;
            if (thread.AtomicDepth + change < 0)
            {
                var outer = thread.At;
                thread.At = at;
                NativeMachine.Bug(ReportKind.Context, "preempt_enable without preempt_disable: the count would be below 0");
                thread.At = outer;
                return 0;
            }
            return thread.AtomicDepth += change;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary><c>might_sleep</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_might_sleep")]
    public static void MightSleep(CallSite* at)
    {
        try
        {
            var thread = ThreadState.Current;
            if (thread.AtomicDepth == 0)
                return;
            var outer = thread.At;
            thread.At = at;
            NativeMachine.Bug(ReportKind.Context, "sleeping function called from invalid context");
            thread.At = outer;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary>The CPU that the thread runs on, or ran on last.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_smp_processor_id")]
    public static int ProcessorId(CallSite* at)
    {
        try
        {
            using var call = NativeMachine.Current.Enter(at);
            return call.Cpu.Number;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary>Lets time pass and gives the time in jiffies.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_tick")]
    public static ulong Tick(ulong jiffies, CallSite* at)
    {
        try
        {
            // Asking boots nothing: the log asks as well, after the end.
            if (jiffies == 0)
                return (ulong)(NativeMachine.Running?.Checks.Clock.Jiffies ?? 0);
            var clock = NativeMachine.Current.Checks.Clock;
            if (jiffies <= long.MaxValue)
                clock.Tick((long)jiffies);
            return (ulong)clock.Jiffies;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return 0;
        }
    }

    /// <summary>A text of the machine: <c>log</c> for the boot log, a file of /proc, or <c>next</c> for the next line that the kernel logged.</summary>
    /// <param name="name">Which.</param>
    /// <param name="into">Room for it and a zero; may be null with 0 bytes.</param>
    /// <param name="size">Bytes of room.</param>
    /// <param name="at">The call.</param>
    /// <returns>Bytes of the whole text without the zero, as snprintf; -EINVAL where there is no such text.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_read_proc")]
    public static long ReadProc(byte* name, byte* into, nuint size, CallSite* at)
    {
        try
        {
            if (name == null || (into == null && size != 0))
                return Caught.Einval;
            var which = Marshal.PtrToStringUTF8((nint)name) ?? "";
            string? text;
            if (which == "next")
                text = Log.Take();
            else if (which == "log")
                text = string.Join('\n', NativeMachine.Current.Booted.LogLines()) + "\n";
            else if (which == "slabinfo")
                text = Runtime.Proc.SlabInfoTable.Of(NativeMachine.Current.Objects)?.ToString();
            else
                text = Runtime.Proc.ProcFiles.Names.Contains(which) ? NativeMachine.Current.Booted.Proc.Read(which) : null;
            if (text is null)
                return Caught.Einval;
            var bytes = Encoding.UTF8.GetBytes(text);
            if (size != 0)
            {
                var copied = (int)Math.Min((ulong)bytes.Length, size - 1);
                bytes.AsSpan(0, copied).CopyTo(new Span<byte>(into, copied));
                into[copied] = 0;
            }
            return bytes.Length;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    private static byte* CString(string text)
    {
        var bytes = Encoding.UTF8.GetByteCount(text);
        var memory = (byte*)NativeMemory.Alloc((nuint)bytes + 1);
        Encoding.UTF8.GetBytes(text, new Span<byte>(memory, bytes));
        memory[bytes] = 0;
        return memory;
    }
}
