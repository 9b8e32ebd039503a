using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>Stream mapping groups, context banks and register values of an SMMUv2 (Arm IHI 0062). Streams that no group matches, or two, fault (sCR0.USFCFG, SMCFCFG).</summary>
internal static class SmmuV2Planner
{
    public static SmmuPlan Plan(SmmuPlan smmu, DiagnosticBag diagnostics)
    {
        var features = smmu.Smmu.V2;
        smmu = smmu with { Contexts = Banks(smmu, diagnostics) };
        var groups = Groups(smmu).ToList();
        var needed = features.StreamMatching || groups.Count == 0 ? groups.Count : (int)groups.Max(g => g.Match.Id) + 1;
        if (needed > features.StreamMappingGroups || (!features.StreamMatching && groups.Any(g => g.Match.Mask != 0)))
            diagnostics.Add(Rules.TooManyGroups, smmu.Smmu.Span, smmu.Smmu.Name, needed, features.StreamMappingGroups);
        if (diagnostics.HasErrors)
            return smmu;
        smmu = smmu with { Groups = [.. groups] };
        return smmu with { Registers = Registers(smmu) };
    }

    // The first NUMS2CB banks have no stage 1.
    private static ImmutableArray<StreamContext> Banks(SmmuPlan smmu, DiagnosticBag diagnostics)
    {
        var features = smmu.Smmu.V2;
        var contexts = smmu.Contexts.ToArray();
        var free = new SortedSet<int>(Enumerable.Range(0, features.ContextBanks));
        for (var i = 0; i < contexts.Length; i++)
        {
            var candidates = contexts[i].Translation == StreamTranslation.Stage1 ? free.Where(b => b >= features.Stage2Banks) : free;
            if (!candidates.Any())
            {
                diagnostics.Add(Rules.TooManyContexts, smmu.Smmu.Span, smmu.Smmu.Name, contexts.Length, features.ContextBanks);
                break;
            }
            contexts[i] = contexts[i] with { Bank = candidates.First() };
            free.Remove(contexts[i].Bank);
        }
        return [.. contexts];
    }

    private static IEnumerable<StreamMappingGroup> Groups(SmmuPlan smmu)
    {
        var all = smmu.Smmu.V2.StreamMatching
            ? smmu.Bindings.GroupBy(b => (b.Translation, b.Context)).SelectMany(g => StreamMatchPlanner.Join(g.Select(b => b.Stream)).Select(m => (m.Id, m.Mask, Binding: g.First())))
            : smmu.Bindings.SelectMany(b => Enumerable.Range(0, (int)b.Stream.Count).Select(i => (Id: b.Stream.First + (uint)i, b.Stream.Mask, Binding: b)));
        foreach (var (id, mask, binding) in all.OrderBy(g => g.Id).ThenBy(g => g.Mask))
        {
            var target = binding.Translation == StreamTranslation.Bypass ? StreamToContextRegister.Bypass : StreamToContextRegister.Translate(smmu.Contexts[binding.Context].Bank);
            yield return new StreamMappingGroup(StreamMatchRegister.Matching(id, mask), target, binding);
        }
    }

    private static ImmutableArray<SmmuRegister> Registers(SmmuPlan smmu)
    {
        var features = smmu.Smmu.V2;
        var registers = ImmutableArray.CreateBuilder<SmmuRegister>();
        // Groups that are not used are written too: what was valid before would still match.
        for (var i = 0; i < features.StreamMappingGroups; i++)
        {
            StreamMappingGroup? group = features.StreamMatching ? i < smmu.Groups.Length ? smmu.Groups[i] : null : smmu.Groups.FirstOrDefault(g => g.Match.Id == i);
            Add($"S2CR{i}", (ulong)R.StreamToContext(i), 4, (group?.Target ?? StreamToContextRegister.Fault).Value, group is null);
            if (features.StreamMatching)
                Add($"SMR{i}", (ulong)R.StreamMatch(i), 4, group?.Match.Value ?? 0, group is null);
        }
        foreach (var context in smmu.Contexts.OrderBy(c => c.Bank))
            AddBank(context);
        Add("CR0", R.Cr0, 4, (uint)(SmmuV2Control.UnidentifiedStreamFault | SmmuV2Control.StreamMatchConflictFault | SmmuV2Control.GlobalFaultReport
            | SmmuV2Control.GlobalFaultInterrupt));
        return registers.ToImmutable();

        void AddBank(StreamContext context)
        {
            var isStage1 = context.Translation == StreamTranslation.Stage1;
            var format = context.Format;
            var granule = (uint)Stage2Geometry.GranuleCode(format.PageShift);
            var output = (uint)SmmuV3Features.AddressSizeCode(format.OutputBits);
            var page = features.BankOffset(context.Bank);
            var name = $"CB{context.Bank}";
            Add($"CBAR{context.Bank}", (ulong)R.BankAttribute(context.Bank, features.RegisterPageShift), 4,
                (isStage1 ? ContextBankAttribute.Stage1(0) : ContextBankAttribute.Stage2((byte)context.Tag)).Value);
            Add($"CBA2R{context.Bank}", (ulong)R.BankAttribute2(context.Bank, features.RegisterPageShift), 4, ContextBankAttribute2.AArch64().Value);
            Add(name + "_TCR", page + R.BankTcr, 4, isStage1
                ? ContextBankRegisters.Stage1Tcr(format.InputBits, granule, features.CoherentWalks)
                : ContextBankRegisters.Stage2Tcr(format.InputBits, granule, (uint)Stage2Geometry.StartLevelCode(format.PageShift, format.RootLevel), output, features.CoherentWalks));
            if (isStage1)
                Add(name + "_TCR2", page + R.BankTcr2, 4, ContextBankRegisters.Tcr2(output));
            Add(name + "_TTBR0", page + R.BankTtbr0, 8, context.Root.Value | (isStage1 ? (ulong)context.Tag << 48 : 0));
            if (format is IVmsav8Stage1 stage1)
            {
                Add(name + "_MAIR0", page + R.BankMair0, 4, stage1.Mair & uint.MaxValue);
                Add(name + "_MAIR1", page + R.BankMair1, 4, stage1.Mair >> 32);
            }
            Add(name + "_SCTLR", page + R.BankControl, 4, ContextBankRegisters.Control(isStage1));
        }

        void Add(string name, ulong offset, int size, ulong value, bool isIdle = false) => registers.Add(new SmmuRegister(name, offset, size, value, isIdle));
    }
}
