using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace KmemKit.Generators.Tests.Harness;

/// <summary>What the build's configuration file tells a generator: properties of the project, metadata of each file.</summary>
internal sealed class MemoryOptions(ImmutableDictionary<string, string> properties, ImmutableDictionary<string, string> boards)
    : AnalyzerConfigOptionsProvider
{
    public override AnalyzerConfigOptions GlobalOptions { get; } = new Options(properties);

    public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => Options.None;

    public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => boards.TryGetValue(textFile.Path, out var requests)
        ? new Options(ImmutableDictionary<string, string>.Empty.Add("build_metadata.AdditionalFiles.KmemBoards", requests))
        : Options.None;

    private sealed class Options(ImmutableDictionary<string, string> values) : AnalyzerConfigOptions
    {
        public static Options None { get; } = new(ImmutableDictionary<string, string>.Empty);

        public override IEnumerable<string> Keys => values.Keys;

        public override bool TryGetValue(string key, [NotNullWhen(true)] out string? value) => values.TryGetValue(key, out value);
    }
}
