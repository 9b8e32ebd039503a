using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>Reads what stands behind the name in a <c>#define</c> (C17 6.10.3). A method returns what is wrong, null where nothing is.</summary>
internal static class MacroReader
{
    public static string? ReadParameters(Macro macro, ref TokenReader reader)
    {
        var names = new List<string>();
        macro.Parameters = names;
        var token = reader.Next();
        if (token.Is(")"))
            return null;
        while (true)
        {
            if (token.Is("..."))
            {
                names.Add("__VA_ARGS__");
                macro.IsVariadic = true;
                return reader.Next().Is(")") ? null : "')' expected behind '...'";
            }
            if (token.Kind != TokenKind.Identifier || token.Text == "__VA_ARGS__")
                return token.Kind == TokenKind.End ? "the parameter list is not closed" : $"'{token.Text}' is not a parameter's name";
            if (names.Contains(token.Text))
                return $"the parameter '{token.Text}' is given twice";
            names.Add(token.Text);
            token = reader.Next();
            if (token.Is("..."))
            {
                // GNU: a name for the variable arguments.
                macro.IsVariadic = true;
                return reader.Next().Is(")") ? null : "')' expected behind '...'";
            }
            if (token.Is(")"))
                return null;
            if (!token.Is(","))
                return token.Kind == TokenKind.End ? "the parameter list is not closed" : $"',' or ')' expected, but '{token.Text}' found";
            token = reader.Next();
        }
    }

    public static string? ReadBody(Macro macro, ref TokenReader reader)
    {
        var body = new List<PreprocessorToken>();
        var stringify = false;
        var hashSpace = false;
        for (var token = reader.Next(); token.Kind != TokenKind.End; token = reader.Next())
        {
            if (token.Is("##"))
            {
                if (body.Count == 0)
                    return "'##' cannot stand at either end of the body";
                var left = body[body.Count - 1];
                left.PasteNext = true;
                body[body.Count - 1] = left;
                continue;
            }
            if (token.Is("#") && macro.Parameters is not null && ParameterBehind(macro, reader) >= 0)
            {
                (stringify, hashSpace) = (true, token.Space);
                continue;
            }
            if (token.Kind == TokenKind.Identifier)
            {
                var parameter = macro.Parameters?.IndexOf(token.Text) ?? -1;
                if (parameter >= 0)
                {
                    token.Kind = TokenKind.Parameter;
                    token.Parameter = (short)parameter;
                    token.Stringify = stringify;
                    if (stringify)
                        token.Space = hashSpace;
                    stringify = false;
                }
                else if (token.Text == "__VA_ARGS__")
                {
                    return "'__VA_ARGS__' stands in the body of a macro without '...'";
                }
            }
            if (body.Count == 0)
                token.Space = false;
            body.Add(token);
        }
        if (body.Count > 0 && body[body.Count - 1].PasteNext)
            return "'##' cannot stand at either end of the body";
        macro.Body = [.. body];
        return null;
    }

    // The reader is a copy: looking ahead does not move the caller's.
    private static int ParameterBehind(Macro macro, TokenReader reader)
    {
        var next = reader.Next();
        return next.Kind == TokenKind.Identifier ? macro.Parameters!.IndexOf(next.Text) : -1;
    }
}
