using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace KmemKit.Generators.Pipeline;

/// <summary>What a <c>KmemBoard</c> item asks for.</summary>
/// <param name="Key">Path of the board's source, normalized.</param>
/// <param name="Path">The same as the compiler has it.</param>
/// <param name="Name">Name of the type; empty for the source's name in PascalCase.</param>
/// <param name="Namespace">Namespace of the type.</param>
/// <param name="Defconfig">Path of the defconfig, normalized; empty where there is none.</param>
/// <param name="Bootargs">Kernel parameters in place of <c>/chosen/bootargs</c>; empty leaves those.</param>
internal sealed record BoardRequest(string Key, string Path, string Name, string Namespace, string Defconfig, string Bootargs)
{
    /// <summary>The metadata of an AdditionalFiles item that holds the requests for it.</summary>
    public const string MetadataKey = "build_metadata.AdditionalFiles.KmemBoards";

    /// <summary>The requests for a file: none for a file that is no board, several for one source under several policies.</summary>
    /// <remarks>
    /// The metadata holds requests parted by <c>|</c>, each <c>Key=Value</c> parted by <c>&amp;</c>, each value percent-encoded: a <c>;</c> or <c>#</c> written
    /// as it is would cut the line of the configuration file that brings the metadata here.
    /// </remarks>
    public static IEnumerable<BoardRequest> Read(AdditionalText file, AnalyzerConfigOptionsProvider options)
    {
        if (!options.GetOptions(file).TryGetValue(MetadataKey, out var metadata) || metadata.Length == 0)
            yield break;
        foreach (var request in metadata.Split('|'))
        {
            var values = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var pair in request.Split('&'))
            {
                var equals = pair.IndexOf('=');
                if (equals > 0)
                    values[pair.Substring(0, equals)] = Uri.UnescapeDataString(pair.Substring(equals + 1));
            }
            string Value(string key) => values.TryGetValue(key, out var value) ? value.Trim() : "";
            var ns = Value("Namespace");
            var defconfig = Value("Defconfig");
            yield return new BoardRequest(
                FilePath.Normalize(file.Path), file.Path, Value("Name"), ns.Length == 0 ? BoardTypeNames.DefaultNamespace : ns,
                defconfig.Length == 0 ? "" : FilePath.Normalize(defconfig), Value("Bootargs"));
        }
    }
}
