using System.Collections.Generic;

namespace KmemKit.Tool.Commands;

/// <summary>What the options that every verb has were set to.</summary>
/// <param name="Config"><c>--config</c>, in order: <c>KEY=VALUE</c> or a file.</param>
/// <param name="Bootargs"><c>--bootargs</c>; null where not given.</param>
/// <param name="Json"><c>--json</c>.</param>
/// <param name="IncludePaths"><c>-I</c>, in order.</param>
internal sealed record Settings(IReadOnlyList<string> Config, string? Bootargs, bool Json, IReadOnlyList<string> IncludePaths);
