using BenchmarkDotNet.Running;

namespace KmemKit.Benchmarks;

/// <summary>
/// <c>dotnet run -c Release --project tests/KmemKit.Benchmarks -- --filter '*'</c> runs all; <c>--list flat</c> names them;
/// <c>--paired</c> alone compares the translations with the kernel's macros in turns, <c>--pages</c> the page allocator with malloc; a further word (pairs, threads, fill, mixed, sizes, granules, boot) picks one part;
/// <c>--slab</c> object caches and kmalloc with malloc, mimalloc and jemalloc; a further word picks the rows that contain it;
/// <c>--slab-checks</c>, with the same, what the checks of object caches cost, <c>--tables</c> page tables, walks and the CPU port with the same loops in C
/// (<c>changes</c>, <c>growth</c> or <c>walks</c> behind it for a part); <c>--mpu</c> a domain switch that writes
/// what differs with one that writes all, <c>--mpu plan</c> how long plans take; <c>--smmu</c> the DMA API over an SMMU with calls of page tables, plain reads and copies
/// (<c>pairs</c>, <c>scatter</c>, <c>reads</c> or <c>iova</c> behind it for a part; <c>pairs</c> in both ways in which the JIT may have compiled the code); <c>--conformance</c> how long the proof of each board takes
/// (<c>quick</c> or <c>full</c> behind it for the budget, a board for the time of each of its rules).
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["--paired"])
        {
            Translation.PairedComparison.Run();
            return 0;
        }
        if (arguments is ["--pages", ..])
        {
            PageAllocation.PairedPages.Run(arguments.Length > 1 ? arguments[1] : null);
            return 0;
        }
        if (arguments is ["--slab", ..])
        {
            SlabAllocation.PairedSlab.Run(arguments.Length > 1 ? arguments[1] : null);
            return 0;
        }
        if (arguments is ["--slab-checks", ..])
        {
            SlabAllocation.PairedChecks.Run(arguments.Length > 1 ? arguments[1] : null);
            return 0;
        }
        if (arguments is ["--tables", ..])
        {
            PageTables.PairedTables.Run(arguments.Length > 1 ? arguments[1] : null);
            return 0;
        }
        if (arguments is ["--smmu", "pairs", JitModes.Here])
        {
            Smmu.PairedSmmu.RunHere("pairs", "pairs");
            return 0;
        }
        if (arguments is ["--smmu", ..])
            return Smmu.PairedSmmu.Run(arguments.Length > 1 ? arguments[1] : null);
        if (arguments is ["--mpu", "plan", ..])
        {
            Protection.PlanningTimes.Run(arguments.Length > 2 ? arguments[2] : null);
            return 0;
        }
        if (arguments is ["--mpu"])
        {
            Protection.PairedSwitch.Run();
            return 0;
        }
        if (arguments is ["--conformance", _, _, Conformance.BoardTimes.Here, _])
            return Conformance.BoardTimes.RunHere(arguments[1], arguments[2], arguments[4] == "all");
        if (arguments is ["--conformance", ..])
            return Conformance.BoardTimes.Run(arguments.Length > 1 ? arguments[1] : "quick", arguments.Length > 2 ? arguments[2] : null);
        foreach (var summary in BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments))
        {
            if (summary.HasCriticalValidationErrors)
                return 1;
        }
        return 0;
    }
}
