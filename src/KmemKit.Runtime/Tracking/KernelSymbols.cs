using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Tracking;

/// <summary>Names of the code under test: turns its return addresses into call sites as <c>%pS</c> prints them (kernel/kallsyms.c, sprint_symbol).</summary>
/// <remarks>A harness for native firmware names functions by the linker's symbol table and gives <see cref="SiteAt"/> of the return address where C# callers
/// give file and line. Threads may ask at once.</remarks>
public sealed class KernelSymbols
{
    // Invariant: by rising start, no two overlap.
    private readonly List<Symbol> _symbols = [];

    // One string an address, so that asking again allocates nothing and finds the same reference.
    private readonly Dictionary<ulong, string> _written = [];

    /// <summary>Names a function.</summary>
    /// <param name="name">Its name; not empty.</param>
    /// <param name="start">Its first address.</param>
    /// <param name="size">Its bytes, at least 1.</param>
    /// <param name="module">The module it is in; null for the kernel itself.</param>
    /// <exception cref="ArgumentException">It overlaps another, reaches beyond 2^64, or has no name.</exception>
    public void Add(string name, ulong start, ulong size, string? module = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfZero(size);
        if (size - 1 > ulong.MaxValue - start)
            throw new ArgumentException($"{name} at 0x{start:x} with 0x{size:x} bytes reaches beyond the address space.", nameof(size));
        lock (_symbols)
        {
            var at = Find(start);
            if (at >= 0 && start - _symbols[at].Start < _symbols[at].Size)
                throw new ArgumentException($"{name} at 0x{start:x} starts inside {_symbols[at].Name}.", nameof(start));
            if (at + 1 < _symbols.Count && _symbols[at + 1].Start - start < size)
                throw new ArgumentException($"{name} at 0x{start:x} with 0x{size:x} bytes runs into {_symbols[at + 1].Name}.", nameof(size));
            _symbols.Insert(at + 1, new Symbol(name, start, size, module));
            _written.Clear();
        }
    }

    /// <summary>The site of an address: <c>function+0x1a/0x40 [module]</c> where it is a known function's, else <c>0x</c> and the address.</summary>
    public AllocationSite SiteAt(ulong address)
    {
        lock (_symbols)
        {
            if (!_written.TryGetValue(address, out var text))
                _written.Add(address, text = Write(address));
            return new AllocationSite(text, 0);
        }
    }

    /// <summary>A site as reports print it: <c>File.cs:12</c> for a line of source, the text itself for an address, <c>0x0</c> for nobody.</summary>
    public static string Describe(AllocationSite site) => string.IsNullOrEmpty(site.File)
        ? "0x0"
        : site.Line == 0 ? site.File : string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(site.File)}:{site.Line}");

    private string Write(ulong address)
    {
        var at = Find(address);
        if (at < 0 || address - _symbols[at].Start >= _symbols[at].Size)
            return "0x" + address.ToString("x", CultureInfo.InvariantCulture);
        var symbol = _symbols[at];
        return string.Create(
            CultureInfo.InvariantCulture, $"{symbol.Name}+0x{address - symbol.Start:x}/0x{symbol.Size:x}{(symbol.Module is null ? "" : $" [{symbol.Module}]")}");
    }

    // The last symbol that starts at or below the address; -1 where there is none.
    private int Find(ulong address)
    {
        var (low, high) = (0, _symbols.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_symbols[middle].Start <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }

    private readonly record struct Symbol(string Name, ulong Start, ulong Size, string? Module);
}
