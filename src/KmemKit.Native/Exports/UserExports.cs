using System;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;

namespace KmemKit.Native.Exports;

/// <summary>A process's memory (include/linux/uaccess.h): pages of the board behind addresses that fault when the driver follows them itself.</summary>
internal static unsafe class UserExports
{
    /// <summary>Makes user memory, zeroed, as an mmap of a process does.</summary>
    /// <param name="size">Bytes; rounded up to pages.</param>
    /// <param name="isWritable">Whether the process, and so copy_to_user, may write it.</param>
    /// <param name="at">The call.</param>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_user_alloc")]
    public static void* UserAlloc(nuint size, int isWritable, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (size == 0 || size > machine.Booted.Memory.TotalBytes)
                return null;
            var pages = new Page[((size - 1) >> machine.Map.Pages.PageShift) + 1];
            var got = call.Cpu.AllocPagesBulk(GfpFlags.HighUser | GfpFlags.Zero, pages);
            if (got < pages.Length)
            {
                call.Cpu.FreePagesBulk(pages.AsSpan(0, got));
                return null;
            }
            var view = HostView.CreateFaulting((ulong)pages.Length << machine.Map.Pages.PageShift, machine.Map.Pages.PageSize);
            machine.Windows.Add(new HostWindow(WindowKind.User, view, (nuint)view.Base, size, new VirtAddr((nuint)view.Base), default, call.Site)
            {
                Pages = pages, IsWritable = isWritable != 0,
            });
            return view.Base;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary>Takes user memory away.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_user_free")]
    public static void UserFree(void* address, CallSite* at)
    {
        try
        {
            if (address == null)
                return;
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (machine.Windows.Find(address) is { Kind: WindowKind.User } window && window.Pointer == (nuint)address && machine.Windows.TryEnd(window, call.Site))
                call.Cpu.FreePagesBulk(window.Pages);
            else
                NativeMachine.Warn(ReportKind.Address, $"kmem_user_free of {(nuint)address:x16}: no user memory starts there", (nuint)address);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>copy_to_user</c>.</summary>
    /// <returns>Bytes that were not copied.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_copy_to_user")]
    public static nuint CopyToUser(void* to, void* from, nuint size, CallSite* at) => Copy(to, from, size, isWrite: true, at);

    /// <summary><c>copy_from_user</c>: what could not be read is zeroed.</summary>
    /// <returns>Bytes that were not copied.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_copy_from_user")]
    public static nuint CopyFromUser(void* to, void* from, nuint size, CallSite* at)
    {
        var left = Copy(from, to, size, isWrite: false, at);
        if (left != 0 && to != null && left <= size)
            NativeMemory.Clear((byte*)to + (size - left), left);
        return left;
    }

    /// <summary><c>clear_user</c>.</summary>
    /// <returns>Bytes that were not cleared.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_clear_user")]
    public static nuint ClearUser(void* to, nuint size, CallSite* at) => Copy(to, null, size, isWrite: true, at);

    // Page by page, as far as it goes. A null kernel pointer clears.
    private static nuint Copy(void* user, void* kernel, nuint size, bool isWrite, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (ThreadState.Current.AtomicDepth > 0)
                NativeMachine.Bug(ReportKind.Context, $"sleeping function called from invalid context: {(isWrite ? "copy_to_user" : "copy_from_user")} may sleep", (nuint)user);
            if (machine.Windows.Find(user) is not { Kind: WindowKind.User, Gone: null } window || (isWrite && !window.IsWritable))
                return size;
            var page = (nuint)machine.Map.Pages.PageSize;
            var offset = unchecked((nuint)user - window.Pointer);
            var end = (nuint)window.Pages.Length * page;
            // In a guard.
            if (offset >= end)
                return size;
            nuint done = 0;
            while (done < size && offset + done < end)
            {
                var position = offset + done;
                var within = position & (page - 1);
                var step = Math.Min(page - within, size - done);
                var memory = machine.Map.PageData(window.Pages[(int)(position / page)]) + within;
                if (kernel == null)
                    NativeMemory.Clear(memory, step);
                else if (isWrite)
                    NativeMemory.Copy((byte*)kernel + done, memory, step);
                else
                    NativeMemory.Copy(memory, (byte*)kernel + done, step);
                done += step;
            }
            return size - done;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return size;
        }
    }
}
