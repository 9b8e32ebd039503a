using System.Linq;
using System.Text;
using KmemKit.Files;
using KmemKit.Tool.Output;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

public sealed class SourceTextTests
{
    [Test]
    public void UTF_8_is_read_as_it_is() => Assert.That(SourceText.Decode("é😀"u8), Is.EqualTo("é😀"));

    [Test]
    public void A_byte_that_is_no_UTF_8_becomes_a_lone_surrogate_that_names_it() =>
        Assert.That(SourceText.Decode([(byte)'a', 0xe9, (byte)'b', 0xc3, 0xa9, 0xff]), Is.EqualTo("a\udce9bé\udcff"));

    [Test]
    public void Every_byte_comes_through_alone()
    {
        for (var b = 1; b < 256; b++)
        {
            var text = SourceText.Decode([(byte)b, (byte)'\n']);
            Assert.That((int)text[0] & 0xff, Is.EqualTo(b));
            Assert.That(text, Has.Length.EqualTo(2));
        }
    }

    [TestCase(new byte[] { 0xd0, 0x0d, 0xfe, 0xed, 0 }, true)]
    [TestCase(new byte[] { 0xd0, 0x0d, 0xfe }, false)]
    [TestCase(new byte[0], false)]
    public void A_blob_is_known_by_its_magic_number(byte[] bytes, bool isBlob) => Assert.That(SourceText.IsBlob(bytes), Is.EqualTo(isBlob));

    [Test]
    public void Control_characters_are_shown_and_not_obeyed() =>
        Assert.That(TerminalSafe.Of("a\u001b[31m\tb\u0085\udce9\ud83d\ude00\ud83d\n"), Is.EqualTo("a\\x1b[31m\tb\\x85\\xe9\ud83d\ude00\\ud83d\n"));

    [Test]
    public void A_text_without_them_is_the_same_object()
    {
        var text = "plain \ud83d\ude00 text";
        Assert.That(TerminalSafe.Of(text), Is.SameAs(text));
        Assert.That(Encoding.UTF8.GetBytes(TerminalSafe.Of("\udce9")).All(b => b < 128), Is.True);
    }
}
