using System;
using System.Globalization;
using KmemKit.Native.Machine;

namespace KmemKit.Native.Reports;

/// <summary>Writes reports in the kernel's forms that are not the object allocator's.</summary>
internal static class WarningText
{
    /// <summary>A warning (kernel/panic.c, __warn).</summary>
    public static string Warn(KnownSite site, int cpu, int pid, string message) => string.Create(
        CultureInfo.InvariantCulture,
        $"------------[ cut here ]------------\nWARNING: CPU: {cpu} PID: {pid} in {site}\n{message.TrimEnd('\n')}\nCall Trace:\n {site}\n---[ end trace ]---\n");

    /// <summary>A bug that is one line and who did it.</summary>
    public static string Bug(KnownSite site, int cpu, int pid, string message) => string.Create(
        CultureInfo.InvariantCulture, $"{(message.StartsWith("BUG: ", StringComparison.Ordinal) ? "" : "BUG: ")}{message.TrimEnd('\n')}\nCPU: {cpu} PID: {pid} Comm: host\nCall Trace:\n {site}\n");
}
