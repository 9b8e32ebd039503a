using System;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Linq;
using System.Threading.Tasks;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Conformance.Allocators;
using KmemKit.Conformance.Boards.Subjects;
using KmemKit.Conformance.Rules;
using KmemKit.Conformance.Translations;
using KmemKit.Runtime.Boot;
using BoardMpu = KmemKit.Architecture.Boards.BoardMpu;

namespace KmemKit.Conformance.Boards;

/// <summary>A board with everything that is made of it, as the rules look at it: each part can be another one, so that rules can be tried on parts with a fault.</summary>
/// <remarks>Parts are made when they are first asked for, or by <see cref="Prepare"/>, once. One thread at a time uses it.</remarks>
public sealed record BoardSubject : IDisposable
{
    // Free pages that are left to an allocator which shall run out: a page allocator has some of its largest blocks, an object allocator objects by the thousand.
    private const int FewPages = 2048, FewObjectPages = 512, QuickObjectPages = 32;

    private readonly ConcurrentDictionary<string, Lazy<object?>> _made = new();
    private Task _preparing = Task.CompletedTask;

    /// <summary>The board, compiled.</summary>
    public required BoardCompilation Compilation { get; init; }

    /// <summary>What its generated type says; null for a board that was compiled in memory.</summary>
    public TypedBoard? Type { get; init; }

    /// <summary>What it was compiled from.</summary>
    public required BoardInput Input { get; init; }

    /// <summary>A file with the boot log that is expected; null where the board's owner keeps none.</summary>
    public string? BootLogBaseline { get; init; }

    /// <summary>Its layout.</summary>
    public MemoryLayout Layout => Part(nameof(Layout), () => OtherLayout ?? Compilation.Layout ?? throw new InvalidOperationException(
        $"{Compilation.Name} has no layout: {string.Join("; ", Compilation.Diagnostics)}"))!;

    /// <summary>Another layout than that of the compilation.</summary>
    public MemoryLayout? OtherLayout { get; init; }

    /// <summary>Its page tables; null for a board without MMU, or where no plan is possible.</summary>
    public PageTablePlan? Tables => Layout.Board.UsesMmu ? BoardTables.Of(Layout).Plan : null;

    /// <summary>The image of its page tables; empty where it has none.</summary>
    public ImmutableArray<byte> Image => OtherImage ?? (ImmutableArray<byte>)Part<object>(nameof(Image), () => Tables is { } plan ? ImmutableArray.Create(TableImage.Write(plan)) : ImmutableArray<byte>.Empty)!;

    /// <summary>Another image than the writer's.</summary>
    public ImmutableArray<byte>? OtherImage { get; init; }

    /// <summary>What its SMMUs are told; null for a board without SMMU, or where no plan is possible.</summary>
    public StreamTablePlan? Streams => OtherStreams ?? Compilation.Streams;

    /// <summary>Another plan of streams than the planner's.</summary>
    public StreamTablePlan? OtherStreams { get; init; }

    /// <summary>The image of its stream tables; empty where it has none.</summary>
    public ImmutableArray<byte> StreamImage => OtherStreamImage ?? (ImmutableArray<byte>)Part<object>(nameof(StreamImage), () => Compilation.Streams is { } plan ? ImmutableArray.Create(StreamTableImage.Write(plan)) : ImmutableArray<byte>.Empty)!;

    /// <summary>Another image of stream tables than the writer's.</summary>
    public ImmutableArray<byte>? OtherStreamImage { get; init; }

    /// <summary>Its protection plan; null where it has none.</summary>
    public BoardMpu? Mpu => OtherMpu ?? Part(nameof(Mpu), () => Compilation is { MpuPlan: { } plan, Board.Protection: { } policy } ? BoardMpuOfPlan.Make(plan, policy) : null);

    /// <summary>Another protection plan than the planner's.</summary>
    public BoardMpu? OtherMpu { get; init; }

    /// <summary>The files that are made of it.</summary>
    public ImmutableArray<Artifact> Artifacts => OtherArtifacts ?? (ImmutableArray<Artifact>)Part<object>(nameof(Artifacts), () => ArtifactSet.Write(Compilation))!;

    /// <summary>Other files than the writers'.</summary>
    public ImmutableArray<Artifact>? OtherArtifacts { get; init; }

    /// <summary>Its page allocator, booted: with all memory and afresh at every call, or for a quick run with few free pages and booted once.</summary>
    public Func<BoardSubject, bool, IAllocatorSubject> Pages { get; init; } = static (board, isQuick) => isQuick ? new BoardPages(board.QuickPages, isShared: true) : new BoardPages(board.Layout);

    /// <summary>Its object allocator, booted with few free pages, so that it can run out; for a quick run once.</summary>
    public Func<BoardSubject, bool, IAllocatorSubject> Objects { get; init; } = static (board, isQuick) => isQuick
        ? new BoardObjects(board.QuickObjects, isShared: true) : new BoardObjects(BoardObjects.BootFor(board.Layout, FewObjectPages), isShared: false);

    /// <summary>Its linear map as the layout has it; another one for a test of the rules.</summary>
    public Func<BoardSubject, ITranslationSubject> Linear { get; init; } = static board => new LinearSubject(board.Layout.Linear);

    /// <summary>What the translation has to say, from banks and segments.</summary>
    public TranslationMap Map => Part(nameof(Map), () => BoardMaps.Translation(this))!;

    /// <summary>The board's name.</summary>
    public string Name => Compilation.Name;

    /// <summary>A board that was compiled in memory.</summary>
    public static BoardSubject Of(BoardInput input)
    {
        var once = input with { RequireLayout = true };
        return new BoardSubject { Compilation = BoardPipeline.Compile(once), Input = once };
    }

    /// <summary><c>file:line</c> of a place, the line from 1; empty where no file says it.</summary>
    public static string PlaceOf(SourceSpan span) => span.File is { } file
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{file.Path.Split('/', '\\').Last()}:{span.StartPosition.Line + 1}") : "";

    /// <summary>Its C header, compiled; null where there is none, it translates nothing, or this host has no gcc.</summary>
    internal HeaderSubject? Header => Part(nameof(Header), () =>
        Layout.Linear.Segments.Length > 0 && HeaderFile is { } header ? HeaderSubject.Compile(header, out _) : null);

    // Written by itself: the compiler works on it while the other files are written.
    private Artifact? HeaderFile => (OtherArtifacts ?? ArtifactSet.Write(Compilation, ArtifactTable.All.Where(IsHeader))).FirstOrDefault(a => IsHeader(a.Kind));

    private static bool IsHeader(ArtifactKind kind) => kind.Name == "c";

    /// <summary>A part that is made once.</summary>
    internal T? Part<T>(string name, Func<T?> make) where T : class => (T?)_made.GetOrAdd(name, static (_, make) => new Lazy<object?>(make), make).Value;

    private BootedMemory QuickPages => Part(nameof(QuickPages), () => BoardPages.BootFor(Layout, FewPages))!;

    private BootedMemory QuickObjects => Part(nameof(QuickObjects), () => BoardObjects.BootFor(Layout, QuickObjectPages))!;

    /// <summary>Starts to make, beside the first rules, the parts that take longest: files and their compiled header, and what a quick run boots once. Whoever asks for one of them meanwhile waits for it.</summary>
    internal void Prepare(ConformanceBudget budget) => _preparing = Task.WhenAll(
        Task.Run(() => Header),
        Task.Run(() =>
        {
            _ = Artifacts;
            if (budget.IsQuick)
                _ = (QuickPages, QuickObjects);
        }));

    /// <summary>Gives up what the parts hold.</summary>
    public void Dispose()
    {
        // What could not be made is the finding of the rule that asks for it.
        ((IAsyncResult)_preparing).AsyncWaitHandle.WaitOne();
        foreach (var part in _made.Values.Where(p => p.IsValueCreated))
            (part.Value as IDisposable)?.Dispose();
        _made.Clear();
    }
}
