using System;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>Reduces a defconfig to what a memory map depends on.</summary>
public static class PolicyText
{
    /// <summary>The assignments of <paramref name="defconfig"/> whose key <see cref="PolicyVocabulary"/> knows, in their order, one line each.</summary>
    /// <returns>A text that reads as the same policy. A real kernel's defconfig has thousands of lines, and this some ten.</returns>
    public static string Reduce(SourceFile defconfig)
    {
        if (defconfig is null)
            throw new ArgumentNullException(nameof(defconfig));
        var text = new StringBuilder();
        foreach (var assignment in KconfigReader.Read(defconfig, []))
        {
            if (PolicyVocabulary.Find(assignment.Key) is null)
                continue;
            if (assignment.Value is not { } value)
                text.Append("# ").Append(assignment.Key).Append(" is not set");
            else if (assignment.IsQuoted)
                text.Append(assignment.Key).Append("=\"").Append(value.Replace("\\", "\\\\").Replace("\"", "\\\"")).Append('"');
            else
                text.Append(assignment.Key).Append('=').Append(value);
            text.Append('\n');
        }
        return text.ToString();
    }
}
