using System;
using System.Linq;
using Boards;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mpu;
using KmemKit.Runtime.Processor;

// A board of one's own: boards/thermostat/thermostat.dts, as 'dotnet new kmem-board' makes it, with a protection node. Its type was made while this project was built.
Console.WriteLine($"{Thermostat.Model} ({Thermostat.Profile})");
foreach (var bank in Thermostat.Banks)
    Console.WriteLine($"    RAM {bank.Range}");

// What the build planned for its protection unit, and what it costs.
var plan = Thermostat.MpuPlan;
Console.WriteLine();
Console.WriteLine($"{plan.Format.Name}: {plan.Used} of {plan.RegionCount} regions in use, no plan needs fewer than {plan.LowerBound}; {plan.WasteBytes} bytes are granted beyond the policy");
Print("always", plan.Static.Select(r => (r.Number, r.Range, r.Attributes)));
foreach (var domain in plan.Domains.Where(d => d.Name.Length > 0))
    Print(domain.Name, domain.Regions.Select(r => (r.Number, r.Range, r.Attributes)));

// The same policy at work: the kernel boots, a device of three lines answers, and the task can do what the policy says.
using var kernel = MpuKernel<Thermostat>.Boot();
kernel.Memory.RequestMemRegion(new PhysRange(new PhysAddr(0x40010000), 0x1000), "sensor", new Sensor());
var sensor = new VirtAddr(0x40010000);
Console.WriteLine();
Report("the task reads the sensor", kernel.Run("control", task => Console.WriteLine($"    {task.Load<uint>(sensor) / 10.0:F1} degrees")));
Report("the task keeps a value on its stack", kernel.Run("control", task => task.Store(task.Enter(16), 215)));
Report("the task sets the sensor", kernel.Run("control", task => task.Store(sensor, 0u)));
Report("the task reads the kernel's RAM", kernel.Run("control", task => task.Load<uint>(new VirtAddr(0x20000000))));
Report("the task writes to the console", kernel.Run("control", task => task.Store(new VirtAddr(0x40004000), (uint)'!')));

static void Print(string name, System.Collections.Generic.IEnumerable<(int Number, PhysRange Range, MpuAttributes Attributes)> regions)
{
    Console.WriteLine($"    {name}:");
    foreach (var (number, range, attributes) in regions)
        Console.WriteLine($"        region {number}: {range} {attributes}");
}

static void Report(string what, MemoryFault? fault) => Console.WriteLine(fault is { } found
    ? $"{what}: refused, {found.Cause} fault at {found.Address} ({found.Report.StatusRegister} 0x{found.Report.Status:x})"
    : $"{what}: fine");

/// <summary>A sensor that always says 21.5 degrees.</summary>
internal sealed class Sensor : IBusDevice
{
    public ulong Read(ulong offset, int size) => offset == 0 ? 215UL : 0;

    public void Write(ulong offset, int size, ulong value)
    {
    }
}
