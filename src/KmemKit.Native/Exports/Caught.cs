using System;
using System.Diagnostics.CodeAnalysis;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Highmem;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Native.Exports;

/// <summary>Turns what the runtime throws into a report and an error number: no exception leaves the library.</summary>
internal static unsafe class Caught
{
    /// <summary>-EIO.</summary>
    public const int Eio = -5;

    /// <summary>-ENOMEM.</summary>
    public const int Enomem = -12;

    /// <summary>-EFAULT.</summary>
    public const int Efault = -14;

    /// <summary>-EBUSY.</summary>
    public const int Ebusy = -16;

    /// <summary>-ENODEV.</summary>
    public const int Enodev = -19;

    /// <summary>-EINVAL.</summary>
    public const int Einval = -22;

    /// <summary>Reports an exception at a call.</summary>
    /// <returns>The error number.</returns>
    public static int Report(CallSite* at, Exception exception)
    {
        var thread = ThreadState.Current;
        var outer = thread.At;
        thread.At = at;
        try
        {
            var (kind, number) = KindOf(exception);
            var cpu = Math.Max(thread.LastCpu, 0);
            var text = kind switch
            {
                ReportKind.Panic => WarningText.Bug(thread.Site, cpu, thread.Number, $"Kernel panic - not syncing: {exception.Message}"),
                // Where the kernel warns and goes on.
                ReportKind.Ioremap or ReportKind.Resource => WarningText.Warn(thread.Site, cpu, thread.Number, exception.Message),
                _ => WarningText.Bug(thread.Site, cpu, thread.Number, kind == ReportKind.Internal ? exception.ToString() : exception.Message),
            };
            thread.Report(new NativeReport(kind, text, thread.Site, 0));
            return number;
        }
        finally
        {
            thread.At = outer;
        }
    }

    private static (ReportKind Kind, int Number) KindOf(Exception exception) => exception switch
    {
        PageErrorException => (ReportKind.Page, Einval),
        ObjectErrorException => (ReportKind.Object, Einval),
        VmallocException => (ReportKind.Vmalloc, Einval),
        IoremapException => (ReportKind.Ioremap, Einval),
        ResourceException => (ReportKind.Resource, Einval),
        BusFaultException => (ReportKind.Io, Eio),
        KmapException => (ReportKind.Context, Einval),
        OutOfMemoryPanicException => (ReportKind.Panic, Enomem),
        MemoryBootException or PhysicalMemoryException or InsufficientMemoryException or OutOfMemoryException => (ReportKind.Panic, Enomem),
        _ => (ReportKind.Internal, Einval),
    };
}
