using System;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Build.Tests.Harness;

/// <summary>Boards for tests, small.</summary>
internal static class Samples
{
    /// <summary>A 32-bit Arm board with a bank at an address; what is given before comes in front of the tree.</summary>
    public static string Board(string start = "0x80000000", string before = "") => "/dts-v1/;\n" + before +
        $$"""
        / {
        	#address-cells = <1>;
        	#size-cells = <1>;
        	compatible = "test,board";
        	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a9"; reg = <0>; }; };
        	memory@{{(start.StartsWith("0x", StringComparison.Ordinal) ? start[2..] : "80000000")}} { device_type = "memory"; reg = <{{start}} 0x10000000>; };
        };

        """;

    /// <summary>The same as a blob.</summary>
    public static byte[] Blob()
    {
        var tree = DtsCompiler.Compile(new SourceFile("blob.dts", Board()), null).Tree!;
        return FdtWriter.Write(tree);
    }

    public static byte[] Ascii(string text) => Encoding.ASCII.GetBytes(text);
}
