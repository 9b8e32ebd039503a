using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Boards;
using KmemKit.Conformance.Boards.Subjects;
using KmemKit.Conformance.Rules;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>What holds for the booted kernel of every board.</summary>
internal static unsafe class KernelRules
{
    // Blocks of a driver's probe, and free bytes that they fit into many times over.
    private const int ProbeBlocks = 40, RoomForProbe = 256 << 10;

    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        new("kernel-accounts-for-ram", "Kernel", "Behind boot every page of RAM is free, lent, or reserved, and the allocator's own lists agree.", Accounts),
        new("kernel-failslab-sweep", "Allocators", "Whichever allocation of a driver's probe fails, the first, the second, the third…, nothing is lost and nothing is damaged.", FailSlabSweep),
        new("boot-log", "BootLog", "The boot log is the one that the board's owner keeps.", BootLog),
        new("deterministic", "Determinism", "The same source compiles to the same bytes, and (but for a quick run) boots to the same log.", Deterministic),
    ];

    private static void Accounts(BoardSubject board, Proof proof)
    {
        using var memory = BootedMemory.Boot(board.Layout);
        var balance = memory.Statistics.Balance;
        var present = board.Layout.Zones.Aggregate(0UL, (sum, z) => sum + z.Present);
        proof.Expect(balance.Present == present, null, $"{present} pages present, as the zones have", $"{balance.Present}");
        proof.Expect(balance.Available + balance.Cma <= balance.Present, null, $"no more than {balance.Present} pages given to the page allocator", $"{balance.Available + balance.Cma}");
        var managed = memory.Allocator.Zones.Aggregate(0UL, (sum, z) => sum + z.ManagedPages);
        proof.Expect(managed == balance.Available + balance.Cma, null, $"{balance.Available + balance.Cma} pages managed", $"{managed}");
        var free = BoardPages.FreePagesOf(memory);
        proof.Expect(free == managed, null, $"all {managed} managed pages free behind boot", $"{free}");
        memory.Allocator.Verify();
        proof.Count();
    }

    private static void FailSlabSweep(BoardSubject board, Proof proof)
    {
        using var memory = BootedMemory.Boot(board.Layout);
        using var checks = new MemoryChecks(new MemoryCheckOptions());
        using var objects = ObjectAllocator.Boot(board.Layout, memory.Memory, memory.Allocator, new ObjectAllocatorOptions { Debugger = checks });
        // As much as the board has room for while nothing fails on purpose: all of it, but on a microcontroller.
        var isLarge = BoardPages.FreePagesOf(memory) * board.Layout.Pages.PageSize >= RoomForProbe;
        var room = Probe(memory, objects, ProbeBlocks, proof);
        proof.Expect(room == ProbeBlocks || !isLarge, null, $"a probe that has all {ProbeBlocks} blocks when nothing fails", $"{room}");
        if (room == 0)
        {
            proof.HasNothing("The board has no room for the first block of a driver.");
            return;
        }
        for (var nth = 1; nth <= proof.Budget.Sweep; nth++)
        {
            var injector = checks.FailSlab.Injector;
            var before = injector.Injected;
            injector.FailNth = nth;
            var succeeded = Probe(memory, objects, room, proof) == room;
            injector.FailNth = 0;
            var isLast = injector.Injected == before;
            proof.Expect(succeeded == isLast, null, isLast ? "a probe that succeeds when nothing fails" : $"a probe that fails when allocation {nth} does", succeeded ? "success" : "failure");
            if (isLast)
                return;
        }
        proof.Count();
    }

    // A driver's probe: descriptors, buffers of growing size, a zeroed table; on the first null it undoes what it has done. Tells how many blocks it had.
    private static int Probe(BootedMemory memory, ObjectAllocator objects, int blocks, Proof proof)
    {
        var cpu = memory.Allocator.Cpus[0];
        var taken = new List<(nint Item, int Size, byte Fill)>();
        for (var i = 0; i < blocks; i++)
        {
            var size = 16 + ((i * 97) % 2000);
            var item = i % 3 == 0 ? objects.Kzalloc(cpu, (nuint)size, GfpFlags.Kernel) : objects.Kmalloc(cpu, (nuint)size, GfpFlags.Kernel);
            if (item is null)
                break;
            var bytes = new Span<byte>(item, size);
            if (i % 3 == 0)
                proof.Expect(bytes.IndexOfAnyExcept((byte)0) < 0, objects.AddressOf(item)?.Value, "zeroes from kzalloc", "something else");
            bytes.Fill((byte)(i + 1));
            taken.Add(((nint)item, size, (byte)(i + 1)));
        }
        foreach (var (item, size, fill) in taken)
        {
            proof.Expect(new ReadOnlySpan<byte>((void*)item, size).IndexOfAnyExcept(fill) < 0, objects.AddressOf((void*)item)?.Value, $"0x{fill:x2} in all {size} bytes of a block", "something else");
            objects.Kfree(cpu, (void*)item);
        }
        return taken.Count;
    }

    private static void BootLog(BoardSubject board, Proof proof)
    {
        if (board.BootLogBaseline is not { } file)
        {
            proof.HasNothing("No boot log is kept: override BootLogBaseline to keep one.");
            return;
        }
        using var memory = BootedMemory.Boot(board.Layout);
        var lines = memory.LogLines();
        if (!File.Exists(file) || Environment.GetEnvironmentVariable("UPDATE_BASELINES") == "1")
        {
            if (Environment.GetEnvironmentVariable("UPDATE_BASELINES") != "1")
            {
                proof.Fail(null, $"the boot log in {Path.GetFileName(file)}", "no such file; UPDATE_BASELINES=1 writes it");
                return;
            }
            File.WriteAllText(file, string.Concat(lines.Select(l => l + "\n")));
            proof.Count(lines.Length);
            return;
        }
        var kept = File.ReadAllText(file).Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var made = lines.SelectMany(l => l.Split('\n', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        for (var i = 0; i < Math.Max(kept.Length, made.Length); i++)
        {
            var (expected, found) = (i < kept.Length ? kept[i] : "the end", i < made.Length ? made[i] : "the end");
            proof.Expect(expected == found, null, $"line {i + 1}: {expected}", found, $"{Path.GetFileName(file)}:{i + 1}");
        }
    }

    private static void Deterministic(BoardSubject board, Proof proof)
    {
        var again = ArtifactSet.Write(BoardPipeline.Compile(board.Input));
        proof.Expect(again.Length == board.Artifacts.Length, null, $"{board.Artifacts.Length} files", $"{again.Length}");
        foreach (var (first, second) in board.Artifacts.Zip(again))
        {
            var at = first.Bytes.AsSpan().CommonPrefixLength(second.Bytes.AsSpan());
            proof.Expect(first.FileName == second.FileName && first.Bytes.AsSpan().SequenceEqual(second.Bytes.AsSpan()), null, $"{first.FileName} byte for byte", $"{second.FileName} with another byte {at}");
        }
        if (proof.Budget.IsQuick)
            return;
        string Log()
        {
            using var memory = BootedMemory.Boot(board.Layout);
            return string.Join('\n', memory.LogLines());
        }
        proof.Expect(Log() == Log(), null, "the same boot log twice", "another");
    }
}
