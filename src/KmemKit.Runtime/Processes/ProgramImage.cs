using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Processes;

/// <summary>A program's file and where its parts go.</summary>
/// <param name="File">The file, opened for reading.</param>
/// <param name="Text">Address, size in bytes and place in the file of the code.</param>
/// <param name="Data">The same of initialized data.</param>
/// <param name="BssBytes">Bytes behind the data that start as zero.</param>
public sealed record ProgramImage(RegularFile File, ProgramPart Text, ProgramPart Data, ulong BssBytes)
{
    internal Errno LoadInto(AddressSpace space)
    {
        const MapFlags Fixed = MapFlags.Private | MapFlags.FixedNoReplace;
        var text = space.Mmap(Text.Address, Text.Bytes, MemProt.Read | MemProt.Exec, Fixed, File, Text.Offset);
        if (!text.IsOk)
            return text.Error;
        var end = Text.Address.Value + Text.Bytes;
        if (Data.Bytes != 0)
        {
            var data = space.Mmap(Data.Address, Data.Bytes, MemProt.Read | MemProt.Write, Fixed, File, Data.Offset);
            if (!data.IsOk)
                return data.Error;
            end = Data.Address.Value + Data.Bytes;
        }
        return space.StartHeap(end, BssBytes);
    }
}

/// <summary>A part of a program.</summary>
/// <param name="Address">Where it goes; a page's first address.</param>
/// <param name="Bytes">How much.</param>
/// <param name="Offset">Where it is in the file; a multiple of the page.</param>
public readonly record struct ProgramPart(VirtAddr Address, ulong Bytes, ulong Offset);
