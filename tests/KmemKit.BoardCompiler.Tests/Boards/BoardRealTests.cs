using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Boards;

/// <summary>The blobs of Debian's armmp kernel as boards. Most have no memory: their boot loader fills it in.</summary>
[Category("RealBlobs")]
internal sealed class BoardRealTests
{
    [Test]
    public void Every_real_blob_is_a_32_bit_arm_board_without_an_error_of_ours()
    {
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var errors = new List<string>();
        var withMemory = 0;
        var devices = 0;
        var blobs = BlobRealTests.Blobs();
        foreach (var path in blobs)
        {
            var result = BoardPipeline.Compile(new BoardInput(new SourceFile(Path.GetFileName(path), File.ReadAllBytes(path))));
            Assert.That(result.Board, Is.Not.Null, path);
            errors.AddRange(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.ToString()));
            if (!result.Board!.Architecture.ToString().StartsWith("Arm", StringComparison.Ordinal))
                errors.Add($"{path} is {result.Board.Architecture}: {string.Join(" ", result.Board.Compatible)}; {string.Join(" ", result.Board.Cpus.SelectMany(c => c.Compatible))}");
            if (result.Layout is null && !(result.Board.Banks.IsEmpty && !BoardReader.HasMemoryByParameter(result.Policy)))
                errors.Add(path + " has memory and no layout");
            withMemory += result.Layout is null ? 0 : 1;
            devices += result.Board.Devices.Length;
            foreach (var id in result.Diagnostics.Select(d => d.Id))
                counts[id] = counts.GetValueOrDefault(id) + 1;
        }
        TestContext.Out.WriteLine($"{blobs.Length} blobs, {withMemory} with a layout, {devices} devices; " + string.Join(" ", counts.Select(c => $"{c.Key}:{c.Value}")));
        Assert.That(errors, Is.Empty, string.Join("\n", errors));
    }
}
