using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using KmemKit.Build.Tasks;
using KmemKit.Build.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Build.Tests;

/// <summary>Builds beside each other: inner builds of several frameworks, nodes, and the threads of a multi-threaded MSBuild.</summary>
[TestFixture]
internal sealed class ConcurrencyTests
{
    [Test]
    public void Builds_that_write_one_folder_leave_whole_files()
    {
        using var shared = new BoardProject();
        Parallel.For(0, 8, i =>
        {
            using var project = new BoardProject().Write("b.dts", Samples.Board());
            project.Board("b.dts", ("OutputFolder", shared.Folder), ("EmitDts", "true"), ("EmitDtb", "true"));
            for (var round = 0; round < 10; round++)
            {
                var result = project.Touch("b.dts").Run();
                Assert.That(result.Errors, Is.Empty);
                Assert.That(File.ReadAllBytes(shared["b.kmem.dtb"]).AsSpan(0, 4).ToArray(), Is.EqualTo(new byte[] { 0xd0, 0x0d, 0xfe, 0xed }));
            }
        });
        Assert.That(Directory.EnumerateFiles(shared.Folder).Select(Path.GetFileName), Has.None.StartsWith("."));
    }

    [Test]
    public void Task_keeps_no_static_state_and_says_that_it_is_multi_threadable()
    {
        Assert.That(typeof(BuildKmemBoards).GetCustomAttributesData().Select(a => a.AttributeType.FullName), Has.Member("Microsoft.Build.Framework.MSBuildMultiThreadableTaskAttribute"));
        var fields = typeof(BuildKmemBoards).Assembly.GetTypes()
            .Where(t => t.Namespace?.StartsWith("KmemKit", StringComparison.Ordinal) == true && !t.Name.StartsWith('<'))
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(f => !f.IsInitOnly && !f.IsLiteral && !f.Name.StartsWith('<'));
        Assert.That(fields, Is.Empty);
    }

    [Test]
    public void Cancelled_task_ends_without_a_word()
    {
        using var project = new BoardProject().Write("b.dts", Samples.Board()).Board("b.dts");
        var engine = new RecordingEngine();
        using var task = new BuildKmemBoards
        {
            BuildEngine = engine, StateFolder = project.StateFolder,
            Boards = [new Microsoft.Build.Utilities.TaskItem(project["b.dts"], new System.Collections.Generic.Dictionary<string, string>
            {
                ["StateFolder"] = project.StateFolder + "b/", ["OutputFolder"] = project.StateFolder + "b/",
            })],
        };
        task.Cancel();
        Assert.That(task.Execute(), Is.False);
        Assert.That(engine.Errors, Is.Empty);
        Assert.That(project["obj"], Does.Not.Exist);
    }
}
