using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;

namespace KmemKit.Native.Machine;

/// <summary>Names of the host program's code, as <c>%pS</c> prints them.</summary>
internal static unsafe partial class HostSymbol
{
    // Dl_info of <dlfcn.h>.
    [StructLayout(LayoutKind.Sequential)]
    private struct SymbolInfo
    {
        public byte* File;
        public nint Base;
        public byte* Name;
        public nint Address;
    }

    /// <summary><c>function+0x1a [program]</c> where the dynamic linker knows the function (-rdynamic), else <c>program+0x1a2b</c>, which addr2line takes.</summary>
    public static string Describe(void* address)
    {
        SymbolInfo info;
        if (Dladdr(address, &info) == 0 || info.File == null)
            return "0x" + ((nint)address).ToString("x", CultureInfo.InvariantCulture);
        var module = Path.GetFileName(Marshal.PtrToStringUTF8((nint)info.File)) ?? "";
        return info.Name == null
            ? string.Create(CultureInfo.InvariantCulture, $"{module}+0x{(nint)address - info.Base:x}")
            : string.Create(CultureInfo.InvariantCulture, $"{Marshal.PtrToStringUTF8((nint)info.Name)}+0x{(nint)address - info.Address:x} [{module}]");
    }

    [LibraryImport("libc", EntryPoint = "dladdr")]
    private static partial int Dladdr(void* address, SymbolInfo* info);
}
