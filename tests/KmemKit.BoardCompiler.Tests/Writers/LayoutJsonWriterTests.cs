using System.Linq;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Writers;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers;

public sealed class LayoutJsonWriterTests
{
    private static readonly string[] _designKeys =
    [
        "board", "profile", "page_offset", "phys_offset", "banks", "virtual", "vmalloc_min", "lowmem_limit", "high_memory", "linear", "zones", "low_pages",
        "high_pages", "diagnostics",
    ];

    [Test]
    public void The_keys_of_the_design_come_first_and_in_its_order()
    {
        using var json = JsonDocument.Parse(LayoutJsonWriter.Write(SampleLayout.Full(), []));

        Assert.That(json.RootElement.EnumerateObject().Select(p => p.Name).Take(_designKeys.Length), Is.EqualTo(_designKeys));
    }

    [Test]
    public void Addresses_are_hex_strings_and_counts_numbers()
    {
        using var document = JsonDocument.Parse(LayoutJsonWriter.Write(SampleLayout.Full(), []));
        var json = document.RootElement;

        Assert.That(json.GetProperty("page_offset").GetString(), Is.EqualTo("0xc0000000"));
        Assert.That(json.GetProperty("phys_offset").GetString(), Is.EqualTo("0x0"));
        Assert.That(json.GetProperty("banks")[0].ToString(), Is.EqualTo("""{"start":"0x0","size":"0x5b00000","kind":"lowmem"}"""));
        Assert.That(json.GetProperty("virtual")[3].ToString(), Is.EqualTo("""{"name":"lowmem","start":"0xc0000000","end":"0xd0000000"}"""));
        Assert.That(json.GetProperty("linear")[0].ToString(), Is.EqualTo("""{"phys":"0x0","virt":"0xc0000000","size":"0x10000000"}"""));
        Assert.That(json.GetProperty("zones")[1].ToString(), Does.StartWith("""{"name":"HighMem","start_pfn":65536,"spanned":131072,"present":65536"""));
        Assert.That(json.GetProperty("low_pages").GetUInt64(), Is.EqualTo(65024));
        Assert.That(json.GetProperty("vmalloc_min").GetString(), Is.EqualTo("0xd0000000"));
    }

    [Test]
    public void A_finding_has_id_severity_place_and_message()
    {
        var finding = KmemDiagnostic.Create(DiagnosticTable.Files.NotFound, SampleLayout.Line(3), "x");
        using var json = JsonDocument.Parse(LayoutJsonWriter.WriteFailure("b", [finding]));

        Assert.That(json.RootElement.GetProperty("diagnostics")[0].ToString(),
            Is.EqualTo("""{"id":"KMK0020","severity":"error","file":"b/board.dts","line":3,"column":1,"message":"x does not exist"}"""));
    }

    [Test]
    public void Any_name_makes_valid_JSON_on_one_line_and_comes_back()
    {
        var strings = ArbMap.Default.ArbFor<string>();
        Prop.ForAll(strings, text =>
        {
            text ??= "";
            var line = LayoutJsonWriter.WriteFailure(text, []);
            // As it leaves the tool: in UTF-8.
            using var json = JsonDocument.Parse(Encoding.UTF8.GetBytes(line));
            var expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
            return !line.Contains('\n') && !line.Contains('\r') && json.RootElement.GetProperty("board").GetString() == expected;
        }).QuickCheckThrowOnFailure();
    }

    [TestCase("\"\\/\b\f\n\r\t\0\u001b\u007f\u2028\u2029")]
    [TestCase("\ud83d\ude00 pair")]
    [TestCase("half \ud83d")]
    [TestCase("\udc00 half")]
    public void Characters_that_JSON_forbids_are_escaped(string text)
    {
        using var json = JsonDocument.Parse(Encoding.UTF8.GetBytes(LayoutJsonWriter.WriteFailure(text, [])));

        Assert.That(json.RootElement.GetProperty("board").GetString(), Is.EqualTo(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text))));
    }
}
