using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Writers.CSharp;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Linear;

/// <summary>What <see cref="TranslationWriter"/> writes for a map, compiled and ready to be called.</summary>
internal sealed class CompiledTranslation
{
    public delegate bool TryDown(PhysAddr address, out VirtAddr result);

    public delegate bool TryUp(VirtAddr address, out PhysAddr result);

    public delegate void SpanDown(ReadOnlySpan<PhysAddr> source, Span<VirtAddr> destination);

    public delegate void SpanUp(ReadOnlySpan<VirtAddr> source, Span<PhysAddr> destination);

    private CompiledTranslation(Type type)
    {
        PhysToVirt = Bind<Func<PhysAddr, VirtAddr>>(nameof(PhysToVirt));
        VirtToPhys = Bind<Func<VirtAddr, PhysAddr>>(nameof(VirtToPhys));
        TryPhysToVirt = Bind<TryDown>(nameof(TryPhysToVirt));
        TryVirtToPhys = Bind<TryUp>(nameof(TryVirtToPhys));
        PhysToVirtSpan = Bind<SpanDown>(nameof(PhysToVirt));
        VirtToPhysSpan = Bind<SpanUp>(nameof(VirtToPhys));

        TDelegate Bind<TDelegate>(string name)
            where TDelegate : Delegate
        {
            var parameters = typeof(TDelegate).GetMethod("Invoke")!.GetParameters().Select(parameter => parameter.ParameterType).ToArray();
            return type.GetMethod(name, BindingFlags.Public | BindingFlags.Static, parameters)!.CreateDelegate<TDelegate>();
        }
    }

    public Func<PhysAddr, VirtAddr> PhysToVirt { get; }

    public Func<VirtAddr, PhysAddr> VirtToPhys { get; }

    public TryDown TryPhysToVirt { get; }

    public TryUp TryVirtToPhys { get; }

    public SpanDown PhysToVirtSpan { get; }

    public SpanUp VirtToPhysSpan { get; }

    public static string Source(IEnumerable<(LinearMap Map, int PhysicalBits, int VirtualBits)> maps)
    {
        var w = new SourceWriter();
        var number = 0;
        foreach (var (map, physicalBits, virtualBits) in maps)
        {
            w.Doc("summary", "A board.");
            w.OpenBlock($"public static class Map{number++}");
            TranslationWriter.Write(w, map, physicalBits, virtualBits);
            w.CloseBlock();
        }
        return w.ToString();
    }

    /// <summary>Compiles all maps at once, with every warning an error, documentation included, and arithmetic checked unless the text says otherwise.</summary>
    /// <param name="maps">What to write.</param>
    /// <param name="edit">A change of the text in front of the compiler.</param>
    /// <param name="symbols">What is defined.</param>
    public static CompiledTranslation[] Compile(IReadOnlyCollection<(LinearMap Map, int PhysicalBits, int VirtualBits)> maps, Func<string, string>? edit = null, params string[] symbols)
    {
        var options = new CSharpParseOptions(LanguageVersion.Latest, DocumentationMode.Diagnose, preprocessorSymbols: symbols);
        var compilation = CSharpCompilation.Create(
            "Written" + Guid.NewGuid().ToString("N"),
            [CSharpSyntaxTree.ParseText(edit == null ? Source(maps) : edit(Source(maps)), options)],
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary,
                optimizationLevel: OptimizationLevel.Release,
                checkOverflow: true,
                generalDiagnosticOption: ReportDiagnostic.Error,
                nullableContextOptions: NullableContextOptions.Enable));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        Assert.That(result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error), Is.Empty);
        var assembly = Assembly.Load(image.ToArray());
        return Enumerable.Range(0, maps.Count).Select(number => new CompiledTranslation(assembly.GetType("Map" + number)!)).ToArray();
    }
}
