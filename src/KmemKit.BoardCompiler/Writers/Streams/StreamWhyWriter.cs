using System;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Writers.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Streams;

/// <summary>Prints why a device reaches what it reaches at an address: the way through the tables, and what decided it.</summary>
public static class StreamWhyWriter
{
    /// <summary>The text, lines ended by a newline.</summary>
    public static string Write(StreamWalk walk)
    {
        if (walk is null)
            throw new ArgumentNullException(nameof(walk));
        var output = new StringBuilder(512);
        output.Append(Invariant($"{walk.Smmu.Name}: stream 0x{walk.Stream:x}, device address {walk.Address}"));
        output.Append(walk.Output is { } phys ? Invariant($" -> {phys} \"{walk.Access.ToText()}\"\n") : Invariant($": {StreamWords.Of(walk.Outcome)}\n"));
        foreach (var step in walk.Steps)
            output.Append(Invariant($"  {step.What,-16} {TableText.Hex(step.Address),-12} {TableText.Hex(step.Value),-18} {step.Meaning}\n"));
        if (walk.Region is { } region)
            Append(output, Invariant($"  {region.Name} {region.Virt} -> {region.Phys}: {region.Reason}"), region.Span);
        else if (walk.Binding is { } binding)
            Append(output, Invariant($"  {binding.Master}: {StreamWords.Of(binding)}{(binding.Context < 0 ? "" : "; nothing is granted there")}"), binding.Stream.Span);
        else
            output.Append("  no master that anything is given to has this StreamID\n");
        return output.ToString();
    }

    private static void Append(StringBuilder output, string text, Sources.SourceSpan span)
    {
        output.Append(text);
        if (span.IsKnown)
            output.Append("  ").Append(span.ToString());
        output.Append('\n');
    }
}
