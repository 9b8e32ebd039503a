using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Writers.CSharp;

// The translation: the linear map as straight-line code.
public static partial class BoardTypeWriter
{
    private static void WriteLinear(SourceWriter output, BoardTypeModel model) =>
        TranslationWriter.Write(output, new LinearMap(model.Segments.Items, model.LinearRam.Items), model.PhysicalBits, model.VirtualBits);
}
