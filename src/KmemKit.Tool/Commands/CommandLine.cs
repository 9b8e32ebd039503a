using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.IO;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Layout.Strategies;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Tool.Output;

namespace KmemKit.Tool.Commands;

/// <summary>The grammar of the command line. Exit code 0 is fine, 1 a finding of severity error (a file that is not there is one), 2 wrong usage, 3 a difference that permits more.</summary>
internal static class CommandLine
{
    private const int WrongUsage = 2;
    private const int Widened = 3;

    public static int Run(string[] args, ConsoleStreams console)
    {
        var root = Build(console);
        // A board may be called @something; expanding response files is nothing that kmem promises.
        var result = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors)
                console.WriteErrorLine("kmem: " + TerminalSafe.Of(error.Message));
            console.WriteErrorLine("kmem: see kmem --help");
            return WrongUsage;
        }
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var code = result.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output, Error = errors });
        // What System.CommandLine itself prints: help and version.
        console.Write(output.ToString());
        if (errors.GetStringBuilder().Length > 0)
            console.WriteErrorLine(errors.ToString().TrimEnd('\n'));
        return code;
    }

    private static RootCommand Build(ConsoleStreams console)
    {
        var shared = new SharedOptions();
        var root = new RootCommand(
            """
            The memory map of a board, from the devicetree it already has.

            A <board> is a devicetree source (.dts), a blob (.dtb), or a folder that holds <folder>.dts. Its policy is the
            <board>_defconfig beside it, where there is one. Findings go to standard error as file(line,column): error KMK1234: text.
            Exit code: 0 fine, 1 a finding of severity error, 2 wrong usage.
            """);
        foreach (var option in shared.All)
            root.Options.Add(option);
        root.Subcommands.Add(Layout(shared, console));
        root.Subcommands.Add(Translate(shared, console));
        root.Subcommands.Add(Check(shared, console));
        root.Subcommands.Add(Dts(shared, console));
        root.Subcommands.Add(Mpu(shared, console));
        root.Subcommands.Add(Emit(shared, console));
        root.Subcommands.Add(Diff(shared, console));
        root.Subcommands.Add(Tables(shared, console));
        root.Subcommands.Add(Smmu(shared, console));
        root.Subcommands.Add(Boot(shared, console));
        root.Subcommands.Add(SlabTop(shared, console));
        return root;
    }

    private static Command Layout(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("layout", "Print the \"Virtual kernel memory layout\" block, zones, linear map and physical map.");
        var boards = Boards();
        var compare = new Option<bool>("--compare") { Description = "Print what every user/kernel split and reclaim strategy would give instead, best first." };
        var goal = new Option<string>("--for") { Description = "With --compare: what the best has most of.", HelpName = "lowmem|vmalloc", DefaultValueFactory = _ => "lowmem" };
        goal.AcceptOnlyFromAmong("lowmem", "vmalloc");
        command.Arguments.Add(boards);
        command.Options.Add(compare);
        command.Options.Add(goal);
        command.Validators.Add(result =>
        {
            if (!result.GetValue(compare) && result.GetResult(goal) is { Implicit: false })
                result.AddError("--for says what --compare sorts by: give both.");
        });
        command.SetAction(result =>
        {
            var settings = shared.Of(result);
            IVerb verb = result.GetValue(compare)
                ? new StrategyVerb(result.GetValue(goal) == "vmalloc" ? StrategyGoal.Vmalloc : StrategyGoal.Lowmem)
                : new LayoutVerb(console);
            return BoardRunner.Run(verb, result.GetValue(boards)!, settings, console);
        });
        return command;
    }

    private static Command Translate(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("translate", "Say what addresses are (logical, vmalloc, user, highmem, hole, device...) and what they map to, both ways.");
        var board = new Argument<string>("board") { Description = "A .dts, a .dtb or a board folder." };
        var addresses = new Argument<string[]>("address")
        {
            Description = "Addresses in hexadecimal, 0x in front; each is looked up as a physical and as a virtual one.",
            Arity = ArgumentArity.OneOrMore,
        };
        addresses.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(t => !TranslateVerb.TryParse(t.Value, out _)))
                result.AddError($"'{token.Value}' is no address: write 0x and 1 to 16 hexadecimal digits.");
        });
        board.Validators.Add(RefuseUnknownOptions);
        command.Arguments.Add(board);
        command.Arguments.Add(addresses);
        command.SetAction(result =>
            BoardRunner.Run(new TranslateVerb(result.GetValue(addresses)!), [result.GetValue(board)!], shared.Of(result), console));
        return command;
    }

    private static Command Check(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("check", "Report every finding about the boards.");
        var boards = Boards();
        command.Arguments.Add(boards);
        command.SetAction(result => BoardRunner.Run(new CheckVerb(), result.GetValue(boards)!, shared.Of(result), console));
        return command;
    }

    private static Command Dts(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("dts", "Write the flattened tree, as source or as a blob.");
        var boards = Boards();
        var format = new Option<string>("-O", "--out-format") { Description = "Source or blob.", HelpName = "dts|dtb", DefaultValueFactory = _ => "dts" };
        format.AcceptOnlyFromAmong("dts", "dtb");
        var file = new Option<string?>("-o", "--out") { Description = "Write to this file and not to standard output; for one board.", HelpName = "FILE" };
        command.Arguments.Add(boards);
        command.Options.Add(format);
        command.Options.Add(file);
        command.Validators.Add(result =>
        {
            var many = result.GetValue(boards) is { Length: > 1 };
            if (many && result.GetValue(file) is not null)
                result.AddError("-o takes one board: several trees would overwrite each other.");
            // Blobs carry no separator: the first would swallow the rest.
            else if (many && result.GetValue(format) == "dtb" && !result.GetValue(shared.Json))
                result.AddError("-O dtb takes one board, or --json.");
        });
        command.SetAction(result =>
            BoardRunner.Run(new DtsVerb(result.GetValue(format) == "dtb", result.GetValue(file)), result.GetValue(boards)!, shared.Of(result), console));
        return command;
    }

    private static Command Mpu(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("mpu", "Print the region table of the memory protection unit, with raw register values, for each domain.");
        var boards = Boards();
        var format = new Option<string>("-O", "--out-format")
        {
            Description = "Text, markdown tables, a C header or an include file for the GNU assembler.",
            HelpName = string.Join('|', MpuVerb.Formats), DefaultValueFactory = _ => MpuVerb.Formats[0],
        };
        format.AcceptOnlyFromAmong([.. MpuVerb.Formats]);
        var file = new Option<string?>("-o", "--out") { Description = "Write to this file and not to standard output; for one board.", HelpName = "FILE" };
        command.Arguments.Add(boards);
        command.Options.Add(format);
        command.Options.Add(file);
        command.Validators.Add(result =>
        {
            if (result.GetValue(boards) is { Length: > 1 } && result.GetValue(file) is not null)
                result.AddError("-o takes one board: several tables would overwrite each other.");
            if (result.GetValue(shared.Json) && result.GetResult(format) is { Implicit: false })
                result.AddError("-O and --json are two forms of one output: give one of them.");
        });
        command.SetAction(result =>
            BoardRunner.Run(new MpuVerb(result.GetValue(format)!, result.GetValue(file)), result.GetValue(boards)!, shared.Of(result), console));
        return command;
    }

    private static Command Diff(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("diff", "Say what changed between two definitions: regions, lowmem, permissions. Exit code 3 where something is permitted that was not.");
        var old = new Argument<string>("old") { Description = "The old definition: a .dts, a .dtb or a board folder." };
        var now = new Argument<string>("new") { Description = "The new one." };
        old.Validators.Add(RefuseUnknownOptions);
        now.Validators.Add(RefuseUnknownOptions);
        command.Arguments.Add(old);
        command.Arguments.Add(now);
        command.SetAction(result =>
        {
            var verb = new DiffVerb(result.GetValue(now)!);
            var code = BoardRunner.Run(verb, [result.GetValue(old)!], shared.Of(result), console);
            return code == 0 && verb.Widened ? Widened : code;
        });
        return command;
    }

    private static Command Emit(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("emit", "Write the files that the build makes of the boards: header, linker fragment, trees, emulator maps, reports.");
        var boards = Boards();
        var folder = new Option<string>("-o", "--out") { Description = "The folder to write to; it is made where it is missing.", HelpName = "FOLDER", Required = true };
        var only = new Option<string[]>("--only")
        {
            Description = "Write this kind only; may be given often.", HelpName = string.Join('|', ArtifactTable.Names),
            Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false,
        };
        only.AcceptOnlyFromAmong([.. ArtifactTable.Names]);
        command.Arguments.Add(boards);
        command.Options.Add(folder);
        command.Options.Add(only);
        command.SetAction(result => BoardRunner.Run(
            new EmitVerb(result.GetValue(folder)!, result.GetValue(only) is { Length: > 0 } names ? ArtifactTable.Named(names) : ArtifactTable.All),
            result.GetValue(boards)!, shared.Of(result), console));
        return command;
    }

    private static Command Tables(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("tables", "Plan the board's page tables: size, registers, what is mapped, and why; -o writes the image.");
        var boards = Boards();
        var format = new Option<string?>("--format") { Description = "Format of the tables; by default the one of the board's kernel.", HelpName = "NAME" };
        var map = new Option<string>("--map") { Description = "Addresses as the board's kernel has them, or all one to one.", HelpName = "kernel|flat", DefaultValueFactory = _ => "kernel" };
        map.AcceptOnlyFromAmong("kernel", "flat");
        var image = new ImageOptions(boards);
        var domain = new Option<string?>("--domain") { Description = "The protection domain that runs.", HelpName = "NAME" };
        var why = new Option<string[]>("--why")
        {
            Description = "Say why this virtual address is mapped as it is, level by level; may be given often.",
            HelpName = "ADDR", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false,
        };
        why.Validators.Add(RefuseBadAddresses);
        command.Arguments.Add(boards);
        foreach (var option in new Option[] { format, map, domain, why })
            command.Options.Add(option);
        image.AddTo(command);
        command.SetAction(result =>
        {
            var options = new PageTableOptions
            {
                Style = result.GetValue(map) == "flat" ? MapStyle.Flat : MapStyle.Kernel,
                Format = result.GetValue(format),
                Base = image.BaseOf(result),
                Domain = result.GetValue(domain),
            };
            var addresses = (result.GetValue(why) ?? []).Select(a => TranslateVerb.TryParse(a, out var address) ? address : 0).ToList();
            return BoardRunner.Run(new TablesVerb(options, addresses, image.FormOf(result), image.FileOf(result)), result.GetValue(boards)!, shared.Of(result), console);
        });
        return command;
    }

    private static Command Smmu(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("smmu", "Plan what devices behind the board's SMMUs may reach: streams, contexts, tables, and why; -o writes the image.");
        var boards = Boards();
        var image = new ImageOptions(boards);
        var why = new Option<string[]>("--why")
        {
            Description = "Say why this StreamID reaches what it reaches at this device address, structure by structure; may be given often.",
            HelpName = "STREAM ADDR", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true,
        };
        why.Validators.Add(RefuseBadAddresses);
        command.Arguments.Add(boards);
        command.Options.Add(why);
        image.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(why) is { } words && (words.Length % 2 != 0 || words.Where((_, i) => i % 2 == 0).Any(w => TranslateVerb.TryParse(w, out var id) && id > uint.MaxValue)))
                result.AddError("--why takes a StreamID of at most 32 bits and a device address.");
        });
        command.SetAction(result =>
        {
            var options = new StreamTableOptions { Base = image.BaseOf(result) };
            var words = (result.GetValue(why) ?? []).Select(w => TranslateVerb.TryParse(w, out var value) ? value : 0).ToList();
            var questions = Enumerable.Range(0, words.Count / 2).Select(i => ((uint)words[2 * i], words[(2 * i) + 1])).ToList();
            return BoardRunner.Run(new SmmuVerb(options, questions, image.FormOf(result), image.FileOf(result)), result.GetValue(boards)!, shared.Of(result), console);
        });
        return command;
    }

    internal static void RefuseBadAddresses(OptionResult result)
    {
        foreach (var token in result.Tokens.Where(t => !TranslateVerb.TryParse(t.Value, out _)))
            result.AddError($"'{token.Value}' is no address: write 0x and 1 to 16 hexadecimal digits.");
    }

    private static Command Boot(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("boot", "Boot the board's memory up to the page allocator, and print its boot log and files of its /proc.");
        var boards = Boards();
        var proc = new Option<string[]>("--proc")
        {
            Description = "Print this file of /proc as well; may be given often.",
            HelpName = string.Join('|', BootVerb.ProcNames), Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false,
        };
        proc.AcceptOnlyFromAmong([.. BootVerb.ProcNames]);
        command.Arguments.Add(boards);
        command.Options.Add(proc);
        command.SetAction(result => BoardRunner.Run(new BootVerb(result.GetValue(proc) ?? []), result.GetValue(boards)!, shared.Of(result), console));
        return command;
    }

    private static Command SlabTop(SharedOptions shared, ConsoleStreams console)
    {
        var command = new Command("slabtop", "Boot the board's memory and its object allocator, and print the caches, those with most objects first.");
        var boards = Boards();
        command.Arguments.Add(boards);
        command.SetAction(result => BoardRunner.Run(new SlabTopVerb(), result.GetValue(boards)!, shared.Of(result), console));
        return command;
    }

    private static Argument<string[]> Boards()
    {
        var boards = new Argument<string[]>("board") { Description = "A .dts, a .dtb or a board folder.", Arity = ArgumentArity.OneOrMore };
        boards.Validators.Add(RefuseUnknownOptions);
        return boards;
    }

    // An option that does not exist would otherwise be looked for on the disk.
    private static void RefuseUnknownOptions(ArgumentResult result)
    {
        foreach (var token in result.Tokens.Where(t => t.Value.StartsWith('-')))
            result.AddError($"There is no option '{token.Value}'; a board of that name is given as ./{token.Value}.");
    }

    /// <summary>The options that every verb takes.</summary>
    private sealed class SharedOptions
    {
        public Option<string[]> Config { get; } = new("--config")
        {
            Description = "Lay a policy setting or a Kconfig fragment over the board's defconfig; may be given often. Settings go over fragments.",
            HelpName = "KEY=VALUE|FILE", Recursive = true, Arity = ArgumentArity.ZeroOrMore, AllowMultipleArgumentsPerToken = false,
        };

        public Option<string?> Bootargs { get; } = new("--bootargs")
        {
            Description = "Kernel parameters instead of those in /chosen/bootargs.", HelpName = "ARGS", Recursive = true,
        };

        public Option<bool> Json { get; } = new("--json")
        {
            Description = "One JSON object a board, each on a line of its own.", Recursive = true,
        };

        public Option<string[]> Include { get; } = new("-I", "--include")
        {
            Description = "Search this folder for included files as well; may be given often.",
            HelpName = "FOLDER", Recursive = true, Arity = ArgumentArity.ZeroOrMore, AllowMultipleArgumentsPerToken = false,
        };

        public IEnumerable<Option> All => [Config, Bootargs, Json, Include];

        public Settings Of(ParseResult result) => new(
            result.GetValue(Config) ?? [], result.GetValue(Bootargs), result.GetValue(Json), result.GetValue(Include) ?? []);
    }
}
