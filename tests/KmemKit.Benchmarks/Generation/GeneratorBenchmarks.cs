extern alias generator;

using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using BenchmarkDotNet.Attributes;
using generator::KmemKit.Generators;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace KmemKit.Benchmarks.Generation;

/// <summary>What a run of the generator costs: all boards for the first time, against what one keystroke, one edited board and one edited include cost.</summary>
/// <remarks>Each board has a policy, an include that all share, and an include of its own, as the repository's boards have.</remarks>
[Config(typeof(SideBySideConfig))]
public class GeneratorBenchmarks
{
    private readonly Compilation[] _compilations = new Compilation[2];
    private readonly ImmutableArray<AdditionalText>[] _boardEdits = new ImmutableArray<AdditionalText>[2];
    private readonly ImmutableArray<AdditionalText>[] _includeEdits = new ImmutableArray<AdditionalText>[2];
    private MemoryOptions _options = null!;
    private GeneratorDriver _warm = null!;
    private GeneratorDriver _ofBoard = null!;
    private GeneratorDriver _ofInclude = null!;
    private int _turn;

    /// <summary>Boards of the project.</summary>
    [Params(1, 10, 100)]
    public int Boards { get; set; }

    /// <summary>Makes the project and runs the generator once.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        var texts = ImmutableArray.CreateBuilder<AdditionalText>();
        var boards = ImmutableDictionary.CreateBuilder<string, string>();
        texts.Add(new MemoryText("/p/boards/shared.dtsi", "/* shared */\n"));
        for (var i = 0; i < Boards; i++)
        {
            var name = "b" + i.ToString(CultureInfo.InvariantCulture);
            var folder = "/p/boards/" + name + "/";
            texts.Add(new MemoryText(folder + name + ".dts", Source(name)));
            texts.Add(new MemoryText(folder + name + ".dtsi", "#include \"../shared.dtsi\"\n/ { model = \"Board " + name + "\"; };\n"));
            texts.Add(new MemoryText(folder + name + "_defconfig", Samples.Defconfig));
            boards.Add(folder + name + ".dts", "Name=&Defconfig=" + System.Uri.EscapeDataString(folder + name + "_defconfig"));
        }
        var all = texts.ToImmutable();
        var index = all.Length - 3;
        _boardEdits[0] = all;
        _boardEdits[1] = all.SetItem(index, new MemoryText(all[index].Path, all[index].GetText()!.ToString().Replace("0x6d200000", "0x6d300000", System.StringComparison.Ordinal)));
        _includeEdits[0] = all;
        _includeEdits[1] = all.SetItem(0, new MemoryText(all[0].Path, "/* shared, edited */\n"));
        _options = new MemoryOptions(ImmutableDictionary<string, string>.Empty, boards.ToImmutable());
        _compilations[0] = CSharpCompilation.Create("Project", [CSharpSyntaxTree.ParseText("public class Unrelated { }", path: "Unrelated.cs")]);
        _compilations[1] = CSharpCompilation.Create("Project", [CSharpSyntaxTree.ParseText("public class Unrelated { int _x; }", path: "Unrelated.cs")]);
        _warm = _ofBoard = _ofInclude = Driver().RunGenerators(_compilations[0]);
        var result = _warm.GetRunResult().Results.Single();
        if (!result.Diagnostics.IsEmpty || result.GeneratedSources.Length != 2 * Boards)
            throw new System.InvalidOperationException("The boards do not compile: " + string.Join("; ", result.Diagnostics));
    }

    /// <summary>The first run.</summary>
    [Benchmark(Baseline = true)]
    public GeneratorDriver Cold() => Driver().RunGenerators(_compilations[0]);

    /// <summary>A keystroke in C# that no board has to do with.</summary>
    [Benchmark]
    public GeneratorDriver UnrelatedEdit() => _warm = _warm.RunGenerators(_compilations[++_turn & 1]);

    /// <summary>A bank of one board changes.</summary>
    [Benchmark]
    public GeneratorDriver OneBoardEdited() => _ofBoard = _ofBoard.ReplaceAdditionalTexts(_boardEdits[++_turn & 1]).RunGenerators(_compilations[0]);

    /// <summary>A comment changes in an include of all boards: all are compiled, and no code is written.</summary>
    [Benchmark]
    public GeneratorDriver SharedIncludeEdited() => _ofInclude = _ofInclude.ReplaceAdditionalTexts(_includeEdits[++_turn & 1]).RunGenerators(_compilations[0]);

    private CSharpGeneratorDriver Driver() => CSharpGeneratorDriver.Create([new BoardGenerator().AsSourceGenerator()], _boardEdits[0], CSharpParseOptions.Default, _options);

    private static string Source(string name) => Samples.Head + "#include \"" + name + ".dtsi\"\n" + Samples.Arm(Samples.Msm8974Banks).Substring(Samples.Head.Length);
}
