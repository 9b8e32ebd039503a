using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Reports;

/// <summary>A report as JSON, for machines; the matrix over all boards is made of these files.</summary>
public static class JsonReportWriter
{
    /// <summary>The object, indented, with a newline at its end.</summary>
    public static string Write(ConformanceReport report)
    {
        using var stream = new MemoryStream();
        using (var json = WriterOn(stream))
        {
            json.WriteStartObject();
            json.WriteString("subject", report.Subject);
            json.WriteString("description", report.Description);
            json.WriteNumber("seed", report.Seed);
            json.WriteString("budget", report.Budget);
            json.WriteNumber("facts", report.Facts);
            json.WriteNumber("failures", report.Failures);
            json.WriteNumber("milliseconds", System.Math.Round(report.Elapsed.TotalMilliseconds, 1));
            json.WriteStartArray("rules");
            foreach (var result in report.Results)
                WriteRule(json, result);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    /// <summary>A writer with the form of all JSON of reports.</summary>
    internal static Utf8JsonWriter WriterOn(Stream stream) =>
        new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static void WriteRule(Utf8JsonWriter json, RuleResult result)
    {
        json.WriteStartObject();
        json.WriteString("id", result.Rule);
        json.WriteString("category", result.Category);
        json.WriteString("says", result.Says);
        json.WriteString("outcome", OutcomeText.Of(result.Outcome));
        json.WriteNumber("facts", result.Proof.Checked);
        json.WriteNumber("failures", result.Proof.Failures);
        json.WriteNumber("milliseconds", System.Math.Round(result.Elapsed.TotalMilliseconds, 1));
        if (result.Reason.Length > 0)
            json.WriteString("reason", result.Reason);
        if (result.Proof.LeftOut.Count > 0)
        {
            json.WriteStartArray("left_out");
            foreach (var part in result.Proof.LeftOut)
                json.WriteStringValue(part);
            json.WriteEndArray();
        }
        if (result.Outcome == RuleOutcome.Failed)
        {
            json.WriteStartArray("findings");
            foreach (var finding in result.Proof.Findings)
            {
                json.WriteStartObject();
                json.WriteString("subject", finding.Subject);
                if (finding.Address is { } address)
                    json.WriteString("address", $"0x{address:x}");
                if (finding.Place.Length > 0)
                    json.WriteString("place", finding.Place);
                json.WriteString("expected", finding.Expected);
                json.WriteString("found", finding.Found);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }
}
