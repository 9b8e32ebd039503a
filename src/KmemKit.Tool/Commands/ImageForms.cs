using System.IO;
using System.Text;
using KmemKit.BoardCompiler.Writers.Images;

namespace KmemKit.Tool.Commands;

/// <summary>In what form an image is written.</summary>
internal enum ImageForm
{
    Binary,
    Assembly,
    C,
    Header,
    CSharp,
}

/// <summary>An image in any of its forms.</summary>
internal static class ImageForms
{
    /// <summary>The form that <c>-O</c> names.</summary>
    public static ImageForm Parse(string? text) => text switch
    {
        "asm" => ImageForm.Assembly,
        "c" => ImageForm.C,
        "header" => ImageForm.Header,
        "cs" => ImageForm.CSharp,
        _ => ImageForm.Binary,
    };

    /// <summary>The bytes of the file.</summary>
    /// <param name="form">Form.</param>
    /// <param name="file">Name of the file: a C source includes the header of that name.</param>
    /// <param name="image">The image.</param>
    /// <param name="typeName">Name of the C# class.</param>
    public static byte[] Write(ImageForm form, string file, LoadImage image, string typeName) => form switch
    {
        ImageForm.Assembly => Encoding.UTF8.GetBytes(ImageAssemblyWriter.Write(image)),
        ImageForm.C => Encoding.UTF8.GetBytes(ImageCWriter.WriteSource(image, Path.GetFileNameWithoutExtension(file) + ".h")),
        ImageForm.Header => Encoding.UTF8.GetBytes(ImageCWriter.WriteHeader(image)),
        ImageForm.CSharp => Encoding.UTF8.GetBytes(ImageCSharpWriter.Write(image, "Boards", typeName)),
        _ => image.Bytes,
    };
}
