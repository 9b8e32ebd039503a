using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>Colour only where a terminal is, and not where NO_COLOR asks for none. <c>script</c> gives the tool a terminal.</summary>
public sealed class TerminalTests
{
    [TestCase("", true)]
    [TestCase("NO_COLOR=1", false)]
    [TestCase("TERM=dumb", false)]
    public void Colour_is_for_a_terminal_that_wants_it(string environment, bool colour)
    {
        OutsideTool.Require("script", "bsdutils");
        var result = Kmem.RunShell($"export TERM=xterm; unset NO_COLOR; script -qec \"env {environment} {Kmem.Command} layout boards/pc/pc-64\" /dev/null");

        Assert.That(result.Output.Contains("\u001b["), Is.EqualTo(colour), result.ToString());
        Assert.That(result.Output, Does.Contain("Virtual kernel memory layout:"));
    }

    [Test]
    public void JSON_has_no_colour_at_a_terminal() =>
        Assert.That(Kmem.Run(terminal: true, "layout", "--json", "boards/pc/pc-64").Output, Does.StartWith("{").And.Not.Contain("\u001b["));

    [Test]
    public void A_finding_keeps_its_form_under_the_colours() =>
        Assert.That(Kmem.Run(terminal: true, "layout", "no.dts").Error, Is.EqualTo("no.dts(1,1): \u001b[1;31merror KMK0020\u001b[0m: no.dts does not exist\n"));
}
