using System;
using System.Linq;
using Boards;
using KmemKit.Architecture;
using KmemKit.Runtime.Mpu;
using KmemKit.Runtime.Processor;

// A Cortex-M3 with eight regions: a kernel and three tasks, whose rights stand in the protection node of mps2-an385.dts.
using var kernel = MpuKernel<Mps2An385>.Boot();
var plan = kernel.Plan;
Console.WriteLine($"{kernel.BoardName}: {plan.Format.Name}, {plan.Used} of {plan.RegionCount} regions in use (at least {plan.LowerBound}), {plan.WasteBytes} bytes granted beyond the policy");

// What a switch costs: only registers that differ are written.
Console.WriteLine();
Console.WriteLine("switch                     registers written");
var names = plan.Domains.Select(d => d.Name).ToArray();
foreach (var to in names.Where(n => n.Length > 0))
{
    foreach (var from in names.Where(n => n != to))
    {
        kernel.Switch(from);
        Console.WriteLine($"  {Shown(from),-8} -> {Shown(to),-8}        {kernel.Switch(to).Writes.Length}");
    }
}
kernel.Switch("");

// Tasks talk through a mailbox: the console writes it, the sensor may only read it, the worker does not see it.
var mailbox = new VirtAddr(0x21030000);
Console.WriteLine();
Run("console", "writes to the mailbox", task => task.Store(mailbox, 0xcafeu));
Run("sensor", "reads the mailbox", task => Console.WriteLine($"          it holds 0x{task.Load<uint>(mailbox):x}"));
Run("sensor", "writes to the mailbox", task => task.Store(mailbox, 0u));
Run("worker", "reads the mailbox", task => task.Load<uint>(mailbox));

// A stack that grows over its end meets the guard below it, not another task's memory.
Console.WriteLine();
Run("console", "recurses without end", task =>
{
    for (var depth = 1; ; depth++)
    {
        var frame = task.Enter(256);
        task.Store(frame, depth);
    }
});
Run("worker", "writes into the console's stack", task => task.Store(new VirtAddr(0x21000800), 1));
Run("worker", "runs what it wrote as code", task =>
{
    task.Store(new VirtAddr(0x21020000), 0x4770);
    task.Cpu.Fetch(new VirtAddr(0x21020000), stackalloc byte[2], Privilege.User);
});

// Registers read back are those of the plan; a flipped bit is named.
Console.WriteLine();
Console.WriteLine($"registers differ from the plan in {kernel.VerifyProgrammed().Length} places");

void Run(string domain, string what, Action<MpuTask> code)
{
    var fault = kernel.Run(domain, code);
    Console.WriteLine(fault is { } found
        ? $"{domain,-8} {what}: {found.Report.Exception} at {found.Address}: {found.Access} is not granted ({found.Report.StatusRegister} 0x{found.Report.Status:x})"
        : $"{domain,-8} {what}: fine");
}

static string Shown(string domain) => domain.Length == 0 ? "(kernel)" : domain;
