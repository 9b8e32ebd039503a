namespace KmemKit.Generators;

/// <summary>Names of the pipeline's steps, by which tests ask the compiler why a step ran.</summary>
internal static class TrackingNames
{
    /// <summary>Include paths, the one setting that is the project's and not a board's.</summary>
    public const string Settings = nameof(Settings);

    /// <summary>What the <c>KmemBoard</c> items say.</summary>
    public const string Requests = nameof(Requests);

    /// <summary>Boards with the names of their types decided.</summary>
    public const string Boards = nameof(Boards);

    /// <summary>Texts that boards can be made from, with what they include.</summary>
    public const string Texts = nameof(Texts);

    /// <summary>Each board with the texts it is made from, and no others.</summary>
    public const string Inputs = nameof(Inputs);

    /// <summary>Each board compiled.</summary>
    public const string Compiled = nameof(Compiled);

    /// <summary>What the code of each board says.</summary>
    public const string Models = nameof(Models);

    /// <summary>What is to be reported.</summary>
    public const string Findings = nameof(Findings);
}
