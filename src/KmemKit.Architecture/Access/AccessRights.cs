using System;
using System.Text;

namespace KmemKit.Architecture;

/// <summary>What may be done at an address.</summary>
[Flags]
public enum AccessRights : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Loads.</summary>
    Read = 1,

    /// <summary>Stores.</summary>
    Write = 2,

    /// <summary>Instruction fetches.</summary>
    Execute = 4,

    /// <summary>Loads and stores.</summary>
    ReadWrite = Read | Write,

    /// <summary>Loads, stores and instruction fetches.</summary>
    All = Read | Write | Execute,
}

/// <summary>Who accesses.</summary>
public enum Privilege
{
    /// <summary>Unprivileged code: User mode, EL0, ring 3; RISC-V U-mode, and S-mode too where PMP is meant.</summary>
    User,

    /// <summary>Privileged code: the other Arm modes, EL1, rings 0 to 2; RISC-V S-mode, and M-mode where PMP is meant.</summary>
    Privileged,
}

/// <summary>Text form of <see cref="AccessRights"/>: the letters <c>r</c>, <c>w</c>, <c>x</c> in this order.</summary>
public static class AccessRightsText
{
    /// <summary>Such as <c>rx</c>; empty for none.</summary>
    public static string ToText(this AccessRights rights)
    {
        var text = new StringBuilder(3);
        if ((rights & AccessRights.Read) != 0)
            text.Append('r');
        if ((rights & AccessRights.Write) != 0)
            text.Append('w');
        if ((rights & AccessRights.Execute) != 0)
            text.Append('x');
        return text.ToString();
    }

    /// <summary>Reads letters out of <c>rwx</c>, each at most once, in any order; the empty text is none.</summary>
    /// <returns>False for another letter, or one that is there twice.</returns>
    public static bool TryParse(string text, out AccessRights rights)
    {
        rights = AccessRights.None;
        if (text is null)
            return false;
        foreach (var letter in text)
        {
            var right = letter switch
            {
                'r' => AccessRights.Read,
                'w' => AccessRights.Write,
                'x' => AccessRights.Execute,
                _ => AccessRights.None,
            };
            if (right == AccessRights.None || (rights & right) != 0)
                return false;
            rights |= right;
        }
        return true;
    }
}
