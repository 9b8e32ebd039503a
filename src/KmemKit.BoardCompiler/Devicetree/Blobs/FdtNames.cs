using System;
using System.Collections.Generic;
using System.Text;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// Names between blob and string: a byte is the character of the same number (Latin-1), so that any name comes back as it was, also a broken one.
internal static class FdtNames
{
    /// <summary>The text of a name; <paramref name="expressible"/> says whether source can write it.</summary>
    internal static string Read(ReadOnlySpan<byte> name, out bool expressible)
    {
        expressible = name.Length > 0;
        if (name.Length == 0)
            return "";
        Span<char> characters = name.Length <= 256 ? stackalloc char[name.Length] : new char[name.Length];
        for (var i = 0; i < name.Length; i++)
        {
            characters[i] = (char)name[i];
            expressible &= IsNameCharacter(name[i]);
        }
        return characters.ToString();
    }

    /// <summary>Whether a name of a node or a property may stand in source.</summary>
    internal static bool IsExpressible(string name)
    {
        foreach (var character in name)
        {
            if (!IsNameCharacter(character))
                return false;
        }
        return name.Length > 0;
    }

    // The characters that dtc's scanner takes in a name, the union of tables 2.1 and 2.2 of the specification with '*' and '@'.
    internal static bool IsNameCharacter(int character) => character < 128 && NameCharacters[character];

    /// <summary>The name for a message: what is not printable ASCII is written \xNN.</summary>
    internal static string Quote(string name)
    {
        var text = new StringBuilder();
        foreach (var character in name)
        {
            if (character is >= ' ' and <= '~' and not '"' and not '\\')
                text.Append(character);
            else
                text.Append("\\x").Append(((int)character).ToString("x2"));
        }
        return text.ToString();
    }

    /// <summary>The path of a node under construction or indexed.</summary>
    internal static string Path(ReadOnlySpan<byte> bytes, FdtNodeEntry[] nodes, int node)
    {
        if (nodes[node].Parent < 0)
            return "/";
        var names = new List<string>();
        for (; nodes[node].Parent >= 0; node = nodes[node].Parent)
            names.Add(Read(bytes.Slice(nodes[node].NameOffset, nodes[node].NameLength), out _));
        names.Reverse();
        return "/" + string.Join("/", names);
    }

    private static readonly bool[] NameCharacters = MakeNameCharacters();

    private static bool[] MakeNameCharacters()
    {
        var characters = new bool[128];
        foreach (var character in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+*#?@-")
            characters[character] = true;
        return characters;
    }
}
