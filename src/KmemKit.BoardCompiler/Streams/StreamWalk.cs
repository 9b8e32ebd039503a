using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>What becomes of a transaction.</summary>
public enum StreamOutcome
{
    /// <summary>It is aborted by configuration, or because there is none for the stream.</summary>
    Aborted,

    /// <summary>It passes through.</summary>
    Bypassed,

    /// <summary>It is translated.</summary>
    Translated,

    /// <summary>Nothing is mapped there.</summary>
    Faulted,

    /// <summary>A structure is ILLEGAL or cannot be read, which no plan has.</summary>
    Illegal,
}

/// <summary>A structure on the way.</summary>
/// <param name="What">Which, such as <c>STE</c>.</param>
/// <param name="Address">Physical address, or offset of the register.</param>
/// <param name="Value">Its first word.</param>
/// <param name="Meaning">What it says.</param>
public sealed record StreamWalkStep(string What, ulong Address, ulong Value, string Meaning);

/// <summary>Why a device reaches what it reaches at an address, or nothing: the way through the bytes of the image, and what decided it.</summary>
/// <param name="Smmu">The SMMU.</param>
/// <param name="Stream">StreamID.</param>
/// <param name="Address">Device address.</param>
/// <param name="Steps">The way.</param>
/// <param name="Outcome">Its end.</param>
/// <param name="Output">Where it leads; null where nowhere.</param>
/// <param name="Access">What may be done there.</param>
/// <param name="Binding">The plan's binding; null where the stream has none.</param>
/// <param name="Region">The plan's region; null where there is none.</param>
public sealed record StreamWalk(BoardSmmu Smmu, uint Stream, BusAddr Address, ImmutableArray<StreamWalkStep> Steps, StreamOutcome Outcome, PhysAddr? Output, AccessRights Access,
    StreamBinding? Binding, MapRegion? Region)
{
    /// <summary>Walks the image of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="smmu">Number of the SMMU.</param>
    /// <param name="stream">StreamID.</param>
    /// <param name="address">Device address.</param>
    public static StreamWalk Of(StreamTablePlan plan, int smmu, uint stream, BusAddr address)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        return new ImageWalker(plan.Smmus[smmu], new TableImageMemory(plan.Base, ImmutableArray.Create(StreamTableImage.Write(plan)))).Walk(stream, address);
    }

    /// <summary>The walk itself: what of the plan says where things are is used for registers alone, all else is read.</summary>
    internal sealed class ImageWalker(SmmuPlan smmu, TableImageMemory memory)
    {
        private readonly ImmutableArray<StreamWalkStep>.Builder _steps = ImmutableArray.CreateBuilder<StreamWalkStep>();
        private TableImageMemory _memory = memory;

        public StreamWalk Walk(uint stream, BusAddr address)
        {
            _steps.Clear();
            var (outcome, output, access) = smmu.Smmu.Version == SmmuVersion.V3 ? WalkV3(stream, address) : WalkV2(stream, address);
            var binding = smmu.BindingOf(stream);
            var region = binding is { Context: >= 0 } ? smmu.Contexts[binding.Context].Map.At(new VirtAddr(address.Value)) : null;
            return new StreamWalk(smmu.Smmu, stream, address, _steps.ToImmutable(), outcome, output, access, binding, region);
        }

        private ulong Register(string name) => smmu.Registers.First(r => r.Name == name).Value;

        private (StreamOutcome, PhysAddr?, AccessRights) WalkV3(uint stream, BusAddr address)
        {
            var (start, config) = (Register("STRTAB_BASE") & 0x000F_FFFF_FFFF_FFC0, (uint)Register("STRTAB_BASE_CFG"));
            var (log2, split, isTwoLevel) = ((int)config & 63, (int)(config >> 6) & 31, (config >> 16 & 3) == 1);
            if ((ulong)stream >> log2 != 0)
                return End("STRTAB_BASE_CFG", SmmuV3Register.StrtabBaseCfg, config, $"the table has StreamIDs of {log2} bits: C_BAD_STREAMID", StreamOutcome.Aborted);
            var at = start + ((ulong)stream * StructureWords.Bytes);
            if (isTwoLevel)
            {
                var first = start + ((ulong)(stream >> split) * 8);
                if (!_memory.TryRead(first, 8, out var value))
                    return End("L1STD", first, 0, "not in the image", StreamOutcome.Illegal);
                var descriptor = new StreamTableDescriptor(value);
                var index = stream & ((1u << split) - 1);
                if (!descriptor.IsValid(split) || index >= descriptor.Entries)
                    return End("L1STD", first, value, "no entry: C_BAD_STREAMID", StreamOutcome.Aborted);
                _steps.Add(new StreamWalkStep("L1STD", first, value, Invariant($"{descriptor.Entries} entries at {descriptor.L2Ptr}")));
                at = descriptor.L2Ptr.Value + ((ulong)index * StructureWords.Bytes);
            }
            if (!TryReadStructure(at, out var words))
                return End("STE", at, 0, "not in the image", StreamOutcome.Illegal);
            var entry = new StreamTableEntry(words);
            if (entry.Check(smmu.Smmu.V3) is var wrong and not SmmuV3Fault.None)
                return End("STE", at, words[0], $"C_BAD_STE: {wrong}", StreamOutcome.Illegal);
            switch (entry.Config)
            {
                case SteConfig.Abort:
                    return End("STE", at, words[0], "abort", StreamOutcome.Aborted);
                case SteConfig.Bypass:
                    _steps.Add(new StreamWalkStep("STE", at, words[0], "bypass"));
                    return (StreamOutcome.Bypassed, new PhysAddr(address.Value), AccessRights.ReadWrite);
                case SteConfig.Stage1:
                    _steps.Add(new StreamWalkStep("STE", at, words[0], Invariant($"stage 1, context descriptor at {entry.ContextTable}")));
                    return WalkContext(entry.ContextTable.Value, address);
                case SteConfig.Stage2:
                    var stage2 = entry.Stage2;
                    _steps.Add(new StreamWalkStep("STE", at, words[0], Invariant($"stage 2, VMID {stage2.Vmid}, {stage2.InputBits} bits, tables at {stage2.Table}")));
                    return WalkTables(Stage2Format(stage2.GranuleShift, stage2.InputBits, stage2.EffectiveOutputBits(smmu.Smmu.V3)), stage2.Table.Value, address);
                default:
                    return End("STE", at, words[0], "nested, which no plan has", StreamOutcome.Illegal);
            }
        }

        private (StreamOutcome, PhysAddr?, AccessRights) WalkContext(ulong at, BusAddr address)
        {
            if (!TryReadStructure(at, out var words))
                return End("CD", at, 0, "not in the image", StreamOutcome.Illegal);
            var cd = new ContextDescriptor(words);
            if (cd.Check(smmu.Smmu.V3) is var wrong and not SmmuV3Fault.None)
                return End("CD", at, words[0], $"C_BAD_CD: {wrong}", StreamOutcome.Illegal);
            if (cd.HasUpper || !cd.HasLower)
                return End("CD", at, words[0], "the upper range is open, which no plan has", StreamOutcome.Illegal);
            _steps.Add(new StreamWalkStep("CD", at, words[0], Invariant($"ASID {cd.Asid}, {cd.LowerInputBits} bits, tables at {cd.LowerTable}")));
            return WalkTables(Stage1Format(cd.LowerGranuleShift, cd.LowerInputBits, Math.Min(cd.OutputBits, smmu.Smmu.OutputBits), cd.Mair), cd.LowerTable.Value, address);
        }

        private (StreamOutcome, PhysAddr?, AccessRights) WalkV2(uint stream, BusAddr address)
        {
            var (group, target) = (-1, default(Architecture.Smmu.V2.StreamToContextRegister));
            for (var i = 0; i < smmu.Smmu.V2.StreamMappingGroups; i++)
            {
                var matches = smmu.Smmu.V2.StreamMatching ? new Architecture.Smmu.V2.StreamMatchRegister((uint)Register($"SMR{i}")).Matches(stream) : stream == i;
                if (!matches)
                    continue;
                if (group >= 0)
                    return End($"SMR{i}", 0, Register($"SMR{i}"), "a second group matches: stream match conflict fault", StreamOutcome.Illegal);
                (group, target) = (i, new Architecture.Smmu.V2.StreamToContextRegister((uint)Register($"S2CR{i}")));
            }
            if (group < 0)
                return End("CR0", Architecture.Smmu.V2.SmmuV2Register.Cr0, Register("CR0"), "no group matches: unidentified stream fault", StreamOutcome.Aborted);
            var offset = (ulong)Architecture.Smmu.V2.SmmuV2Register.StreamToContext(group);
            if (target.Type == Architecture.Smmu.V2.StreamToContextType.Fault)
                return End($"S2CR{group}", offset, target.Value, "fault", StreamOutcome.Aborted);
            _steps.Add(new StreamWalkStep($"S2CR{group}", offset, target.Value, target.Type == Architecture.Smmu.V2.StreamToContextType.Bypass ? "bypass" : Invariant($"context bank {target.Bank}")));
            if (target.Type == Architecture.Smmu.V2.StreamToContextType.Bypass)
                return (StreamOutcome.Bypassed, new PhysAddr(address.Value), AccessRights.ReadWrite);
            var bank = target.Bank;
            var (attribute, tcr, ttbr) = (new Architecture.Smmu.V2.ContextBankAttribute((uint)Register($"CBAR{bank}")), (uint)Register($"CB{bank}_TCR"), Register($"CB{bank}_TTBR0"));
            var (bits, granule) = (64 - ((int)tcr & 63), Stage2Geometry.GranuleShift((int)(tcr >> 14) & 3));
            var root = ttbr & 0xFFFF_FFFF_FFFF;
            _steps.Add(new StreamWalkStep($"CBAR{bank}", (ulong)Architecture.Smmu.V2.SmmuV2Register.BankAttribute(bank, smmu.Smmu.V2.RegisterPageShift), attribute.Value,
                Invariant($"{attribute.Type}, {bits} bits, tables at 0x{root:x}")));
            if (attribute.Type == Architecture.Smmu.V2.ContextBankType.Stage2)
                return WalkTables(Stage2Format(granule, bits, SmmuV3Features.AddressSize((int)(tcr >> 16) & 7)), root, address);
            var mair = Register($"CB{bank}_MAIR0") | (Register($"CB{bank}_MAIR1") << 32);
            return WalkTables(Stage1Format(granule, bits, SmmuV3Features.AddressSize((int)Register($"CB{bank}_TCR2") & 7), mair), root, address);
        }

        private (StreamOutcome, PhysAddr?, AccessRights) WalkTables(ITranslationFormat format, ulong root, BusAddr address)
        {
            foreach (var step in AddressWalk.ReadSteps(format, ref _memory, root, address.Value))
            {
                _steps.Add(new StreamWalkStep($"level {step.Level}", step.Address, step.Descriptor, step.Kind switch
                {
                    DescriptorKind.Table => Invariant($"table at 0x{step.Target:x}"),
                    DescriptorKind.Leaf => Invariant($"0x{step.Target:x}, {step.Shape}, {step.Attributes}"),
                    _ => step.Kind == DescriptorKind.Reserved ? "reserved" : "invalid",
                }));
            }
            var found = Architecture.Mmu.Walker.Walk(format, ref _memory, root, address.Value);
            if (!found.IsMapped)
                return (found.Fault.Cause == FaultCause.ExternalAbortOnWalk ? StreamOutcome.Illegal : StreamOutcome.Faulted, null, AccessRights.None);
            // Devices are unprivileged unless they say otherwise; plans give both the same.
            var attributes = format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
            return (attributes.IsAccessed && (attributes.Privileged & AccessRights.ReadWrite) == (attributes.User & AccessRights.ReadWrite) ? StreamOutcome.Translated : StreamOutcome.Illegal,
                new PhysAddr(found.Output), attributes.User & AccessRights.ReadWrite);
        }

        private static ITranslationFormat Stage1Format(int granule, int bits, int output, ulong mair) => granule switch
        {
            12 => new Vmsav8Format<Granule4K>(bits, output, mair: mair),
            14 => new Vmsav8Format<Granule16K>(bits, output, mair: mair),
            _ => new Vmsav8Format<Granule64K>(bits, output, mair: mair),
        };

        private static ITranslationFormat Stage2Format(int granule, int bits, int output) => granule switch
        {
            12 => new Vmsav8Stage2Format<Granule4K>(bits, output),
            14 => new Vmsav8Stage2Format<Granule16K>(bits, output),
            _ => new Vmsav8Stage2Format<Granule64K>(bits, output),
        };

        private (StreamOutcome, PhysAddr?, AccessRights) End(string what, ulong at, ulong value, string meaning, StreamOutcome outcome)
        {
            _steps.Add(new StreamWalkStep(what, at, value, meaning));
            return (outcome, null, AccessRights.None);
        }

        private bool TryReadStructure(ulong at, out StructureWords words)
        {
            var read = new ulong[StructureWords.Count];
            for (var i = 0; i < read.Length; i++)
            {
                if (!_memory.TryRead(at + (ulong)(8 * i), 8, out read[i]))
                {
                    words = default;
                    return false;
                }
            }
            words = new StructureWords(read);
            return true;
        }
    }
}
