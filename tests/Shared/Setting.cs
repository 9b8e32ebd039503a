using System;
using System.Globalization;

namespace KmemKit.Tests.Shared;

/// <summary>Numbers that a run is given by the environment: a seed to replay, how long to go on.</summary>
internal static class Setting
{
    /// <summary>The number; null where there is none.</summary>
    /// <param name="name">Name of the variable.</param>
    public static int? Number(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : null;
}
