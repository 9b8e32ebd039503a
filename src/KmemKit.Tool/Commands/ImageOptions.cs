using System.CommandLine;
using KmemKit.Architecture;

namespace KmemKit.Tool.Commands;

/// <summary>What verbs that plan an image have in common: where it goes in memory, and its file and form.</summary>
internal sealed class ImageOptions
{
    private readonly Option<string?> _base = new("--base") { Description = "Physical address of the image; by default the highest free place in lowmem.", HelpName = "ADDR" };
    private readonly Option<string> _form = new("-O", "--out-format") { Description = "Form of the image.", HelpName = "bin|asm|c|header|cs", DefaultValueFactory = _ => "bin" };
    private readonly Option<string?> _file = new("-o", "--out") { Description = "Write the image to this file; for one board.", HelpName = "FILE" };
    private readonly Argument<string[]> _boards;

    /// <param name="boards">The boards of the call: an image's file is for one.</param>
    public ImageOptions(Argument<string[]> boards)
    {
        _boards = boards;
        _base.Validators.Add(CommandLine.RefuseBadAddresses);
        _form.AcceptOnlyFromAmong("bin", "asm", "c", "header", "cs");
    }

    public void AddTo(Command command)
    {
        command.Options.Add(_base);
        command.Options.Add(_form);
        command.Options.Add(_file);
        command.Validators.Add(result =>
        {
            if (result.GetValue(_boards) is { Length: > 1 } && result.GetValue(_file) is not null)
                result.AddError("-o takes one board: several images would overwrite each other.");
        });
    }

    public PhysAddr? BaseOf(ParseResult result) => result.GetValue(_base) is { } text && TranslateVerb.TryParse(text, out var start) ? new PhysAddr(start) : null;

    public ImageForm FormOf(ParseResult result) => ImageForms.Parse(result.GetValue(_form));

    public string? FileOf(ParseResult result) => result.GetValue(_file);
}
