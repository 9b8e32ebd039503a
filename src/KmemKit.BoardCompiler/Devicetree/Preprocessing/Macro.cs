using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>What a macro without a body of its own stands for.</summary>
internal enum DynamicMacro : byte
{
    None,
    Line,
    File,
    Counter,
    IncludeLevel,
    BaseFile,
}

/// <summary>A macro: its parameters and its body.</summary>
internal sealed class Macro(string name)
{
    public string Name => name;

    /// <summary>Names of the parameters; null for an object-like macro.</summary>
    public List<string>? Parameters { get; set; }

    /// <summary>Whether the last parameter takes all further arguments.</summary>
    public bool IsVariadic { get; set; }

    public PreprocessorToken[] Body { get; set; } = [];

    public SourceSpan Span { get; set; }

    public DynamicMacro Dynamic { get; set; }

    /// <summary>How many expansions of it are being read: its name is not expanded inside (C17 6.10.3.4).</summary>
    public int Active { get; set; }

    /// <summary>Whether a second definition says the same (C17 6.10.3): same parameters, same tokens, white space in the same places.</summary>
    public bool IsSameAs(Macro other)
    {
        if (IsVariadic != other.IsVariadic || (Parameters is null) != (other.Parameters is null) || Body.Length != other.Body.Length
            || Dynamic != other.Dynamic)
            return false;
        if (Parameters is not null && other.Parameters is not null)
        {
            if (Parameters.Count != other.Parameters.Count)
                return false;
            for (var i = 0; i < Parameters.Count; i++)
            {
                if (Parameters[i] != other.Parameters[i])
                    return false;
            }
        }
        for (var i = 0; i < Body.Length; i++)
        {
            ref readonly var a = ref Body[i];
            ref readonly var b = ref other.Body[i];
            if (a.Kind != b.Kind || a.Text != b.Text || (i > 0 && a.Space != b.Space) || a.PasteNext != b.PasteNext
                || a.Stringify != b.Stringify || a.Parameter != b.Parameter)
                return false;
        }
        return true;
    }
}

/// <summary>The macros defined at a point of the source, found by a stretch of text without making a string of it.</summary>
internal sealed class MacroTable
{
    private Entry?[] _buckets = new Entry?[256];
    private int _count;

    private sealed class Entry(Macro macro, uint hash, Entry? next)
    {
        public Macro Macro = macro;
        public readonly uint Hash = hash;
        public Entry? Next = next;
    }

    /// <summary>The macro of the name at <paramref name="start"/>, or null.</summary>
    public Macro? Find(string text, int start, int end)
    {
        var hash = Hash(text, start, end);
        for (var entry = _buckets[hash & (uint)(_buckets.Length - 1)]; entry is not null; entry = entry.Next)
        {
            if (entry.Hash == hash && entry.Macro.Name.Length == end - start
                && string.CompareOrdinal(entry.Macro.Name, 0, text, start, end - start) == 0)
                return entry.Macro;
        }
        return null;
    }

    public Macro? Find(string name) => Find(name, 0, name.Length);

    /// <summary>Defines or redefines.</summary>
    public void Set(Macro macro)
    {
        var hash = Hash(macro.Name, 0, macro.Name.Length);
        ref var head = ref _buckets[hash & (uint)(_buckets.Length - 1)];
        for (var entry = head; entry is not null; entry = entry.Next)
        {
            if (entry.Macro.Name == macro.Name)
            {
                entry.Macro = macro;
                return;
            }
        }
        head = new Entry(macro, hash, head);
        if (++_count > _buckets.Length)
            Grow();
    }

    public void Remove(string name)
    {
        ref var link = ref _buckets[Hash(name, 0, name.Length) & (uint)(_buckets.Length - 1)];
        while (link is not null)
        {
            if (link.Macro.Name == name)
            {
                link = link.Next;
                _count--;
                return;
            }
            link = ref link.Next;
        }
    }

    private void Grow()
    {
        var old = _buckets;
        _buckets = new Entry?[old.Length * 4];
        foreach (var bucket in old)
        {
            for (var entry = bucket; entry is not null;)
            {
                var next = entry.Next;
                ref var head = ref _buckets[entry.Hash & (uint)(_buckets.Length - 1)];
                entry.Next = head;
                head = entry;
                entry = next;
            }
        }
    }

    private static uint Hash(string text, int start, int end)
    {
        unchecked
        {
            var hash = 2166136261u;
            for (var i = start; i < end; i++)
                hash = (hash ^ text[i]) * 16777619u;
            return hash ^ (hash >> 15);
        }
    }
}
