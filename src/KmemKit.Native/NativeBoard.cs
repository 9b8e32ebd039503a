using System;
using System.Linq;
using System.Threading;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.Native;

/// <summary>The board that the library is for. The project that publishes it names one <c>KmemBoard</c>; the build writes an entry point with the call of <see cref="Use{TBoard}"/>.</summary>
public static class NativeBoard
{
    private static Func<MemoryLayout>? s_make;
    private static MemoryLayout? s_layout;

    /// <summary>The board's layout, made when it is first asked for.</summary>
    internal static MemoryLayout Layout => Volatile.Read(ref s_layout) ?? Make();

    /// <summary>Says which board it is.</summary>
    /// <typeparam name="TBoard">The board's type.</typeparam>
    /// <exception cref="InvalidOperationException">There is one already: a library is for one board.</exception>
    public static void Use<TBoard>() where TBoard : struct, IBoard<TBoard> => Use(() => LayoutOf(BoardDefinitions.Compile(TBoard.Definition)));

    /// <summary>The same for a board that was compiled at run time: tests.</summary>
    internal static void Use(Func<MemoryLayout> make)
    {
        if (Interlocked.CompareExchange(ref s_make, make, null) is not null)
            throw new InvalidOperationException("The library has a board already. Publish a project for each board.");
    }

    /// <summary>Takes the board away: tests, which run several in one process.</summary>
    internal static void Forget()
    {
        s_make = null;
        Volatile.Write(ref s_layout, null);
    }

    private static MemoryLayout Make()
    {
        var make = s_make ?? throw new InvalidOperationException("The library has no board: publish a project with a KmemBoard item.");
        var layout = make();
        Volatile.Write(ref s_layout, layout);
        return layout;
    }

    private static MemoryLayout LayoutOf(BoardCompilation compilation) => compilation is { HasErrors: false, Layout: { } layout }
        ? layout
        : throw new InvalidOperationException(string.Join("; ", compilation.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)));
}
