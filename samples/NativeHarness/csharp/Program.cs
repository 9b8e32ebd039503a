using System;
using System.Linq;
using Boards;
using KmemKit.NativeHarness;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Kernel;

// The driver of ../driver in C#, on the same board: registers behind ioremap, memory of kmalloc, DMA by the rules of the DMA API.
using var kernel = MmuKernel<VirtCortexA15>.Boot();
var node = kernel.Layout.Board.Devices.Single(d => d.Labels.Contains("uart0"));
var registers = node.Ranges[0].Range;
var rules = new DmaDebug();
var dma = new DmaMapper(kernel.Memory) { Debug = rules };
var device = DmaDevice.Of(kernel.Layout.Board, node.NodePath);
var model = new Pl011Model(new BusPort(kernel.Memory, device, 32), device, rules);
kernel.Memory.RequestMemRegion(registers, "pl011", model);

var received = "";
using (var uart = new Pl011Driver(kernel, dma, device, registers))
{
    model.Interrupt += uart.OnInterrupt;
    uart.Received += text => received += text;
    Console.WriteLine($"{kernel.BoardName}: PL011 at {registers.Start}, its buffer at {uart.ReceiveBuffer}");
    uart.Send("hello, ");
    uart.Send("board");
    model.Input("AT");
    model.Input("+OK");
    Console.WriteLine($"   on the line: \"{model.Line}\" ({uart.SentBytes} bytes by DMA)");
    Console.WriteLine($"   came in: \"{received}\"");
}

Console.WriteLine($"   given back: {rules.Count} mappings left, {rules.Reports.Count} rules of the DMA API broken");

// The same mistake as in ../driver/pl011_test.c: the device reads what was given back.
rules.DeviceAccess(device, new KmemKit.Architecture.BusAddr(0x4000_0000), 4, isWrite: false);
Console.WriteLine($"-- wrong on purpose --\n   {rules.Reports[^1].Text}");
return model.Line == "hello, board" && received == "AT+OK" && rules.Reports.Count == 1 ? 0 : 1;
