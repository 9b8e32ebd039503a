extern alias generator;

using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using generator::KmemKit.Generators;
using KmemKit.Architecture;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace KmemKit.Generators.Tests.Harness;

/// <summary>A project in memory that uses the generator: C# files, boards and texts can be edited, and each run says what it did.</summary>
internal sealed class GeneratorProject
{
    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.CSharp13, DocumentationMode.Diagnose);

    private static readonly ImmutableArray<MetadataReference> References =
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(p => Path.GetFileName(p).StartsWith("System.", StringComparison.Ordinal))
            .Append(typeof(PhysAddr).Assembly.Location)
            .Select(p => (MetadataReference)MetadataReference.CreateFromFile(p))
            .ToImmutableArray();

    private readonly List<AdditionalText> _texts = [];
    private ImmutableDictionary<string, string> _boards = ImmutableDictionary<string, string>.Empty;
    private ImmutableDictionary<string, string> _properties = ImmutableDictionary<string, string>.Empty;
    private GeneratorDriver _driver;

    public GeneratorProject(BoardGenerator? generator = null) => _driver = CSharpGeneratorDriver.Create(
        [(generator ?? new BoardGenerator()).AsSourceGenerator()], [], Parsing, null,
        new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    public CSharpCompilation Compilation { get; private set; } = CSharpCompilation.Create(
        "Project",
        [CSharpSyntaxTree.ParseText("/// <summary>Something of the user's.</summary>\npublic class Unrelated;", Parsing, "Unrelated.cs")],
        References,
        new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable,
            generalDiagnosticOption: ReportDiagnostic.Error, warningLevel: 9999, checkOverflow: true));

    /// <summary>The last run's compilation with the generated files in it.</summary>
    public Compilation Output { get; private set; } = null!;

    public GeneratorRunResult Result { get; private set; }

    /// <summary>Time that the last run took, compiling the code it made left out.</summary>
    public TimeSpan Elapsed => _driver.GetTimingInfo().ElapsedTime;

    /// <summary>Adds a board: a source with a request for it, in the form that the build writes.</summary>
    public GeneratorProject Board(string path, string text, string request = "Name=")
    {
        _boards = _boards.SetItem(path, request);
        return Text(path, text);
    }

    /// <summary>Changes what is asked for of a board whose source stays as it is.</summary>
    public GeneratorProject Request(string path, string request)
    {
        _boards = _boards.SetItem(path, request);
        return this;
    }

    /// <summary>Adds a text that is no board by itself, or edits a text there is.</summary>
    public GeneratorProject Text(string path, string text)
    {
        var edited = new MemoryText(path, text);
        var index = _texts.FindIndex(t => t.Path == path);
        if (index < 0)
            _texts.Add(edited);
        else
            _texts[index] = edited;
        return this;
    }

    public GeneratorProject MissingBoard(string path)
    {
        _boards = _boards.SetItem(path, "Name=");
        _texts.Add(new MissingText(path));
        return this;
    }

    public GeneratorProject RemoveText(string path)
    {
        _texts.RemoveAll(t => t.Path == path);
        return this;
    }

    public GeneratorProject IncludePath(string list)
    {
        _properties = _properties.SetItem("build_property._KmemIncludePath", list);
        return this;
    }

    public GeneratorProject Edit(Func<CSharpCompilation, CSharpCompilation> edit)
    {
        Compilation = edit(Compilation);
        return this;
    }

    public GeneratorProject CSharp(string path, string text) => Edit(c =>
    {
        var tree = CSharpSyntaxTree.ParseText(text, Parsing, path);
        return c.SyntaxTrees.FirstOrDefault(t => t.FilePath == path) is { } old ? c.ReplaceSyntaxTree(old, tree) : c.AddSyntaxTrees(tree);
    });

    public GeneratorProject Run()
    {
        // Replaced only where they differ, as a build server does it: an item that stays is the same object.
        _driver = _driver
            .ReplaceAdditionalTexts([.. _texts])
            .WithUpdatedAnalyzerConfigOptions(new MemoryOptions(_properties, _boards))
            .RunGeneratorsAndUpdateCompilation(Compilation, out var output, out _);
        Output = output;
        Result = _driver.GetRunResult().Results.Single();
        return this;
    }

    /// <summary>Why each item of a step is as it is, in order.</summary>
    public ImmutableArray<IncrementalStepRunReason> Reasons(string step) =>
        Result.TrackedSteps.TryGetValue(step, out var runs)
            ? [.. runs.SelectMany(r => r.Outputs).Select(o => o.Reason)]
            : [];

    /// <summary>Why each generated board is as it is: one reason per board.</summary>
    public ImmutableArray<IncrementalStepRunReason> SourceReasons() =>
        [.. Result.TrackedOutputSteps.SelectMany(s => s.Value).Where(s => s.Inputs.Length == 1)
            .Where(s => s.Outputs.Length == 1 && IsSource(s)).Select(s => s.Outputs[0].Reason)];

    public string Source(string hintName) => Result.GeneratedSources.Single(s => s.HintName == hintName).SourceText.ToString();

    private static bool IsSource(IncrementalGeneratorRunStep step) =>
        step.Inputs[0].Source.Name == TrackingNames.Models;
}
