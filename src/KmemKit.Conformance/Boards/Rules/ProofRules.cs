using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Boards;
using KmemKit.Conformance.Allocators;
using KmemKit.Conformance.Boards.Subjects;
using KmemKit.Conformance.Protections;
using KmemKit.Conformance.Rules;
using KmemKit.Conformance.Translations;
using KmemKit.Runtime.Mpu;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>The suites of translations, protection units and allocators, put to every part of a board that they are about.</summary>
internal static class ProofRules
{
    public static ImmutableArray<Rule<BoardSubject>> Translation { get; } =
        [.. TranslationRules.All.Select(inner => new Rule<BoardSubject>(inner.Id, inner.Category, inner.Says, (board, proof) => Translate(inner, board, proof)))];

    public static ImmutableArray<Rule<BoardSubject>> Protection { get; } =
        [.. ProtectionRules.All.Select(inner => new Rule<BoardSubject>(inner.Id, inner.Category, inner.Says, (board, proof) => Protect(inner, board, proof)))];

    public static ImmutableArray<Rule<BoardSubject>> Allocators { get; } =
        [.. AllocatorRules.All.Select(inner => new Rule<BoardSubject>(inner.Id, inner.Category, inner.Says, (board, proof) => Allocate(inner, board, proof)))];

    // Linear map, generated C#, C header and page tables: each against the banks and segments of the layout.
    private static void Translate(Rule<TranslationContext> inner, BoardSubject board, Proof proof)
    {
        var reasons = new List<string>();
        void Each(string part, ITranslationSubject subject, TranslationMap map)
        {
            proof.Part = part;
            Run(inner, new TranslationContext(subject, map), proof, reasons);
        }

        Each("linear map", board.Linear(board), board.Map);
        if (board.Type is { } type)
            Each("generated C#", type, board.Map);
        if (board.Tables is { } plan)
            Each("page tables", new TableSubject(plan, board.Image), BoardMaps.Tables(board, plan.Map));
        if (board.Header is { } header)
            Each("C header", header, board.Map);
        else if (board.Layout.Linear.Segments.Length > 0 && board.Artifacts.Any(a => a.Kind.Name == "c"))
            proof.NotAll("the C header: there is no gcc on the PATH (Debian package gcc)");
        proof.Part = "";
        Settle(proof, reasons);
    }

    // Decoded registers, and the CPU of a booted kernel, in every domain; an MMU board's page tables.
    private static void Protect(Rule<ProtectionContext> inner, BoardSubject board, Proof proof)
    {
        var reasons = new List<string>();
        if (board is { Compilation: { MpuPlan: { } plan, Board.Protection: { } policy }, Mpu: { } mpu })
        {
            foreach (var domain in mpu.Domains)
            {
                proof.Part = domain.Name.Length == 0 ? "no domain" : "domain " + domain.Name;
                var map = BoardMaps.Protection(plan, policy, domain.Name.Length == 0 ? null : domain.Name);
                Run(inner, new ProtectionContext(new DecodedMpu(mpu, domain), map), proof, reasons);
            }
            if (board.Part(nameof(MpuKernel), () => MpuKernel.Boot(board.Compilation)) is { } kernel)
            {
                foreach (var domain in kernel.Domains)
                {
                    proof.Part = domain.Name.Length == 0 ? "booted, no domain" : "booted, domain " + domain.Name;
                    kernel.Switch(domain);
                    Run(inner, new ProtectionContext(new BootedMpu(kernel.Cpu), BoardMaps.Protection(plan, policy, domain.Name.Length == 0 ? null : domain.Name)), proof, reasons);
                }
            }
        }
        else if (board.Tables is { } tables)
        {
            proof.Part = "page tables";
            var last = tables.Regime.Trees.Any(t => t.Format.InputRanges.Any(r => r.End.IsTop)) ? ulong.MaxValue : tables.Regime.Trees.Max(t => t.Format.InputRanges.Max(r => r.End.Last));
            Run(inner, new ProtectionContext(new TableSubject(tables, board.Image), BoardMaps.Protection(tables.Map, last)), proof, reasons);
        }
        else
        {
            reasons.Add("The board has neither a protection policy for an MPU nor page tables.");
        }
        proof.Part = "";
        Settle(proof, reasons);
    }

    private static void Allocate(Rule<AllocatorContext> inner, BoardSubject board, Proof proof)
    {
        var isQuick = proof.Budget.IsQuick;
        var reasons = new List<string>();
        proof.Part = "page allocator";
        Run(inner, new AllocatorContext(() => board.Pages(board, isQuick)), proof, reasons);
        proof.Part = "kmalloc";
        Run(inner, new AllocatorContext(() => board.Objects(board, isQuick)), proof, reasons);
        proof.Part = "";
        Settle(proof, reasons);
    }

    /// <summary>Puts a rule of a suite to one part of a board.</summary>
    internal static void Run<TContext>(Rule<TContext> inner, TContext context, Proof proof, List<string> reasons)
    {
        var own = new Proof(proof.Subject, proof.Rule, proof.Seed, proof.Budget) { Part = proof.Part };
        inner.Check(context, own);
        proof.Take(own);
        if (own.NothingToProve is { } why)
            reasons.Add($"{proof.Part}: {why}");
    }

    /// <summary>Says, where no part had anything to look at, why.</summary>
    internal static void Settle(Proof proof, List<string> reasons)
    {
        if (proof.Checked == 0 && reasons.Count > 0)
            proof.HasNothing(string.Join(" ", reasons));
    }
}
