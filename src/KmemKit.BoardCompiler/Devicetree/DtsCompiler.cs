using System;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Devicetree.Preprocessing;
using KmemKit.BoardCompiler.Devicetree.Syntax;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>Compiles devicetree source, DTS version 1 (Devicetree Specification 0.4, chapter 6) with C preprocessor lines, into a tree.</summary>
/// <remarks>
/// What comes out is what <c>cpp -nostdinc -undef -x assembler-with-cpp | dtc -I dts</c> makes of the source, to the byte of the blob, phandle
/// numbers included; what those refuse is refused. Three stages, each a pure function: the preprocessor makes one text and a map of it back to
/// the files, the parser makes a draft of the tree, the finisher resolves references and checks the whole.
/// </remarks>
public static class DtsCompiler
{
    /// <summary>Compiles a source.</summary>
    /// <param name="main">The source.</param>
    /// <param name="provider">Where included files come from; null where there are none to be had, which makes every include an error.</param>
    /// <param name="options">Null for <see cref="DtsOptions.Default"/>.</param>
    /// <returns>The tree, null exactly where one of the diagnostics is an error. Bad input never throws.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    public static FrontEndResult Compile(SourceFile main, ISourceProvider? provider = null, DtsOptions? options = null)
    {
        if (main is null)
            throw new ArgumentNullException(nameof(main));
        options ??= DtsOptions.Default;
        var diagnostics = new DiagnosticBag();
        var files = new SourceSet(provider);
        var draft = new TreeDraft();

        CompileUnit(main, isOverlay: false);
        foreach (var overlay in options.Overlays)
        {
            if (!diagnostics.HasErrors)
                CompileUnit(overlay, isOverlay: true);
        }

        var tree = diagnostics.HasErrors ? null : TreeFinisher.Finish(draft, main, options.GenerateSymbols, diagnostics);
        return new FrontEndResult(diagnostics.HasErrors ? null : tree, diagnostics.ToImmutable()) { Dependencies = files.Paths };

        void CompileUnit(SourceFile source, bool isOverlay)
        {
            files.Add(source);
            var text = Preprocessor.Run(source, files, options.Macros, diagnostics);
            // An include that is missing would be followed by a crowd of errors about what it would have defined.
            if (!diagnostics.HasErrors)
                new DtsParser(text, draft, files, diagnostics).ParseSource(isOverlay);
        }
    }
}
