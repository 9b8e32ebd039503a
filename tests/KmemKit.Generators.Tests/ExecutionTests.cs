using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.Loader;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Generators.Tests.Harness;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>Generated code is loaded and run: what it answers is what layout and linear map answer.</summary>
[TestFixture]
internal sealed class ExecutionTests
{
    private static readonly string[] Boards =
    [
        "qcom/msm8974", "qcom/msm8974-dont-map-hole", "qcom/msm8974-vmalloc-saving", "qcom/msm7x30", "qcom/apq8016-sbc", "pc/pc-32", "pc/pc-pae", "pc/pc-64",
        "qemu/virt-cortex-a15", "qemu/virt-cortex-a53", "qemu/mps2-an385", "qemu/mps2-an505", "qemu/integratorcp-arm946",
        "qemu/mps2-an386", "qemu/mps2-an500", "qemu/mps3-an547", "qemu/zcu102-rpu", "qemu/virt-riscv32", "qemu/virt-riscv64",
    ];

    internal static readonly string[] ProtectedBoards =
    [
        "qemu/mps2-an385", "qemu/mps2-an386", "qemu/mps2-an500", "qemu/mps2-an505", "qemu/mps3-an547", "qemu/zcu102-rpu", "qemu/virt-riscv32", "qemu/virt-riscv64",
        "qemu/integratorcp-arm946",
    ];

    [TestCaseSource(nameof(Boards))]
    public void Generated_type_says_what_the_layout_says(string board)
    {
        var type = Load(board, out var layout);
        typeof(ExecutionTests).GetMethod(nameof(AssertEqual), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [layout], null);
    }

    [TestCaseSource(nameof(Boards))]
    public void Generated_translation_is_the_linear_map_at_every_edge(string board)
    {
        var type = Load(board, out var layout);
        typeof(ExecutionTests).GetMethod(nameof(AssertTranslates), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [layout], null);
    }

    [TestCaseSource(nameof(Boards))]
    public void Generated_definition_compiles_to_the_same_board(string board)
    {
        var type = Load(board, out _);
        typeof(ExecutionTests).GetMethod(nameof(AssertDefines), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [Compile(board)], null);
    }

    [TestCaseSource(nameof(ProtectedBoards))]
    public void Generated_region_tables_are_the_plan(string board)
    {
        var type = Load(board, out _);
        typeof(ExecutionTests).GetMethod(nameof(AssertProtects), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [Compile(board)], null);
    }

    private static void AssertDefines<TBoard>(BoardCompilation compilation) where TBoard : struct, IBoard<TBoard>
    {
        var again = BoardDefinitions.Compile(TBoard.Definition);
        Assert.That(again.HasErrors, Is.False, string.Join('\n', again.Diagnostics));
        // Places in files aside.
        Assert.That(again.Layout!.Holes.Select(h => (h.Range, h.Kind)), Is.EqualTo(compilation.Layout!.Holes.Select(h => (h.Range, h.Kind))));
        Assert.That(again.Layout!.Linear.Segments, Is.EqualTo(compilation.Layout!.Linear.Segments));
        Assert.That(again.Layout!.Messages, Is.EqualTo(compilation.Layout!.Messages));
        Assert.That(again.Layout!.Banks.Select(b => (b.Range, b.Kind)), Is.EqualTo(compilation.Layout!.Banks.Select(b => (b.Range, b.Kind))));
        Assert.That(again.Layout!.Reserved.Select(r => (r.Range, r.Region.NodePath, r.Region.NoMap)), Is.EqualTo(compilation.Layout!.Reserved.Select(r => (r.Range, r.Region.NodePath, r.Region.NoMap))));
        Assert.That(again.Layout!.Zones, Is.EqualTo(compilation.Layout!.Zones));
        Assert.That(KernelBlockWriter.Write(again.Layout!), Is.EqualTo(KernelBlockWriter.Write(compilation.Layout!)));
        // Tables and regions too: everything that is decided behind the layout.
        var (tables, tablesAgain) = (PageTablePlanner.Plan(compilation.Layout!).Plan, PageTablePlanner.Plan(again.Layout!).Plan);
        Assert.That(tablesAgain is null, Is.EqualTo(tables is null));
        if (tables is not null)
            Assert.That(TableImage.Write(tablesAgain!), Is.EqualTo(TableImage.Write(tables)));
        Assert.That(again.MpuPlan?.Domains.Length, Is.EqualTo(compilation.MpuPlan?.Domains.Length));
        Assert.That(again.Board!.Devices.Select(d => (d.NodePath, string.Join(",", d.Labels), string.Join(",", d.Ranges.Select(r => r.Range)))),
            Is.EqualTo(compilation.Board!.Devices.Select(d => (d.NodePath, string.Join(",", d.Labels), string.Join(",", d.Ranges.Select(r => r.Range))))));
    }

    private static void AssertProtects<TBoard>(BoardCompilation compilation) where TBoard : struct, IProtectedBoard<TBoard>
    {
        var (plan, policy, mpu) = (compilation.MpuPlan!, compilation.Board!.Protection!, TBoard.MpuPlan);
        Assert.That((mpu.Format.Name, mpu.Format.Granule), Is.EqualTo((plan.Mpu.Format.Name, plan.Mpu.Format.Granule)));
        Assert.That((mpu.RegionCount, mpu.Used, mpu.LowerBound, mpu.WasteBytes), Is.EqualTo((plan.Mpu.RegionCount!.Value, plan.Used, plan.LowerBound, plan.WasteBytes)));
        Assert.That(mpu.PrivilegedBackground, Is.EqualTo(plan.PrivilegedBackground));
        Assert.That(mpu.Static, Is.EqualTo(plan.Static.Select(r => r.Region)));
        Assert.That(mpu.Domains.Select(d => d.Name), Is.EqualTo(plan.Domains.Select(d => d.Name ?? "")));
        Assert.That(mpu.Entries.Select(e => (e.Name, e.Range, e.Attributes)), Is.EqualTo(policy.Entries.Select(e => (e.Name, e.Range, e.Attributes))));
        foreach (var domain in mpu.Domains)
        {
            var name = domain.Name.Length == 0 ? null : domain.Name;
            Assert.That(domain.Regions, Is.EqualTo(plan.Domains.Single(d => d.Name == name).Regions.Select(r => r.Region)));
            if (name is not null)
                Assert.That(domain.Entries.Select(e => (e.Name, e.Range, e.Attributes)), Is.EqualTo(policy.DomainOf(name).Entries.Select(e => (e.Name, e.Range, e.Attributes))));
            // The registers are data: they have to be what the format says of the regions.
            var encoded = mpu.Format.Encode(mpu.Static.Concat(domain.Regions), mpu.PrivilegedBackground);
            Assert.That(domain.Registers.Shared, Is.EqualTo(encoded.Shared));
            Assert.That(domain.Registers.Regions.Select(r => (r.Number, r.Space, string.Join(" ", r.Values))), Is.EqualTo(encoded.Regions.Select(r => (r.Number, r.Space, string.Join(" ", r.Values)))));
            Assert.That(mpu.VerifyProgrammed(domain.Name, encoded), Is.Empty);
        }
        var member = typeof(TBoard).GetNestedType("Domains")!.GetProperties().Select(p => (BoardDomain)p.GetValue(null)!).ToArray();
        Assert.That(member, Is.EqualTo(mpu.Domains));
    }

    private static void AssertEqual<TBoard>(MemoryLayout layout) where TBoard : struct, IBoard<TBoard>
    {
        Assert.That(TBoard.Name, Is.EqualTo(layout.Board.Name));
        Assert.That(TBoard.Model, Is.EqualTo(layout.Board.Model));
        Assert.That(TBoard.Compatible.ToArray(), Is.EqualTo(layout.Board.Compatible));
        Assert.That(TBoard.Profile, Is.EqualTo(layout.Profile));
        Assert.That(TBoard.Pages, Is.EqualTo(layout.Pages));
        Assert.That(TBoard.PhysOffset, Is.EqualTo(layout.PhysOffset));
        Assert.That(TBoard.PageOffset, Is.EqualTo(layout.PageOffset));
        Assert.That(TBoard.LowmemLimit, Is.EqualTo(layout.LowmemLimit));
        Assert.That(TBoard.HighMemory, Is.EqualTo(layout.HighMemory));
        Assert.That(TBoard.Banks.ToArray(), Is.EqualTo(layout.Banks.Select(b => new BoardBank(b.Range, b.Kind == BankKind.Highmem))));
        Assert.That(TBoard.Holes.ToArray().Select(h => (h.Range, h.Kind.ToString())), Is.EqualTo(layout.Holes.Select(h => (h.Range, h.Kind.ToString()))));
        Assert.That(TBoard.VirtualRanges.ToArray(), Is.EqualTo(layout.Virtual.Select(v => new BoardVirtualRange(v.Name, v.Range))));
        Assert.That(TBoard.Zones.ToArray(), Is.EqualTo(layout.Zones.Select(z => new BoardZone(z.Name, z.Node, z.Start, z.Spanned, z.Present))));
        Assert.That(TBoard.Segments.ToArray(), Is.EqualTo(layout.Linear.Segments.Select(s => new BoardSegment(s.Phys, s.Virt, s.Size))));
        Assert.That(TBoard.Reserved.ToArray(), Is.EqualTo(layout.Reserved.Select(r => new BoardReservation(
            r.Region.Name, r.Region.NodePath, r.Range, r.Region.NoMap, r.Region.Reusable))));
        foreach (var message in layout.Messages)
            Assert.That(TBoard.BootLog, Does.Contain(message + "\n"));
        AssertDevices(typeof(TBoard), layout);
        AssertVmalloc(typeof(TBoard), layout);
    }

    private static void AssertVmalloc(Type type, MemoryLayout layout)
    {
        var range = layout.Virtual.FirstOrDefault(v => v.Name == "vmalloc")?.Range;
        if (type.GetInterfaces().Any(i => i.GetGenericTypeDefinition() == typeof(IMmuBoard<>)) && range is { } vmalloc)
        {
            Assert.That(type.GetProperty("VmallocStart")!.GetValue(null), Is.EqualTo(vmalloc.Start));
            Assert.That(type.GetProperty("VmallocEnd")!.GetValue(null), Is.EqualTo(vmalloc.End));
        }
    }

    private static void AssertDevices(Type type, MemoryLayout layout)
    {
        var devices = type.GetNestedType("Devices")!;
        var ranges = layout.Board.Devices.SelectMany(d => d.Ranges.Select(r => (d.NodePath, r.Range))).ToArray();
        Assert.That(devices.GetField("Count")!.GetValue(null), Is.EqualTo(ranges.Length));
        var path = devices.GetMethod("PathOf")!.CreateDelegate<Func<int, string>>();
        var bases = devices.GetProperty("Bases")!.GetMethod!.CreateDelegate<Column>()();
        var sizes = devices.GetProperty("Sizes")!.GetMethod!.CreateDelegate<Column>()();
        for (var i = 0; i < ranges.Length; i++)
            Assert.That((path(i), new PhysRange(new PhysAddr(bases[i]), sizes[i])), Is.EqualTo(ranges[i]));
        var members = devices.GetProperties().Where(p => p.PropertyType == typeof(DeviceRegion)).Select(p => (DeviceRegion)p.GetValue(null)!).ToArray();
        foreach (var device in layout.Board.Devices)
        {
            // Every label has a member for every range.
            Assert.That(members.Count(m => m.Path == device.NodePath), Is.EqualTo(device.Labels.Length * device.Ranges.Length), device.NodePath);
        }
    }

    private delegate ReadOnlySpan<ulong> Column();

    private static void AssertTranslates<TBoard>(MemoryLayout layout) where TBoard : struct, IBoard<TBoard>
    {
        var map = layout.Linear;
        ulong[] edges =
        [
            0, 1, 0xffffffff, 0x100000000, ulong.MaxValue,
            .. layout.Banks.SelectMany(b => Around(b.Range.Start.Value, b.Range.End)), .. layout.Holes.SelectMany(h => Around(h.Range.Start.Value, h.Range.End)),
            .. layout.Virtual.SelectMany(v => Around(v.Range.Start.Value, v.Range.End)),
            .. map.Segments.SelectMany(s => Around(s.Phys.Value, s.PhysRange.End)), .. map.Segments.SelectMany(s => Around(s.Virt.Value, s.VirtRange.End)),
            .. map.Ram.SelectMany(r => Around(r.Start.Value, r.End)),
        ];
        foreach (var edge in edges.Distinct())
        {
            var isRam = map.PhysToVirt(new PhysAddr(edge), out var virt) == TranslationStatus.Ok;
            Assert.That(TBoard.TryPhysToVirt(new PhysAddr(edge), out var virtual_), Is.EqualTo(isRam), $"phys 0x{edge:x}");
            Assert.That(virtual_, Is.EqualTo(isRam ? virt : default), $"phys 0x{edge:x}");
            if (isRam)
                Assert.That(TBoard.PhysToVirt(new PhysAddr(edge)), Is.EqualTo(virt), $"phys 0x{edge:x}");

            var isMapped = map.VirtToPhys(new VirtAddr(edge), out var phys) == TranslationStatus.Ok;
            Assert.That(TBoard.TryVirtToPhys(new VirtAddr(edge), out var physical), Is.EqualTo(isMapped), $"virt 0x{edge:x}");
            Assert.That(physical, Is.EqualTo(isMapped ? phys : default), $"virt 0x{edge:x}");
            if (isMapped)
                Assert.That(TBoard.VirtToPhys(new VirtAddr(edge)), Is.EqualTo(phys), $"virt 0x{edge:x}");
        }
    }

    // Just outside, first, last, just outside.
    private static ulong[] Around(ulong start, AddressLimit end) =>
        unchecked([start - 1, start, start + 1, end.Wrapped - 2, end.Wrapped - 1, end.Wrapped, end.Wrapped + 1]);

    internal static Type Load(string board, out MemoryLayout layout)
    {
        var project = new GeneratorProject().Repository(board).Run();
        using var image = new MemoryStream();
        var emitted = project.Output.Emit(image);
        Assert.That(emitted.Success, string.Join("\n", project.Result.Diagnostics.Concat(emitted.Diagnostics)));
        image.Position = 0;
        var assembly = new AssemblyLoadContext(board, isCollectible: true).LoadFromStream(image);
        layout = Compile(board).Layout!;
        return assembly.GetTypes().Single(t => t.Namespace == "Boards" && t.IsValueType && !t.IsNested);
    }

    // What the library says, from the files themselves.
    internal static BoardCompilation Compile(string board)
    {
        var result = RepositoryBoards.Compile(board);
        return result.Layout is not null ? result : throw new InvalidOperationException(string.Join("\n", result.Diagnostics));
    }
}
