using System;
using System.IO;
using System.Text;

namespace KmemKit.Tool.Tests;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class Scratch : IDisposable
{
    public const string GoodBoard =
        """
        /dts-v1/;
        / {
        	#address-cells = <1>;
        	#size-cells = <1>;
        	compatible = "test,board";
        	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a9"; reg = <0>; }; };
        	memory@80000000 { device_type = "memory"; reg = <0x80000000 0x10000000>; };
        };

        """;

    public Scratch() => Folder = Directory.CreateTempSubdirectory("kmem").FullName;

    public string Folder { get; }

    public string this[string name] => Path.Combine(Folder, name);

    public string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    public string Write(string name, byte[] bytes)
    {
        var path = this[name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
