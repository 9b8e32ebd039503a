using System;
using KmemKit.Native.Exports;
using KmemKit.Native.Machine;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>Lines of the log that no C code wrote: the call in which one arose tells the C side to look, and it finds them in their order.</summary>
internal sealed unsafe class LogTests : EntryPointFixture
{
    private const GfpFlags Unknown = unchecked((GfpFlags)(1u << 31));

    private static readonly delegate* unmanaged<nuint, GfpFlags, CallSite*, void*> s_kmalloc = &SlabExports.Kmalloc;
    private static readonly delegate* unmanaged<void*, CallSite*, void> s_kfree = &SlabExports.Kfree;

    [SetUp]
    public void UseBoard()
    {
        var layout = TestBoards.Arm64("memory@40000000 { device_type = \"memory\"; reg = <0x0 0x40000000 0x0 0x4000000>; };");
        NativeBoard.Use(() => layout);
        while (Log.Take() is not null)
        {
        }
    }

    [Test]
    public void A_call_that_logs_has_the_C_side_look_and_reports_nothing()
    {
        var at = default(CallSite);
        var item = s_kmalloc(100, GfpFlags.Kernel | Unknown, &at);
        Assert.That((item != null, at.Reports, ThreadState.Current.Pending.Count), Is.EqualTo((true, 1, 0)), Texts());
        Assert.That(Log.Take(), Does.StartWith("Unexpected gfp: 0x80"));
        Assert.That(Log.Take(), Is.Null);
        s_kfree(item, &at);
    }

    [Test]
    public void A_request_that_fails_is_logged_and_no_report()
    {
        var at = default(CallSite);
        Assert.That(s_kmalloc(4 << 20, GfpFlags.Kernel, &at) != null, Is.True, "4 MiB of 64 are there");
        while (at.Reports == 0 && s_kmalloc(4 << 20, GfpFlags.Kernel, &at) != null)
        {
        }
        Assert.That((at.Reports, ThreadState.Current.Pending.Count), Is.EqualTo((1, 0)), Texts());
        Assert.That(Log.Take(), Does.StartWith("page allocation failure: order:10"));
        Assert.That(Log.Take(), Is.Null);
    }

    [Test]
    public void Lines_do_not_hide_how_many_reports_wait_and_come_in_their_order()
    {
        var at = default(CallSite);
        var item = s_kmalloc(100, GfpFlags.Kernel, &at);
        s_kfree(item, &at);
        Assert.That(at.Reports, Is.Zero, Texts());
        s_kfree(item, &at);
        s_kfree(item, &at);
        Assert.That((at.Reports, ThreadState.Current.Pending.Count), Is.EqualTo((2, 2)), Texts());
        s_kfree(s_kmalloc(32, GfpFlags.Kernel | Unknown, &at), &at);
        s_kfree(s_kmalloc(32, GfpFlags.Atomic | Unknown, &at), &at);
        Assert.That((at.Reports, ThreadState.Current.Pending.Count), Is.EqualTo((2, 2)), Texts());
        Assert.That((Log.Take(), Log.Take(), Log.Take()), Is.EqualTo((Line(GfpFlags.Kernel), Line(GfpFlags.Atomic), (string?)null)));

        static string Line(GfpFlags known) =>
            FormattableString.Invariant($"Unexpected gfp: 0x{unchecked((uint)(known | Unknown)):x}. Fixing up to gfp: 0x{(uint)known:x} ({known}). Fix your code!");
    }
}
