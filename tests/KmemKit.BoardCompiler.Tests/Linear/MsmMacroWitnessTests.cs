using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Linear;

/// <summary>
/// The macros of the msm 3.4 kernel for a hole that is not mapped, in the C that gcc makes of them, against the map and against the written C#: for RAM all three
/// give the same address, and outside of RAM the unchecked form is the macro while the checked one refuses.
/// </summary>
public sealed class MsmMacroWitnessTests
{
    // The form is that of the seed document's example 6; the numbers are those of msm8974 (example 8).
    private const string Macros =
        """
        #define PAGE_OFFSET              0xC0000000UL
        #define PHYS_OFFSET              0x00000000UL
        #define MEM_HOLE_END_PHYS_OFFSET 0x12000000UL
        #define MEM_HOLE_PAGE_OFFSET     0xC7600000UL

        #define __phys_to_virt(phys) \
            ((MEM_HOLE_END_PHYS_OFFSET && ((phys) >= MEM_HOLE_END_PHYS_OFFSET)) ? \
             (phys) - MEM_HOLE_END_PHYS_OFFSET + MEM_HOLE_PAGE_OFFSET : \
             (phys) - PHYS_OFFSET + PAGE_OFFSET)

        #define __virt_to_phys(virt) \
            ((MEM_HOLE_END_PHYS_OFFSET && ((virt) >= MEM_HOLE_PAGE_OFFSET)) ? \
             (virt) - MEM_HOLE_PAGE_OFFSET + MEM_HOLE_END_PHYS_OFFSET : \
             (virt) - PAGE_OFFSET + PHYS_OFFSET)

        /* The kernel's unsigned long has 32 bits there. */
        unsigned int phys_to_virt(unsigned int phys) { return (unsigned int)__phys_to_virt(phys); }
        unsigned int virt_to_phys(unsigned int virt) { return (unsigned int)__virt_to_phys(virt); }
        """;

    private const int Seed = 840;

    private string _folder = string.Empty;
    private nint _library;
    private Translate _physToVirt = _ => 0;
    private Translate _virtToPhys = _ => 0;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate uint Translate(uint address);

    [OneTimeSetUp]
    public void CompileTheMacros()
    {
        _folder = Directory.CreateTempSubdirectory("kmemkit-macros-").FullName;
        var source = Path.Combine(_folder, "macros.c");
        var library = Path.Combine(_folder, "macros.so");
        File.WriteAllText(source, Macros + "\n");
        try
        {
            using var gcc = Process.Start(new ProcessStartInfo("gcc", ["-O2", "-shared", "-fPIC", "-o", library, source]) { RedirectStandardError = true })!;
            var errors = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            Assert.That(gcc.ExitCode, Is.Zero, errors);
        }
        catch (Win32Exception)
        {
            Assert.Ignore("install the Debian package gcc");
        }
        _library = NativeLibrary.Load(library);
        _physToVirt = Marshal.GetDelegateForFunctionPointer<Translate>(NativeLibrary.GetExport(_library, "phys_to_virt"));
        _virtToPhys = Marshal.GetDelegateForFunctionPointer<Translate>(NativeLibrary.GetExport(_library, "virt_to_phys"));
    }

    [OneTimeTearDown]
    public void RemoveTheMacros()
    {
        if (_library != 0)
            NativeLibrary.Free(_library);
        if (_folder.Length > 0)
            Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void RAM_is_where_the_kernels_macros_have_it()
    {
        var map = Maps.HoleSkipped;
        var code = CompiledTranslation.Compile([(map, 32, 32)])[0];
        var random = new Random(Seed);
        foreach (var ram in map.Ram)
        {
            // Every page at an offset of its own, and both ends.
            var pages = Enumerable.Range(0, (int)(ram.Size.Value / 4096)).Select(page => ram.Start + ((ulong)page * 4096) + (ulong)random.Next(4096));
            foreach (var phys in pages.Append(ram.Start).Append(ram.Last))
            {
                var virt = new VirtAddr(_physToVirt((uint)phys.Value));
                var agree = map.PhysToVirt(phys, out var mapped) == TranslationStatus.Ok && mapped == virt
                    && code.TryPhysToVirt(phys, out var written) && written == virt
                    && map.VirtToPhys(virt, out var back) == TranslationStatus.Ok && back == phys
                    && code.TryVirtToPhys(virt, out var writtenBack) && writtenBack == phys
                    && _virtToPhys((uint)virt.Value) == phys.Value;
                if (!agree)
                    Assert.Fail($"seed {Seed}: {phys}: macro {virt}, map {mapped}, written {code.PhysToVirt(phys)}, and back {_virtToPhys((uint)virt.Value):x}");
            }
        }
    }

    [Test]
    public void The_unchecked_form_is_the_macro_over_the_whole_address_space()
    {
        var code = CompiledTranslation.Compile([(Maps.HoleSkipped, 32, 32)])[0];
        var random = new Random(Seed);
        for (var page = 0UL; page < 1UL << 32; page += 0x10000)
        {
            var address = (uint)page + (uint)random.Next(0x10000);
            if (code.PhysToVirt(new PhysAddr(address)).Value != _physToVirt(address) || code.VirtToPhys(new VirtAddr(address)).Value != _virtToPhys(address))
                Assert.Fail($"seed {Seed}: 0x{address:x}");
        }
    }
}
