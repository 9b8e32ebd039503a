using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memory;

public sealed unsafe partial class PhysicalMemory
{
    /// <summary>What of some RAM may hold something other than zeros, because somebody touched it.</summary>
    /// <param name="range">RAM in a row.</param>
    /// <returns>
    /// Stretches by rising address, in whole pages of the host cut to <paramref name="range"/>. On Linux those that the host has a page for
    /// (<c>/proc/self/pagemap</c>, bits 62 and 63); elsewhere the whole range.
    /// </returns>
    /// <exception cref="ArgumentException">Not all of it is RAM in a row.</exception>
    public IEnumerable<PhysRange> TouchedRanges(PhysRange range)
    {
        var host = (nuint)PointerTo(range.Start, range.Size.Value);
        if (host == 0)
            throw new ArgumentException($"{range} is not RAM in a row.", nameof(range));
        return OperatingSystem.IsLinux() ? Touched(range, host) : [range];
    }

    private static IEnumerable<PhysRange> Touched(PhysRange range, nuint host)
    {
        const ulong presentOrSwapped = 3UL << 62;
        var page = (nuint)Environment.SystemPageSize;
        var words = new ulong[8192];
        var end = host + (nuint)range.Size.Value;
        using var pagemap = new FileStream("/proc/self/pagemap", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        nuint open = 0;
        for (var at = host & ~(page - 1); at < end;)
        {
            var pages = (int)Math.Min((nuint)words.Length, (end - at + page - 1) / page);
            pagemap.Position = (long)(at / page * sizeof(ulong));
            pagemap.ReadExactly(MemoryMarshal.AsBytes(words.AsSpan(0, pages)));
            for (var i = 0; i < pages; i++, at += page)
            {
                if ((words[i] & presentOrSwapped) != 0)
                {
                    open = open == 0 ? Math.Max(at, host) : open;
                    continue;
                }
                if (open != 0)
                    yield return Part(open, at);
                open = 0;
            }
        }
        if (open != 0)
            yield return Part(open, end);

        PhysRange Part(nuint from, nuint to) => new(range.Start + (ulong)(from - host), (ulong)(to - from));
    }
}
