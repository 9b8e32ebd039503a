using System;
using KmemKit.Conformance.Reports;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Reports;

internal sealed class DurationTests
{
    [TestCase(0, "0 µs")]
    [TestCase(83, "83 µs")]
    [TestCase(999.4, "999 µs")]
    [TestCase(999.6, "1.00 ms")]
    [TestCase(2_412, "2.41 ms")]
    [TestCase(9_996, "10.0 ms")]
    [TestCase(48_250, "48.2 ms")]
    [TestCase(99_960, "100 ms")]
    [TestCase(312_400, "312 ms")]
    [TestCase(999_600, "1.00 s")]
    [TestCase(1_239_000, "1.24 s")]
    [TestCase(9_996_000, "10.0 s")]
    [TestCase(73_960_000, "74.0 s")]
    [TestCase(119_960_000, "2 min 00 s")]
    [TestCase(247_000_000, "4 min 07 s")]
    public void A_time_has_three_digits_in_the_unit_that_fits(double microseconds, string text) => Assert.That(Durations.Text(TimeSpan.FromMicroseconds(microseconds)), Is.EqualTo(text));
}
