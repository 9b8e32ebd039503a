using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>How names of a board become identifiers of C, the linker and the like: letters, digits and underscores.</summary>
internal static class IdentifierNames
{
    /// <summary><paramref name="name"/> with an underscore for each character that an identifier cannot have.</summary>
    public static string Spell(string name)
    {
        var result = new StringBuilder(name.Length);
        foreach (var c in name)
            result.Append(c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') ? c : '_');
        return result.Length == 0 ? "_" : result.ToString();
    }

    /// <summary>
    /// Gives every name its identifier: the form of <paramref name="letters"/>, but where two names share one, both keep their own letters, so that neither
    /// depends on which was first. Names that are equal all the same, or taken, get <c>_2</c>, <c>_3</c>… in order.
    /// </summary>
    /// <param name="names">The names, in order.</param>
    /// <param name="letters">Upper or lower case: what names of the language look like.</param>
    /// <param name="taken">Identifiers that are used already.</param>
    public static ImmutableArray<string> Assign(IEnumerable<string> names, Func<string, string> letters, params string[] taken)
    {
        var spelled = names.Select(Spell).ToArray();
        return [.. Settle([.. spelled.Select(letters)], spelled, taken)];
    }

    /// <summary>Settles which name gets which identifier: its form where no other name has that one, else its own letters, else with a number.</summary>
    /// <param name="chosen">Each name's form; changed to what the name gets, and returned.</param>
    /// <param name="spelled">Each name's own letters.</param>
    /// <param name="taken">Identifiers that are used already.</param>
    public static string[] Settle(string[] chosen, string[] spelled, IEnumerable<string> taken)
    {
        var reserved = new HashSet<string>(taken, StringComparer.Ordinal);
        // A name that keeps its own letters may meet another's form, which then does the same; every round moves one name at least.
        for (var changed = true; changed;)
        {
            changed = false;
            // Equal spellings do not count: letters of their own would not part them.
            var shared = new HashSet<string>(
                chosen.Zip(spelled, (form, own) => (form, own)).Distinct().GroupBy(p => p.form, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key),
                StringComparer.Ordinal);
            for (var i = 0; i < chosen.Length; i++)
            {
                if (chosen[i] == spelled[i] || !(shared.Contains(chosen[i]) || reserved.Contains(chosen[i])))
                    continue;
                chosen[i] = spelled[i];
                changed = true;
            }
        }
        var firsts = new HashSet<string>(chosen, StringComparer.Ordinal);
        for (var i = 0; i < chosen.Length; i++)
        {
            if (reserved.Add(chosen[i]))
                continue;
            var number = 2;
            string candidate;
            do
                candidate = chosen[i] + "_" + (number++).ToString(CultureInfo.InvariantCulture);
            while (firsts.Contains(candidate) || reserved.Contains(candidate));
            reserved.Add(candidate);
            chosen[i] = candidate;
        }
        return chosen;
    }
}
