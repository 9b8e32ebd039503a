using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu.V2;
using KmemKit.Runtime.Smmu.V2.Driver;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Smmu.V3.Driver;

namespace KmemKit.Runtime.Smmu.Boards;

/// <summary>Turns an SMMU of a board on: every stream is aborted until it is attached.</summary>
internal static class SmmuStart
{
    // A stream table of one level is as small as that; the first level of the largest with two has 1 MiB, as Linux has it (STRTAB_L1_SZ_SHIFT).
    private const int FewestStreamBits = 8, MostStreamBits = 25;

    private static readonly int[] s_granules = [12, 14, 16];

    /// <exception cref="InsufficientMemoryException">There are no pages for its tables and queues.</exception>
    public static RunningSmmu Start(SmmuPlan plan, Cpu cpu, PhysicalMemory memory)
    {
        if (plan.Smmu.Version == SmmuVersion.V2)
        {
            var second = new SmmuV2(memory, plan.Smmu.V2);
            return new RunningSmmu(plan.Smmu, second, SmmuV2Driver.Start(second, plan.Smmu.StreamMatchMask));
        }
        var third = new SmmuV3(memory, FeaturesOf(plan));
        return new RunningSmmu(plan.Smmu, third, SmmuV3Driver.Start(cpu, memory, third));
    }

    /// <summary>Log2 of the granule for its address spaces: the board's page where the SMMU has it, else its smallest.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public static int GranuleOf(BoardSmmu smmu, int pageShift) => smmu.HasGranule(pageShift) ? pageShift
        : s_granules.Where(smmu.HasGranule).Cast<int?>().FirstOrDefault() ?? throw new InvalidOperationException($"{smmu.Name} has no granule.");

    // The board's, without what the model does not have, and with a stream table that reaches as far as the board's masters: a driver that knows them makes no larger one.
    private static Architecture.Smmu.V3.SmmuV3Features FeaturesOf(SmmuPlan plan)
    {
        var highest = plan.Masters.SelectMany(m => m.Streams).Select(s => s.Last).DefaultIfEmpty().Max();
        var bits = Math.Clamp(32 - BitOperations.LeadingZeroCount(highest), FewestStreamBits, MostStreamBits);
        return plan.Smmu.V3 with { StreamIdBits = Math.Min(plan.Smmu.V3.StreamIdBits, bits), HardwareUpdate = 0, AArch32Tables = false, Ats = false };
    }
}
