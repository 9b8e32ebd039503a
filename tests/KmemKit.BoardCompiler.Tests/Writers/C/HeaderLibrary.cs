using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.BoardCompiler.Tests.Linear;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers.C;

/// <summary>Headers compiled by the host's gcc into one shared library, with the C# of the same maps beside it.</summary>
internal sealed class HeaderLibrary : IDisposable
{
    private readonly nint _library;

    private HeaderLibrary(string folder, IReadOnlyList<HeaderUnit> units, CompiledTranslation[] written)
    {
        Folder = folder;
        Units = units;
        Written = written;
        var library = Path.Combine(folder, "headers.so");
        Run("gcc", ["-std=c99", "-O1", "-shared", "-fPIC", "-o", library, .. units.Select(u => u.Name + ".c"), .. units.Select(u => u.Name + "_asm.S")], folder);
        _library = NativeLibrary.Load(library);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    public delegate void Runner(int which, ulong[] input, [Out] ulong[] output, nuint count);

    /// <summary>Where the sources are.</summary>
    public string Folder { get; }

    public IReadOnlyList<HeaderUnit> Units { get; }

    /// <summary>The C# translation of each unit's map.</summary>
    public CompiledTranslation[] Written { get; }

    public static HeaderLibrary Compile(IReadOnlyList<HeaderUnit> units)
    {
        var folder = Directory.CreateTempSubdirectory("kmemkit-headers-").FullName;
        var written = CompiledTranslation.Compile([.. units.Select(u => (u.Map, u.PhysicalBits, u.VirtualBits))]);
        foreach (var (unit, code) in units.Zip(written))
        {
            File.WriteAllText(Path.Combine(folder, unit.Name + ".kmem.h"), unit.Header);
            File.WriteAllText(Path.Combine(folder, unit.Name + ".c"), unit.CSource(
                p => code.PhysToVirt(new(p)).Value, v => code.VirtToPhys(new(v)).Value));
            File.WriteAllText(Path.Combine(folder, unit.Name + "_asm.S"), unit.AssemblerSource());
        }
        return new HeaderLibrary(folder, units, written);
    }

    public ulong[] Call(HeaderUnit unit, int which, ulong[] input)
    {
        var run = Marshal.GetDelegateForFunctionPointer<Runner>(NativeLibrary.GetExport(_library, unit.Name + "_run"));
        var output = new ulong[input.Length];
        run(which, input, output, (nuint)input.Length);
        return output;
    }

    public ulong[] Table(string name, int count)
    {
        var table = new long[count];
        Marshal.Copy(NativeLibrary.GetExport(_library, name), table, 0, count);
        return Array.ConvertAll(table, n => unchecked((ulong)n));
    }

    public string? Text(string name) => Marshal.PtrToStringUTF8(NativeLibrary.GetExport(_library, name));

    /// <summary>Runs a program in <paramref name="folder"/>; what it says is the message where it fails.</summary>
    public static string Run(string program, IEnumerable<string> arguments, string folder, bool expectFailure = false)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder, Environment = { ["LC_ALL"] = "C" },
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode != 0, Is.EqualTo(expectFailure), $"{program}: {errors.Result}{output}");
        return expectFailure ? errors.Result : output;
    }

    public void Dispose()
    {
        NativeLibrary.Free(_library);
        Directory.Delete(Folder, recursive: true);
    }
}
