using System;
using System.Globalization;
using System.IO;
using System.Linq;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Vectors that are blobs are committed as text: hex digits, spaces and lines as one likes, # to the end of a line a comment.
internal static class BlobVectors
{
    internal static string RepositoryRoot => Repository.Root;

    internal static byte[] ReadHex(string path)
    {
        var digits = string.Concat(File.ReadLines(path).Select(line => line.Split('#')[0]).SelectMany(line => line.Where(c => !char.IsWhiteSpace(c))));
        return Convert.FromHexString(digits);
    }
}
