using System;
using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using KmemKit.Runtime.Slab;

namespace KmemKit.Native.Machine;

/// <summary>A call site as reports print it, with its parts.</summary>
/// <param name="File"><c>__FILE__</c> as the compiler was given it; empty where it is not known.</param>
/// <param name="Line">Line; 0 where it is not known.</param>
/// <param name="Function">The C function; empty where it is not known.</param>
/// <param name="Shown">What allocators keep and print: function and file name in front of the line.</param>
internal sealed record KnownSite(string File, int Line, string Function, AllocationSite Shown)
{
    /// <summary>Nobody.</summary>
    public static KnownSite None { get; } = new("", 0, "", default);

    /// <inheritdoc/>
    public override string ToString() => Line == 0 ? (Shown.File is { Length: > 0 } name ? name : "?") : $"{Shown.File}:{Line.ToString(CultureInfo.InvariantCulture)}";
}

/// <summary>Call sites by the addresses of their strings, so that a call at a known place makes no string. One a thread.</summary>
internal sealed unsafe class SiteCache
{
    private const int Slots = 256;

    // One object a site for all threads: what compares sites by reference finds them equal.
    private static readonly ConcurrentDictionary<(string File, int Line, string Function), KnownSite> s_known = new();
    private static readonly ConcurrentDictionary<AllocationSite, KnownSite> s_byShown = new();

    private readonly Slot[] _slots = new Slot[Slots];

    private struct Slot
    {
        public nint File;
        public nint Function;
        public int Line;
        public KnownSite? Site;
    }

    /// <summary>The site.</summary>
    /// <param name="at">As C gave it; may be null.</param>
    public KnownSite Of(CallSite* at)
    {
        if (at == null)
            return KnownSite.None;
        var file = at->File == null ? (nint)at->Caller : (nint)at->File;
        ref var slot = ref _slots[unchecked(((uint)(file >> 3) ^ ((uint)at->Line * 0x9E37u)) % Slots)];
        if (slot.Site is { } known && slot.File == file && slot.Line == at->Line && slot.Function == (nint)at->Function)
            return known;
        var made = Make(at);
        slot = new Slot { File = file, Function = (nint)at->Function, Line = at->Line, Site = made };
        return made;
    }

    /// <summary>The site that an allocator kept; nobody where it kept none.</summary>
    public static KnownSite Of(AllocationSite shown) => s_byShown.TryGetValue(shown, out var known) ? known : KnownSite.None;

    private static KnownSite Make(CallSite* at)
    {
        var site = MakeNew(at);
        s_byShown.TryAdd(site.Shown, site);
        return site;
    }

    private static KnownSite MakeNew(CallSite* at)
    {
        if (at->File == null)
        {
            return at->Caller == null
                ? KnownSite.None
                : s_known.GetOrAdd(("", 0, HostSymbol.Describe(at->Caller)), static key => new KnownSite("", 0, key.Function, new AllocationSite(key.Function, 0)));
        }
        var file = Marshal.PtrToStringUTF8((nint)at->File) ?? "";
        var function = Marshal.PtrToStringUTF8((nint)at->Function) ?? "";
        return s_known.GetOrAdd((file, at->Line, function), static key => new KnownSite(key.File, key.Line, key.Function, new AllocationSite(Shown(key.File, key.Function), key.Line)));
    }

    // Reports cut a path to its last name: the function comes in front of that.
    private static string Shown(string file, string function)
    {
        var name = file[(file.AsSpan().LastIndexOfAny('/', '\\') + 1)..];
        return function.Length == 0 ? name : $"{function} at {name}";
    }
}
