using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>Bad arguments to every function of the header: it answers, and no exception of C# crosses the boundary.</summary>
[TestFixture]
internal sealed class BadArgumentTests
{
    // Memory of the caller, which C reads or writes through as any C function does: it is there, or NULL where the function says so.
    private static readonly string[] s_callers = ["source", "label", "name", "ops", "context", "into", "from", "to", "list", "config", "message", "format", "level", "dev_id", "start", "size"];

    // NULL means a crash in C itself, as it would in the kernel.
    private static readonly string[] s_notCalled = ["spin_lock", "spin_unlock", "kmem_shutdown", "kmem_set_report_handler", "kmem_set_report_policy", "kmem_irq_save", "kmem_at_spin_lock",
        "kmem_at_spin_unlock", "kmem_at_kmem_shutdown", "kmem_at_kmem_irq_save", "memcpy_fromio", "memcpy_toio", "kmem_at_memcpy_fromio", "kmem_at_memcpy_toio"];

    [Test]
    public void No_function_lets_an_exception_out()
    {
        var source = new StringBuilder("""
            #define KMEM_NO_SITES
            #include "case.h"
            static unsigned long internal;
            static enum kmem_report_action count(const struct kmem_report *report, void *context)
            {
                if (report->kind == KMEM_REPORT_INTERNAL || report->kind == KMEM_REPORT_PANIC)
                    printf("%s: %s\n", (const char *)*(const char **)context, report->text), internal++;
                return KMEM_CONTINUE;
            }

            """);
        var calls = new List<string>();
        foreach (var function in HeaderTests.Prototypes().Where(p => !s_notCalled.Contains(p.Name)))
        {
            var choices = function.Parameters.Where(p => p != "...").Select(Choices).ToList();
            // Each argument bad by itself, the others 0; then all at their last.
            var sets = new HashSet<string> { string.Join(", ", choices.Select(c => c[0])), string.Join(", ", choices.Select(c => c[^1])) };
            for (var i = 0; i < choices.Count; i++)
            {
                foreach (var bad in choices[i])
                    sets.Add(string.Join(", ", choices.Select((c, at) => at == i ? bad : c[0])));
            }
            calls.AddRange(sets.Select(arguments => $"    current = \"{function.Name}\"; (void){function.Name}({arguments});"));
        }
        source.Append("int main(void)\n{\n    static const char *current;\n    int variable = 0;\n    void *object;\n    kmem_set_report_handler(count, &current);\n    kmem_boot(NULL);\n    object = kmalloc(100, GFP_KERNEL);\n    kmem_set_console_level(0);\n");
        source.AppendJoin('\n', calls);
        source.Append("\n    kmem_irq_restore(0);\n    while (kmem_atomic(0) > 0)\n        kmem_atomic(-1);\n    kfree(object);\n    (void)variable;\n    kmem_shutdown();\n    printf(\"%lu internal\\n\", internal);\n    return 0;\n}\n");
        var path = Path.Combine(PublishedBoard.Scratch, "bad_arguments.c");
        File.WriteAllText(path, source.ToString());
        var result = PublishedBoard.Run(PublishedBoard.Compile("bad_arguments", path, "-O0", "-Wno-nonnull", "-Wno-overflow", "-Wno-unused-function"));
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.EndWith("0 internal\n"));
        Assert.That(calls, Has.Count.GreaterThan(1500));
    }

    private static string[] Choices(string parameter)
    {
        if (parameter.Contains("(*", StringComparison.Ordinal) || parameter.StartsWith("irq_handler_t", StringComparison.Ordinal))
            return ["NULL"];
        if (!parameter.Contains('*', StringComparison.Ordinal))
        {
            return parameter.StartsWith("enum ", StringComparison.Ordinal)
                ? ["(" + parameter[..parameter.LastIndexOf(' ')] + ")0", "(" + parameter[..parameter.LastIndexOf(' ')] + ")99"]
                : parameter.Contains("kmem_line", StringComparison.Ordinal) ? ["0", "-1"]
                // time is the machine's: a jump to its end is no bad argument.
                : parameter.Contains("jiffies", StringComparison.Ordinal) ? ["0", "1"]
                : parameter.EndsWith(" change", StringComparison.Ordinal) ? ["0", "1", "-100"]
                : ["0", "1", "4097", "0x7fffffff", "-1"];
        }
        var type = "(" + parameter[..(parameter.LastIndexOf('*') + 1)] + ")";
        var name = parameter[(parameter.LastIndexOf('*') + 1)..].Trim();
        if (name.StartsWith("kmem_", StringComparison.Ordinal) || s_callers.Contains(name))
            return ["NULL"];
        return [type + "NULL", type + "&variable", type + "(uintptr_t)1", type + "(uintptr_t)0x123456789", type + "(uintptr_t)-8", type + "((char *)object + 3)"];
    }
}
