using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The devicetree source (KMK1000-KMK1499).
public static partial class DiagnosticTable
{
    // Preprocessor.
    internal static readonly DiagnosticDescriptor IncludeNotFound = Error("KMK1000", "Included file not found",
        "the included file '{0}' is not found beside '{1}' nor in an include path", "correct the name, or add the folder to the include paths");
    internal static readonly DiagnosticDescriptor IncludeCycle = Error("KMK1001", "Include cycle",
        "'{0}' includes itself through {1}", "take one of the includes out, or guard the file with #ifndef/#define/#endif");
    internal static readonly DiagnosticDescriptor MalformedDirective = Error("KMK1002", "Malformed preprocessor line",
        "#{0}: {1}", "write the directive as the C standard has it");
    internal static readonly DiagnosticDescriptor UnterminatedConditional = Error("KMK1003", "Conditional without #endif",
        "#{0} has no #endif in this file", "close the conditional in the file that opens it");
    internal static readonly DiagnosticDescriptor StrayConditional = Error("KMK1004", "Conditional line without its #if",
        "#{0} {1}", "remove the line, or open the conditional in this file");
    internal static readonly DiagnosticDescriptor BadCondition = Error("KMK1005", "Expression of #if not understood",
        "#if expression: {0}", "use an integer constant expression");
    internal static readonly DiagnosticDescriptor ErrorDirective = Error("KMK1006", "#error",
        "#error {0}", "do what the message of the source says");
    internal static readonly DiagnosticDescriptor WarningDirective = Warning("KMK1007", "#warning",
        "#warning {0}", "do what the message of the source says");
    internal static readonly DiagnosticDescriptor MacroRedefined = Warning("KMK1008", "Macro redefined differently",
        "the macro '{0}' has another definition already; this one holds from here", "put an #undef in front, or remove one of the two");
    internal static readonly DiagnosticDescriptor BadMacroUse = Error("KMK1009", "Macro used with wrong arguments",
        "macro '{0}': {1}", "give the arguments that its #define names");
    internal static readonly DiagnosticDescriptor BadMacroDefinition = Error("KMK1010", "Malformed macro definition",
        "#define: {0}", "correct the definition");
    internal static readonly DiagnosticDescriptor ExpansionTooLarge = Error("KMK1011", "Preprocessing grows beyond its bound",
        "{0}", "look for a macro or a file that multiplies itself");
    internal static readonly DiagnosticDescriptor UnterminatedComment = Error("KMK1012", "Comment without end",
        "the comment that starts here is not closed by */", "close the comment");
    internal static readonly DiagnosticDescriptor ExtraTokens = Warning("KMK1013", "Text behind a directive",
        "the text behind #{0} has no meaning", "remove it, or make it a comment");

    // Syntax.
    internal static readonly DiagnosticDescriptor SyntaxError = Error("KMK1100", "Syntax error",
        "{0} expected, but {1} found", "correct the source at this place");
    internal static readonly DiagnosticDescriptor MissingVersion = Error("KMK1101", "No /dts-v1/;",
        "the source does not start with '/dts-v1/;'", "make '/dts-v1/;' its first line");
    internal static readonly DiagnosticDescriptor PluginRefused = Error("KMK1102", "/plugin/ is not supported",
        "'/plugin/' asks for a run-time overlay, which has unresolved references and no complete tree",
        "remove '/plugin/;' and apply the source to its board as an overlay by reference");
    internal static readonly DiagnosticDescriptor PropertyAfterSubnode = Error("KMK1103", "Property behind a subnode",
        "the property '{0}' stands behind a subnode; properties come first", "move the property in front of the first subnode");
    internal static readonly DiagnosticDescriptor UnterminatedString = Error("KMK1104", "String or character without end",
        "the {0} that starts here is not closed", "close it with its quote");
    internal static readonly DiagnosticDescriptor NestingTooDeep = Error("KMK1105", "Nested too deep",
        "{0} are nested deeper than {1}", "flatten the source");
    internal static readonly DiagnosticDescriptor UnclosedNode = Error("KMK1106", "Node without end",
        "the source ends inside the node '{0}'", "close the node with '};'");
    internal static readonly DiagnosticDescriptor NoTree = Error("KMK1107", "No root node",
        "the source has no '/ { … };'", "add the root node");

    // Values.
    internal static readonly DiagnosticDescriptor BadIntegerLiteral = Error("KMK1200", "Bad integer",
        "the integer '{0}' {1}", "write a decimal, 0-octal or 0x-hexadecimal number below 2^64");
    internal static readonly DiagnosticDescriptor ValueOutOfRange = Error("KMK1201", "Value does not fit its cell",
        "the value 0x{0:x} does not fit {1} bits, neither unsigned nor sign-extended", "use a wider /bits/ or mask the value");
    internal static readonly DiagnosticDescriptor DivisionByZero = Error("KMK1202", "Division by zero",
        "the expression divides by zero", "correct the expression");
    internal static readonly DiagnosticDescriptor BadBits = Error("KMK1203", "Bad /bits/",
        "cells of {0} bits do not exist", "use /bits/ 8, 16, 32 or 64");
    internal static readonly DiagnosticDescriptor ReferenceInNarrowCells = Error("KMK1204", "Reference in cells that are not of 32 bits",
        "the reference '{0}' stands in cells of {1} bits; a phandle has 32", "take the reference out of the /bits/ array");
    internal static readonly DiagnosticDescriptor BadCharacterLiteral = Error("KMK1205", "Bad character literal",
        "the character literal {0}", "put exactly one character (or one escape) between the quotes");
    internal static readonly DiagnosticDescriptor BadEscape = Error("KMK1206", "Bad escape",
        "\\x is not followed by a hexadecimal digit", "write \\x and one or two hexadecimal digits");
    internal static readonly DiagnosticDescriptor NonstandardSuffix = Warning("KMK1207", "Integer suffix that dtc refuses",
        "dtc does not know the integer suffix '{0}'", "write it as U, L, UL, LL or ULL");
    internal static readonly DiagnosticDescriptor BinaryNotFound = Error("KMK1208", "File of /incbin/ not found",
        "the file '{0}' of /incbin/ cannot be read", "correct the name, or add its folder to the include paths");
    internal static readonly DiagnosticDescriptor BinaryTooShort = Warning("KMK1209", "/incbin/ beyond the end of its file",
        "/incbin/ asks for bytes 0x{0:x} to 0x{1:x} of '{2}', which has 0x{3:x}; the value ends with the file", "correct offset and length");

    // The tree.
    internal static readonly DiagnosticDescriptor UnresolvedReference = Error("KMK1300", "Reference to nothing",
        "no node has the label or path '{0}'", "correct the reference, or add the node");
    internal static readonly DiagnosticDescriptor UnresolvedTarget = Error("KMK1301", "No node to extend or delete",
        "no node has the label or path '{0}' here", "correct the reference, or move this behind the node's definition");
    internal static readonly DiagnosticDescriptor DuplicateLabel = Error("KMK1302", "Label given twice",
        "the label '{0}' stands for two things", "rename one of the two");
    internal static readonly DiagnosticDescriptor DuplicateNode = Error("KMK1303", "Two subnodes of one name",
        "the node '{0}' has two subnodes '{1}'", "rename, merge or remove one; /delete-node/ works on what an earlier body defines");
    internal static readonly DiagnosticDescriptor DuplicateProperty = Error("KMK1304", "Two properties of one name",
        "the node '{0}' has two properties '{1}'", "remove one of the two");
    internal static readonly DiagnosticDescriptor BadNodeName = Error("KMK1305", "Bad node name",
        "the node name '{0}' {1}", "use letters, digits and ,._+- with one @ in front of the unit address");
    internal static readonly DiagnosticDescriptor BadPropertyName = Error("KMK1306", "Bad property name",
        "the property name '{0}' has the character '{1}'", "use letters, digits and ,._+?#*-");
    internal static readonly DiagnosticDescriptor BadPhandle = Error("KMK1307", "Bad phandle property",
        "{0} of '{1}' {2}", "give one cell that is neither 0 nor 0xffffffff, or leave the property out");
    internal static readonly DiagnosticDescriptor DuplicatePhandle = Error("KMK1308", "Phandle given twice",
        "the phandle 0x{0:x} of '{1}' is that of '{2}'", "give each node its own, or leave the numbers to the compiler");
    internal static readonly DiagnosticDescriptor BadNameProperty = Error("KMK1309", "Bad 'name' property",
        "the property 'name' of '{0}' {1}", "remove it: the node's name says the same");
    internal static readonly DiagnosticDescriptor UnitAddressMismatch = Warning("KMK1310", "Unit address against reg",
        "the node '{0}' has {1}", "give a node with reg or ranges a unit address, and only such a node");
    internal static readonly DiagnosticDescriptor DeleteWithoutEffect = Warning("KMK1311", "Deletion without effect",
        "'/delete-property/ {0}' does not delete what the same body defines", "remove the property, or delete it in a later body");
    internal static readonly DiagnosticDescriptor RepeatedInExtension = Warning("KMK1312", "Given twice in an extension",
        "the {0} '{1}' is given twice in this body; {2}", "remove one of the two");

    private static ImmutableArray<DiagnosticDescriptor> DevicetreeRules =>
    [
        IncludeNotFound, IncludeCycle, MalformedDirective, UnterminatedConditional, StrayConditional, BadCondition, ErrorDirective,
        WarningDirective, MacroRedefined, BadMacroUse, BadMacroDefinition, ExpansionTooLarge, UnterminatedComment, ExtraTokens,
        SyntaxError, MissingVersion, PluginRefused, PropertyAfterSubnode, UnterminatedString, NestingTooDeep, UnclosedNode, NoTree,
        BadIntegerLiteral, ValueOutOfRange, DivisionByZero, BadBits, ReferenceInNarrowCells, BadCharacterLiteral, BadEscape,
        NonstandardSuffix, BinaryNotFound, BinaryTooShort,
        UnresolvedReference, UnresolvedTarget, DuplicateLabel, DuplicateNode, DuplicateProperty, BadNodeName, BadPropertyName,
        BadPhandle, DuplicatePhandle, BadNameProperty, UnitAddressMismatch, DeleteWithoutEffect, RepeatedInExtension,
    ];
}
