extern alias generator;

using System;
using System.Collections;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using generator::KmemKit.Generators;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>What the pipeline remembers from run to run: values, and nothing of the compiler's.</summary>
[TestFixture]
internal sealed class PipelineStateTests
{
    private static readonly string[] Steps =
    [
        TrackingNames.Settings, TrackingNames.Requests, TrackingNames.Boards, TrackingNames.Texts, TrackingNames.Inputs,
        TrackingNames.Compiled, TrackingNames.Models, TrackingNames.Findings,
    ];

    private static GeneratorProject Project() => new GeneratorProject()
        .IncludePath("/p/include")
        .Board("/p/a.dts", "#include \"x.dtsi\"\n" + Samples.Arm(Samples.Msm8974Banks), "Name=&Defconfig=%2Fp%2Fa_defconfig")
        .Board("/p/b.dts", Samples.Arm("<0x0 0x10000000>"))
        .Board("/p/bad.dts", Samples.Arm("<0x0 0x0>").Replace("{", "", StringComparison.Ordinal))
        .Text("/p/x.dtsi", "/* x */\n")
        .Text("/p/a_defconfig", Samples.Defconfig)
        .Run();

    [Test]
    public void Every_step_of_the_pipeline_has_a_name_and_runs()
    {
        var project = Project();
        foreach (var step in Steps)
            Assert.That(project.Reasons(step), Is.Not.Empty, step);
    }

    [TestCaseSource(nameof(Steps))]
    public void Two_runs_over_equal_input_give_equal_values(string step)
    {
        // Two projects share no object, so that only equality by value can make them equal.
        var first = Values(Project(), step);
        var second = Values(Project(), step);
        Assert.That(first, Is.Not.Empty);
        Assert.That(second, Has.Count.EqualTo(first.Count));
        for (var i = 0; i < first.Count; i++)
        {
            Assert.That(second[i], Is.Not.SameAs(first[i]).Or.InstanceOf<ValueType>());
            Assert.That(Equals(first[i], second[i]), $"{step} {i}: {first[i]}");
            Assert.That(second[i].GetHashCode(), Is.EqualTo(first[i].GetHashCode()));
        }
    }

    [TestCaseSource(nameof(Steps))]
    public void No_step_holds_an_object_of_the_compilers(string step)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach (var value in Values(Project(), step))
            Walk(value, step, seen);
    }

    [Test]
    public void An_old_compilation_can_go()
    {
        var project = Project();
        var old = EditAndForget(project);
        for (var i = 0; i < 10 && old.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.That(old.IsAlive, Is.False);
        GC.KeepAlive(project);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference EditAndForget(GeneratorProject project)
    {
        var old = new WeakReference(project.Compilation);
        project.Edit(c => c.RemoveAllSyntaxTrees()).Run();
        return old;
    }

    private static List<object> Values(GeneratorProject project, string step) =>
        [.. project.Result.TrackedSteps[step].SelectMany(s => s.Outputs).Select(o => o.Value)];

    private static void Walk(object? value, string path, HashSet<object> seen)
    {
        if (value is null || value is string || value.GetType().IsPrimitive || value.GetType().IsEnum || !seen.Add(value))
            return;
        Assert.That(value, Is.Not.InstanceOf<Compilation>().And.Not.InstanceOf<ISymbol>().And.Not.InstanceOf<SyntaxNode>()
            .And.Not.InstanceOf<SyntaxTree>().And.Not.InstanceOf<AdditionalText>().And.Not.InstanceOf<Location>()
            .And.Not.InstanceOf<Delegate>(), path);
        if (value is IEnumerable items && value.GetType().Namespace!.StartsWith("System", StringComparison.Ordinal))
        {
            if (value.GetType().GetProperty("IsDefault")?.GetValue(value) is true)
                return;
            foreach (var item in items)
                Walk(item, path + "[]", seen);
            return;
        }
        for (var type = value.GetType(); type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (var field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                Walk(field.GetValue(value), path + "." + field.Name, seen);
        }
    }
}
