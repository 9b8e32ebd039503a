using System;
using Boards;
using KmemKit.QuickStart;

// Both types were made from .dts files while this project was built: the same phone under two policies of its kernel.
Console.WriteLine("== msm8974: a hole in lowmem costs lowmem");
BoardReport.Print<Msm8974>(Console.Out);

Console.WriteLine();
Console.WriteLine("== msm8974-dont-map-hole: the hole is left out of the linear map");
BoardReport.Print<Msm8974DontMapHole>(Console.Out);

// A board's devices are members: a typo is a compile error, and the editor shows node, range and the line of the .dts.
Console.WriteLine();
Console.WriteLine($"The board has {Msm8974.Devices.Count} device ranges; the last is {Msm8974.Devices.PathOf(Msm8974.Devices.Count - 1)}.");
