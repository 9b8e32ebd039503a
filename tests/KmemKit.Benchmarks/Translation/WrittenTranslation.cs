using System;
using System.IO;
using System.Linq;
using System.Reflection;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Writers.CSharp;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace KmemKit.Benchmarks.Translation;

/// <summary>What <see cref="TranslationWriter"/> writes for a map, compiled with the loops that it is measured in: a user's code, with the translation inlined.</summary>
internal sealed class WrittenTranslation
{
    public delegate ulong SumLoop<TAddress>(TAddress[] addresses);

    public delegate void SpanForm(ReadOnlySpan<PhysAddr> source, Span<VirtAddr> destination);

    private const string Loops =
        """
        using KmemKit.Architecture;
        public static class Loops
        {
            public static ulong Sum(PhysAddr[] addresses)
            {
                ulong sum = 0;
                foreach (PhysAddr address in addresses)
                    sum += Board.PhysToVirt(address).Value;
                return sum;
            }

            public static ulong SumBack(VirtAddr[] addresses)
            {
                ulong sum = 0;
                foreach (VirtAddr address in addresses)
                    sum += Board.VirtToPhys(address).Value;
                return sum;
            }

            public static ulong Chain(PhysAddr[] addresses)
            {
                ulong last = 0;
                foreach (PhysAddr address in addresses)
                    last = Board.PhysToVirt(new PhysAddr(address.Value ^ (last & 1))).Value;
                return last;
            }

            public static ulong SumChecked(PhysAddr[] addresses)
            {
                ulong sum = 0;
                foreach (PhysAddr address in addresses)
                {
                    Board.TryPhysToVirt(address, out VirtAddr result);
                    sum += result.Value;
                }
                return sum;
            }
        }
        """;

    public WrittenTranslation(LinearMap map)
    {
        var w = new SourceWriter();
        w.OpenBlock("public static class Board");
        TranslationWriter.Write(w, map, 32);
        w.CloseBlock();
        var paths = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            "Written" + Guid.NewGuid().ToString("N"),
            [CSharpSyntaxTree.ParseText(Loops), CSharpSyntaxTree.ParseText(w.ToString())],
            paths.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        if (!result.Success)
            throw new InvalidOperationException(string.Join('\n', result.Diagnostics));
        var assembly = Assembly.Load(image.ToArray());
        var loops = assembly.GetType("Loops")!;
        Sum = loops.GetMethod(nameof(Sum))!.CreateDelegate<SumLoop<PhysAddr>>();
        SumBack = loops.GetMethod(nameof(SumBack))!.CreateDelegate<SumLoop<VirtAddr>>();
        Chain = loops.GetMethod(nameof(Chain))!.CreateDelegate<SumLoop<PhysAddr>>();
        SumChecked = loops.GetMethod(nameof(SumChecked))!.CreateDelegate<SumLoop<PhysAddr>>();
        Span = assembly.GetType("Board")!
            .GetMethod("PhysToVirt", [typeof(ReadOnlySpan<PhysAddr>), typeof(Span<VirtAddr>)])!
            .CreateDelegate<SpanForm>();
    }

    public SumLoop<PhysAddr> Sum { get; }

    public SumLoop<VirtAddr> SumBack { get; }

    public SumLoop<PhysAddr> Chain { get; }

    public SumLoop<PhysAddr> SumChecked { get; }

    public SpanForm Span { get; }
}
