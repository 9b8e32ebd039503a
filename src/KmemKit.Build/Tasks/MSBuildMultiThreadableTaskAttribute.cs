using System;

namespace Microsoft.Build.Framework;

/// <summary>Says that a task may run beside others in one process (<c>dotnet build -mt</c>).</summary>
/// <remarks>
/// MSBuild goes by the attribute's full name and not by the assembly it comes from, so that tasks can carry it and still load into an MSBuild from before it:
/// https://learn.microsoft.com/visualstudio/msbuild/update-task-multithreaded. What it promises: no use of the process' folder or environment, and no static state.
/// </remarks>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class MSBuildMultiThreadableTaskAttribute : Attribute;
