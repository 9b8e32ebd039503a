using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The policy: KMK2000-KMK2049 defconfig and overrides, KMK2050-KMK2099 kernel parameters.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> PolicyRules => Policy.Rules;

    // A class of its own: the order in which static fields of a partial class's files are set is not defined, and the table must find these set.
    internal static class Policy
    {
        internal static DiagnosticDescriptor MalformedLine { get; } = Error("KMK2001", "Not a Kconfig line",
            "'{0}' is not an assignment: {1}",
            "Write CONFIG_KEY=value, # CONFIG_KEY is not set, or a comment that starts with #.");

        internal static DiagnosticDescriptor BadValue { get; } = Error("KMK2002", "Value of the wrong type",
            "{0} cannot be '{1}': it takes {2}",
            "Write the value in the form the key takes, without a comment behind it.");

        internal static DiagnosticDescriptor ValueOutOfRange { get; } = Error("KMK2003", "Value out of range",
            "{0} cannot be {1}: it takes {2}",
            "Choose a value in the range.");

        internal static DiagnosticDescriptor KeySetTwice { get; } = Warning("KMK2004", "Key set twice",
            "{0} was already set to {1} at {2}; the last one, {3}, counts",
            "Remove one of the two lines, or put the later one into a fragment of its own.");

        internal static DiagnosticDescriptor ProbablyMisspelled { get; } = Warning("KMK2005", "Key probably misspelled",
            "{0} is unknown and ignored; did you mean {1}?",
            "Correct the key, or remove the line if it is a key of the kernel that says nothing about memory.");

        internal static DiagnosticDescriptor UnknownKeys { get; } = Info("KMK2006", "Keys without meaning for memory",
            "{0} keys, {1} the first, say nothing about the memory map and are ignored",
            "Nothing needs to be done: a kernel's own defconfig may be used as it is.");

        internal static DiagnosticDescriptor TwoOfAChoice { get; } = Error("KMK2007", "Two of an exclusive choice",
            "{0} and {1} (at {2}) are both chosen, but only one {3} is possible",
            "Keep the one that is meant and set the other to n.");

        internal static DiagnosticDescriptor Contradiction { get; } = Error("KMK2008", "Keys contradict each other",
            "{0} is {1}, but {2} at {3} makes it {4}",
            "Keep the one that is meant; the explicit value is used until then.");

        internal static DiagnosticDescriptor MalformedOverride { get; } = Error("KMK2009", "Malformed override",
            "'{0}' is not an override of the form CONFIG_KEY=VALUE",
            "Write --config CONFIG_KEY=VALUE, or name a file that exists.");

        internal static DiagnosticDescriptor UnknownOverride { get; } = Warning("KMK2010", "Unknown key on the command line",
            "{0} says nothing about the memory map and is ignored{1}",
            "Correct the key; kmem's help lists those that count.");

        internal static DiagnosticDescriptor ArchitectureRefuses { get; } = Error("KMK2011", "Value impossible on this architecture",
            "{0} is {1}, but has to be {2}",
            "Choose a value that the kernel could be built with.");

        internal static DiagnosticDescriptor VaBitsWithPageSize { get; } = Error("KMK2012", "Virtual address size does not go with the page size",
            "{0} bits of virtual address do not go with pages of {1} (at {2})",
            "36 and 47 bits go with 16K pages, 39 with 4K, 42 with 64K, 48 and 52 with all.");

        internal static DiagnosticDescriptor MalformedParameter { get; } = Error("KMK2050", "Malformed kernel parameter",
            "the kernel parameter {0}={1} cannot be read: it takes {2}",
            "Correct the value; suffixes are K M G T P E, and nothing may follow them.");

        internal static DiagnosticDescriptor ParameterProbablyMisspelled { get; } = Warning("KMK2051", "Kernel parameter probably misspelled",
            "the kernel parameter {0} is unknown and ignored; did you mean {1}?",
            "Correct the parameter, or remove it.");

        internal static DiagnosticDescriptor ParameterTwice { get; } = Warning("KMK2052", "Kernel parameter given twice",
            "the kernel parameter {0} was already given at {1}; the last one counts",
            "Remove one of the two.");

        internal static DiagnosticDescriptor UnclosedQuote { get; } = Warning("KMK2053", "Unclosed quote in the kernel parameters",
            "the quote that starts {0} is not closed; the rest of the line is one word to the kernel",
            "Close the quote, or remove it.");

        internal static DiagnosticDescriptor ParameterWithoutValue { get; } = Error("KMK2054", "Kernel parameter without a value",
            "the kernel parameter {0} has no value",
            "Write it as NAME=VALUE.");

        internal static DiagnosticDescriptor BootargsNotOneString { get; } = Warning("KMK2055", "bootargs is not one string",
            "the value of /chosen/bootargs {0}; the kernel reads up to the first zero byte",
            "Write the kernel parameters as one string.");

        internal static DiagnosticDescriptor BootargsReplaced { get; } = Info("KMK2056", "bootargs replaced by the built-in parameters",
            "CONFIG_CMDLINE_FORCE replaces the kernel parameters '{0}' of the tree",
            "Nothing needs to be done if this is meant; CONFIG_CMDLINE_EXTEND uses both.");

        internal static DiagnosticDescriptor UnknownSlubDebugLetter { get; } = Warning("KMK2057", "Unknown slub_debug option",
            "the option '{1}' of {0} is unknown and skipped",
            "The options are F Z P U T A O and -; names of caches follow a comma, a further block a semicolon.");

        internal static DiagnosticDescriptor SlubDebugNameNotCompared { get; } = Warning("KMK2058", "slub_debug name that is not compared",
            "in {0} {1}",
            "Write the name in full, or as its beginning and a *.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules =>
        [
            MalformedLine, BadValue, ValueOutOfRange, KeySetTwice, ProbablyMisspelled, UnknownKeys, TwoOfAChoice, Contradiction, MalformedOverride,
            UnknownOverride, ArchitectureRefuses, VaBitsWithPageSize, MalformedParameter, ParameterProbablyMisspelled, ParameterTwice, UnclosedQuote,
            ParameterWithoutValue, BootargsNotOneString, BootargsReplaced, UnknownSlubDebugLetter, SlubDebugNameNotCompared,
        ];
    }
}
