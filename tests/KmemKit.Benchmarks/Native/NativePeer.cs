using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;

namespace KmemKit.Benchmarks.Native;

/// <summary>A C source of this folder, compiled by gcc for this machine when the benchmark starts, and loaded.</summary>
internal sealed class NativePeer : IDisposable
{
    private readonly string _folder;
    private nint _library;

    private NativePeer(string folder, nint library)
    {
        _folder = folder;
        _library = library;
    }

    /// <summary>Compiles and loads.</summary>
    /// <param name="source">Name of the file in <c>Native/</c>.</param>
    /// <param name="options">What goes to gcc beside <c>-shared -fPIC</c>: the level of optimisation, definitions.</param>
    /// <exception cref="InvalidOperationException">gcc is missing, or refuses the source.</exception>
    public static NativePeer Compile(string source, params IEnumerable<string> options)
    {
        var folder = Directory.CreateTempSubdirectory("kmemkit-peer-").FullName;
        var output = Path.Combine(folder, Path.GetFileNameWithoutExtension(source) + ".so");
        var start = new ProcessStartInfo("gcc") { RedirectStandardError = true };
        string[] always = ["-shared", "-fPIC", "-Wall", "-Werror", "-o", output, Path.Combine(AppContext.BaseDirectory, "Native", source)];
        foreach (var option in options)
            start.ArgumentList.Add(option);
        foreach (var option in always)
            start.ArgumentList.Add(option);
        try
        {
            using var gcc = Process.Start(start)!;
            var errors = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            if (gcc.ExitCode != 0)
                throw new InvalidOperationException($"gcc {string.Join(' ', start.ArgumentList)}: {errors}");
            return new NativePeer(folder, NativeLibrary.Load(output));
        }
        catch (Win32Exception missing)
        {
            Directory.Delete(folder, recursive: true);
            throw new InvalidOperationException("There is no gcc to compile the peer with: install the Debian package gcc.", missing);
        }
    }

    /// <summary>The address of a function of the peer.</summary>
    public nint this[string function] => NativeLibrary.GetExport(_library, function);

    public void Dispose()
    {
        if (_library == 0)
            return;
        NativeLibrary.Free(_library);
        _library = 0;
        Directory.Delete(_folder, recursive: true);
    }
}
