using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.Generators.Pipeline;

/// <summary>All texts that boards can be made from, by path.</summary>
internal sealed class BoardTextSet : IEquatable<BoardTextSet>
{
    private readonly EquatableArray<BoardText> _texts;
    private readonly Dictionary<string, BoardText> _byKey = new(StringComparer.Ordinal);

    public BoardTextSet(ImmutableArray<BoardText> texts)
    {
        _texts = new EquatableArray<BoardText>(texts);
        foreach (var text in texts)
            _byKey[text.Key] = text;
    }

    public BoardText? Find(string key) => _byKey.TryGetValue(key, out var text) ? text : null;

    /// <summary>
    /// The texts that <paramref name="main"/> can reach by includes, itself left out, in the order of their paths. An include is looked for beside the
    /// including file and in every include path, and all that is found counts, so that the answer holds whichever rule of precedence the front end has.
    /// </summary>
    public EquatableArray<BoardText> Reachable(BoardText main, IReadOnlyList<string> includePaths)
    {
        var reached = new SortedDictionary<string, BoardText>(StringComparer.Ordinal);
        var pending = new Stack<BoardText>();
        pending.Push(main);
        while (pending.Count > 0)
        {
            var text = pending.Pop();
            if (text.HasComputedInclude)
            {
                // Only the preprocessor knows what a macro names: it may be any text.
                return _byKey.Values.Where(t => t.Key != main.Key).OrderBy(t => t.Key, StringComparer.Ordinal).ToEquatableArray();
            }
            foreach (var name in text.Includes)
            {
                Reach(FilePath.Combine(FilePath.FolderOf(text.Key), name));
                foreach (var folder in includePaths)
                    Reach(FilePath.Combine(folder, name));
            }
        }
        return reached.Values.ToEquatableArray();

        void Reach(string key)
        {
            if (key == main.Key || reached.ContainsKey(key) || Find(key) is not { } text)
                return;
            reached.Add(key, text);
            pending.Push(text);
        }
    }

    public bool Equals(BoardTextSet? other) => other is not null && _texts.Equals(other._texts);

    public override bool Equals(object? obj) => Equals(obj as BoardTextSet);

    public override int GetHashCode() => _texts.Length;
}
