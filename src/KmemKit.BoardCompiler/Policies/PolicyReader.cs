using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Policy;
using Vocabulary = KmemKit.BoardCompiler.Policies.PolicyVocabulary;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>
/// Reads a board's policy: defconfig, fragments, overrides, kernel parameters.
/// </summary>
/// <remarks>
/// A defconfig, each fragment, and all overrides together are <em>layers</em>. Inside a layer a key that is set twice, two members of a choice, or two
/// keys that contradict each other are findings that name both lines; a later layer replaces what an earlier one said, which is what it is for.
/// A kernel's own defconfig has hundreds of keys that mean nothing to a memory map: they are counted in one note a file, and only
/// one that looks like a misspelling of a key of <see cref="PolicyVocabulary"/> is a warning. On the command line every unknown key is a warning.
/// It never throws for bad input.
/// </remarks>
public sealed class PolicyReader
{
    private readonly DiagnosticBag _diagnostics = [];

    // What each key was last set to, and what each choice was last set to, with the number of the layer that did it.
    private readonly Dictionary<string, (PolicyValue Value, int Layer)> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (PolicyKey Key, SourceSpan Span, int Layer)> _choices = new(StringComparer.Ordinal);
    private int _layer;

    private PolicyReader()
    {
    }

    /// <summary>Reads the policy.</summary>
    public static PolicyResult Read(PolicyInput input)
    {
        if (input is null)
            throw new ArgumentNullException(nameof(input));
        var reader = new PolicyReader();
        if (input.Defconfig is { } defconfig)
            reader.ReadFile(defconfig);
        foreach (var fragment in input.Fragments)
            reader.ReadFile(fragment);
        reader.ReadOverrides(input.Overrides);
        var policy = reader.Build();
        policy = policy with { Bootargs = reader.ReadBootargs(input, policy) };
        return new PolicyResult(policy, reader._diagnostics.ToImmutable());
    }

    private void ReadFile(SourceFile file)
    {
        if (file.IsBinary)
        {
            _diagnostics.Add(DiagnosticTable.SetUp.PolicyFileIsBinary, new SourceSpan(file, 0, 0), file.Path);
            return;
        }
        var unknown = new List<KconfigAssignment>();
        AddLayer(KconfigReader.Read(file, _diagnostics), unknown.Add);
        var strangers = 0;
        foreach (var assignment in unknown)
        {
            if (Vocabulary.DidYouMean(assignment.Key) is { } meant)
                _diagnostics.Add(Rules.ProbablyMisspelled, assignment.Span, assignment.Key, meant);
            else
                strangers++;
        }
        if (strangers > 0)
        {
            var first = unknown.First(a => Vocabulary.DidYouMean(a.Key) is null);
            _diagnostics.Add(Rules.UnknownKeys, first.Span, strangers, first.Key);
        }
    }

    private void ReadOverrides(IEnumerable<string> overrides)
    {
        var assignments = new List<KconfigAssignment>();
        foreach (var text in overrides)
        {
            if (KconfigReader.ReadOverride(text, _diagnostics) is { } assignment)
                assignments.Add(assignment);
        }
        AddLayer(assignments, unknown =>
        {
            var meant = Vocabulary.DidYouMean(unknown.Key);
            _diagnostics.Add(Rules.UnknownOverride, default, unknown.Key, meant is null ? "" : $"; did you mean {meant}?");
        });
    }

    private void AddLayer(List<KconfigAssignment> assignments, Action<KconfigAssignment> unknown)
    {
        _layer++;
        var last = new Dictionary<string, KconfigAssignment>(StringComparer.Ordinal);
        foreach (var assignment in assignments)
        {
            if (last.TryGetValue(assignment.Key, out var earlier))
            {
                _diagnostics.Add(KmemDiagnostic
                    .Create(Rules.KeySetTwice, assignment.Span, assignment.Key, ValueText(earlier), Place(earlier.Span), ValueText(assignment))
                    .WithRelated($"{assignment.Key} was set here first", earlier.Span));
            }
            last[assignment.Key] = assignment;
        }
        foreach (var assignment in assignments)
        {
            // Only the last of its key counts, at its own place among the others.
            if (!last.TryGetValue(assignment.Key, out var winner) || winner != assignment)
                continue;
            last.Remove(assignment.Key);
            if (Vocabulary.Find(assignment.Key) is { } key)
                Set(key, assignment);
            else
                unknown(assignment);
        }
    }

    private void Set(PolicyKey key, KconfigAssignment assignment)
    {
        if (assignment.Value is null && key.Type != PolicyValueType.Flag)
        {
            _values.Remove(key.Name);
            return;
        }
        if (PolicyValue.Read(key, assignment.Value is null ? assignment with { Value = "n" } : assignment, _diagnostics) is not { } value)
            return;
        if (key.Choice is null)
        {
            _values[key.Name] = (value, _layer);
            return;
        }
        var chosen = _choices.TryGetValue(key.Choice, out var other);
        if (!value.Flag)
        {
            if (chosen && other.Key == key)
                _choices.Remove(key.Choice);
            return;
        }
        if (chosen && other.Layer == _layer)
        {
            _diagnostics.Add(KmemDiagnostic
                .Create(Rules.TwoOfAChoice, value.Span, key.Name, other.Key.Name, Place(other.Span), key.Choice)
                .WithRelated($"{other.Key.Name} is chosen here", other.Span));
        }
        _choices[key.Choice] = (key, value.Span, _layer);
    }

    private Policy Build()
    {
        var policy = new Policy();
        foreach (var key in Vocabulary.All)
        {
            if (key.Apply is not null && _values.TryGetValue(key.Name, out var set))
                policy = key.Apply(policy, set.Value);
        }
        policy = policy with
        {
            Architecture = Architecture(),
            Reclaim = Chosen(Vocabulary.ReclaimChoice, name => name switch
            {
                "CONFIG_DONT_MAP_HOLE_AFTER_MEMBANK0" => ReclaimStrategy.DontMapHole,
                "CONFIG_ENABLE_VMALLOC_SAVING" => ReclaimStrategy.VmallocSaving,
                _ => ReclaimStrategy.None,
            }),
            MemoryModel = Chosen(Vocabulary.MemoryModelChoice, name => name == "CONFIG_SPARSEMEM" ? MemoryModelKind.Sparse : MemoryModelKind.Flat),
            ObjectAllocator = Chosen(Vocabulary.AllocatorChoice, name => name switch
            {
                "CONFIG_SLAB" => ObjectAllocatorKind.Slab,
                "CONFIG_SLOB" => ObjectAllocatorKind.Slob,
                _ => ObjectAllocatorKind.Slub,
            }),
            PageGeometry = Chosen(Vocabulary.PageSizeChoice, name => name switch
            {
                "CONFIG_ARM64_16K_PAGES" => PageGeometry.SixteenKiB,
                "CONFIG_ARM64_64K_PAGES" => PageGeometry.SixtyFourKiB,
                _ => PageGeometry.FourKiB,
            }),
        };
        var split = Chosen(Vocabulary.VmsplitChoice, name => new VirtAddr(name switch
        {
            "CONFIG_VMSPLIT_3G_OPT" => 0xb0000000,
            "CONFIG_VMSPLIT_2G" => 0x80000000,
            "CONFIG_VMSPLIT_2G_OPT" => 0x78000000,
            "CONFIG_VMSPLIT_1G" => 0x40000000,
            _ => 0xc0000000,
        }));
        var vaBits = Chosen(Vocabulary.VaBitsChoice, name =>
        {
            var digits = name.Substring("CONFIG_ARM64_VA_BITS_".Length);
            return int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture);
        });
        policy = policy with
        {
            PageOffset = Agree("CONFIG_PAGE_OFFSET", policy.PageOffset, Vocabulary.VmsplitChoice, split),
            VaBits = Agree("CONFIG_ARM64_VA_BITS", policy.VaBits, Vocabulary.VaBitsChoice, vaBits),
        };
        return WithX86Highmem(policy);
    }

    /// <summary>CONFIG_HIGHMEM4G and its kin select CONFIG_HIGHMEM, and the 64G one CONFIG_X86_PAE too (arch/x86/Kconfig).</summary>
    private Policy WithX86Highmem(Policy policy)
    {
        var highmem = Chosen(Vocabulary.X86HighmemChoice, name => name != "CONFIG_NOHIGHMEM");
        policy = policy with { Highmem = Agree("CONFIG_HIGHMEM", policy.Highmem, Vocabulary.X86HighmemChoice, highmem) };
        return _choices.TryGetValue(Vocabulary.X86HighmemChoice, out var chosen) && chosen.Key.Name == "CONFIG_HIGHMEM64G"
            ? policy with { X86Pae = Agree("CONFIG_X86_PAE", policy.X86Pae, Vocabulary.X86HighmemChoice, new Setting<bool>(true, chosen.Span)) }
            : policy;
    }

    /// <summary>A value that a key sets and a choice implies: the later layer wins; in one layer the two have to agree.</summary>
    private Setting<T>? Agree<T>(string key, Setting<T>? set, string choice, Setting<T>? implied)
        where T : IEquatable<T>
    {
        if (set is not { } own || implied is not { } other)
            return set ?? implied;
        var ownLayer = _values[key].Layer;
        var chosen = _choices[choice];
        if (ownLayer == chosen.Layer && !own.Value.Equals(other.Value))
        {
            _diagnostics.Add(KmemDiagnostic
                .Create(Rules.Contradiction, own.Span, key, ValueText(own.Value), chosen.Key.Name, Place(other.Span), ValueText(other.Value))
                .WithRelated($"{chosen.Key.Name} is chosen here", other.Span));
        }
        return chosen.Layer > ownLayer ? implied : set;
    }

    private Setting<TargetArchitecture>? Architecture()
    {
        if (Chosen(Vocabulary.ArchitectureChoice, name => name switch
            {
                "CONFIG_ARM" => TargetArchitecture.Arm,
                "CONFIG_ARM64" => TargetArchitecture.Arm64,
                "CONFIG_X86_32" => TargetArchitecture.X86,
                "CONFIG_X86_64" => TargetArchitecture.X64,
                _ => Flag("CONFIG_ARCH_RV32I") == true || (Flag("CONFIG_32BIT") == true && Flag("CONFIG_64BIT") != true)
                    ? TargetArchitecture.RiscV32
                    : TargetArchitecture.RiscV64,
            }) is { } chosen)
        {
            if (Flag("CONFIG_X86") == true && chosen.Value is not (TargetArchitecture.X86 or TargetArchitecture.X64) && !IsOlder("CONFIG_X86"))
            {
                var x86 = _values["CONFIG_X86"].Value.Span;
                var name = _choices[Vocabulary.ArchitectureChoice].Key.Name;
                _diagnostics.Add(KmemDiagnostic
                    .Create(Rules.TwoOfAChoice, chosen.Span, name, "CONFIG_X86", Place(x86), Vocabulary.ArchitectureChoice)
                    .WithRelated("CONFIG_X86 is chosen here", x86));
            }
            return chosen;
        }
        if (Flag("CONFIG_X86") == true && Flag("CONFIG_64BIT") is { } wide)
            return new Setting<TargetArchitecture>(wide ? TargetArchitecture.X64 : TargetArchitecture.X86, _values["CONFIG_X86"].Value.Span);
        return null;

        bool IsOlder(string key) => _values[key].Layer < _choices[Vocabulary.ArchitectureChoice].Layer;
    }

    private BootArguments ReadBootargs(PolicyInput input, Policy policy)
    {
        var sources = CommandLineSource.Collect(
            input.Bootargs, input.Tree, Text("CONFIG_CMDLINE"),
            builtInFirst: Flag("CONFIG_CMDLINE_BOOL") == true && policy.Architecture?.Value is TargetArchitecture.X86 or TargetArchitecture.X64,
            extend: Flag("CONFIG_CMDLINE_EXTEND") == true,
            force: Flag("CONFIG_CMDLINE_FORCE") == true || Flag("CONFIG_CMDLINE_OVERRIDE") == true,
            _diagnostics);
        return BootArgumentsReader.Read(sources, _diagnostics);
    }

    private bool? Flag(string key) => _values.TryGetValue(key, out var set) ? set.Value.Flag : null;

    private (string Text, SourceSpan Span)? Text(string key) =>
        _values.TryGetValue(key, out var set) ? (set.Value.Text, set.Value.Span) : null;

    private Setting<T>? Chosen<T>(string choice, Func<string, T> meaning) =>
        _choices.TryGetValue(choice, out var chosen) ? new Setting<T>(meaning(chosen.Key.Name), chosen.Span) : null;

    private static string Place(SourceSpan span) => span.IsKnown ? span.ToString() : "the command line";

    private static string ValueText(KconfigAssignment assignment) => assignment.Value ?? "not set";

    private static string ValueText<T>(T value) => value switch
    {
        true => "y",
        false => "n",
        _ => value?.ToString() ?? "",
    };
}
