using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Writers.Images;
using KmemKit.BoardCompiler.Writers.Tables;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>The C# of an image, compiled and read: the same bytes and numbers, and no code that copies them.</summary>
internal sealed class CSharpTests
{
    private delegate ReadOnlySpan<ulong> Wide();

    private delegate ReadOnlySpan<uint> Narrow();

    [TestCase("qemu/virt-cortex-a53")]
    [TestCase("qcom/msm8974")]
    [TestCase("pc/pc-64")]
    public void The_column_is_the_image(string board)
    {
        var plan = PageTablePlanner.Plan(RepositoryBoards.Compile(board).Layout!).Plan!;
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(p => MetadataReference.CreateFromFile(p));
        var compilation = CSharpCompilation.Create("tables", [CSharpSyntaxTree.ParseText(ImageCSharpWriter.Write(TableLoadImage.Of(plan), "A.B", "BoardTables"))], references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release));
        using var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        Assert.That(result.Success, Is.True, string.Join("\n", result.Diagnostics));
        var type = System.Reflection.Assembly.Load(stream.ToArray()).GetType("A.B.BoardTables")!;
        var getter = type.GetProperty("Words")!.GetMethod!;
        var bytes = plan.Regime.Trees[0].Format.DescriptorSize == 4
            ? MemoryMarshal.AsBytes(getter.CreateDelegate<Narrow>()()).ToArray()
            : MemoryMarshal.AsBytes(getter.CreateDelegate<Wide>()()).ToArray();
        Assert.That(bytes, Is.EqualTo(TableImage.Write(plan)));
        Assert.That(type.GetField("Base")!.GetRawConstantValue(), Is.EqualTo(plan.Base.Value));
        Assert.That(type.GetField("Size")!.GetRawConstantValue(), Is.EqualTo(plan.Bytes));
        foreach (var register in plan.Registers)
            Assert.That(type.GetField(register.Name.Replace('.', '_'))?.GetRawConstantValue(), Is.EqualTo(register.Value), register.Name);
        // A few instructions: the span points into the assembly's data.
        Assert.That(getter.GetMethodBody()!.GetILAsByteArray()!, Has.Length.LessThan(32));
    }

    [Test]
    public void A_name_that_is_none_is_refused()
    {
        var plan = PageTablePlanner.Plan(RepositoryBoards.Compile("pc/pc-64").Layout!).Plan!;
        Assert.That(() => ImageCSharpWriter.Write(TableLoadImage.Of(plan), "A", "1x"), Throws.ArgumentException);
    }
}
