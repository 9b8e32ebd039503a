using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Checks;

/// <summary>An object that nobody freed (mm/kmemleak.c, print_unreferenced).</summary>
/// <param name="Object">Its address.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Cache">Its cache's name; empty for a block of pages of kmalloc.</param>
/// <param name="Allocated">Who allocated it; null where that is not kept (<c>slub_debug=U</c> or KASAN keep it).</param>
/// <param name="Contents">Its first 32 bytes, fewer where it is smaller.</param>
/// <param name="Style">The kernel's form.</param>
/// <param name="By">Who looked.</param>
public sealed record LeakReport(
    VirtAddr Object, long Size, string Cache, TrackRecord? Allocated, ImmutableArray<byte> Contents, SlabReportStyle Style, Reporter By) : MemoryReport(By)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"unreferenced object {Style.Pointer(Object)} (size {Size}){(Cache.Length > 0 ? $", cache {Cache}" : "")}:\n");
        if (Allocated is { } track)
            text.Append(CultureInfo.InvariantCulture, $"  pid {track.Pid}, cpu {track.Cpu}, jiffies {track.When} (age {By.Jiffies - track.When})\n");
        text.Append(CultureInfo.InvariantCulture, $"  hex dump (first {Contents.Length} bytes):\n");
        HexDump.AppendPlain(text, "    ", Contents.AsSpan());
        text.Append(CultureInfo.InvariantCulture, $"  backtrace:\n    {(Allocated is { } known ? KernelSymbols.Describe(known.Site) : "not kept")}\n");
        return text.ToString();
    }
}
