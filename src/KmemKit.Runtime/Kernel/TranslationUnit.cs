using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Kernel;

/// <summary>The part of a kernel that depends on the format of its tables.</summary>
internal abstract class TranslationUnit
{
    /// <summary>The kernel's tree.</summary>
    public abstract IPageTables Kernel { get; }

    /// <summary>Bytes of the smallest leaf that is larger than a page; a page where there is none.</summary>
    public abstract ulong HugeBytes { get; }

    /// <summary>Whether the kernel has a tree of its own beside the one of the process (TTBR1): processes then share nothing with it.</summary>
    public abstract bool HasSecondTree { get; }

    /// <summary>A CPU that starts with the trees of the image.</summary>
    public abstract IMmuCpu NewCpu(TlbProfile profile);

    /// <summary>Lets a CPU go on with the kernel's tree alone: where the process's is another one, with an empty one in its place.</summary>
    public abstract void UseKernelTables(IMmuCpu cpu);

    /// <summary>An empty tree for a process; null where there is no memory.</summary>
    public abstract IPageTables? NewUserTables(Cpu cpu);

    /// <summary>Goes on with a plan whose image is in RAM.</summary>
    /// <exception cref="NotSupportedException">No kernel runs with that format.</exception>
    public static TranslationUnit Of(PageTablePlan plan, BootedMemory memory, TlbDomain domain)
    {
        var bits = plan.Map.Layout.Board.Policy.VaBits?.Value ?? 48;
        return plan.Regime.Trees[^1].Format switch
        {
            ArmShortFormat format => Make(format, format),
            ArmLpaeFormat format => Make(format, format),
            Vmsav8Format<Granule4K> format => Make(format, new Vmsav8Format<Granule4K>(bits)),
            Vmsav8Format<Granule16K> format => Make(format, new Vmsav8Format<Granule16K>(bits)),
            Vmsav8Format<Granule64K> format => Make(format, new Vmsav8Format<Granule64K>(bits)),
            X86Format<TwoLevel> format => Make(format, format),
            X86Format<Pae> format => Make(format, format),
            X86Format<FourLevel> format => Make(format, format),
            X86Format<FiveLevel> format => Make(format, format),
            SvFormat<Sv32> format => Make(format, format),
            SvFormat<Sv39> format => Make(format, format),
            SvFormat<Sv48> format => Make(format, format),
            SvFormat<Sv57> format => Make(format, format),
            var format => throw new NotSupportedException($"No kernel runs with tables of {format.Name}."),
        };

        TranslationUnit Make<TFormat>(TFormat format, TFormat user)
            where TFormat : struct, ITranslationFormat => new TranslationUnit<TFormat>(plan, memory, domain, format, user);
    }
}

/// <summary>The same for one format.</summary>
internal sealed class TranslationUnit<TFormat> : TranslationUnit
    where TFormat : struct, ITranslationFormat
{
    private readonly PhysicalMemory _memory;
    private readonly TlbDomain _domain;
    private readonly TFormat _user;
    private readonly PageTables<TFormat> _kernel;
    private readonly PageTables<TFormat>? _boot;
    private readonly PageTables<TFormat>? _empty;

    public TranslationUnit(PageTablePlan plan, BootedMemory memory, TlbDomain domain, TFormat format, TFormat user)
    {
        (_memory, _domain, _user) = (memory.Memory, domain, user);
        var cpu = memory.Allocator.Cpus[0];
        // The kernel's tree is the last one: its addresses are the highest.
        _kernel = Adopt(plan.Roots.Length - 1, format);
        HugeBytes = format.Shapes.Where(static shape => shape.Count == 1).Skip(1).Select(static shape => shape.Bytes).FirstOrDefault(memory.Layout.Pages.PageSize);
        HasSecondTree = !format.Translates(0);
        if (!HasSecondTree)
            return;
        _empty = PageTables.Create(cpu, _memory, user, domain) ?? throw new MemoryBootException("There is no page for an empty tree.");
        if (plan.Roots.Length > 1)
            _boot = Adopt(0, (TFormat)plan.Regime.Trees[0].Format);

        PageTables<TFormat> Adopt(int tree, TFormat of) => PageTables.Adopt(
            cpu, _memory, of, domain, plan.AddressOf(plan.Roots[tree]), plan.Range, plan.Tables.Count(table => table.Tree == tree) - 1);
    }

    public override IPageTables Kernel => _kernel;

    public override ulong HugeBytes { get; }

    public override bool HasSecondTree { get; }

    public override IMmuCpu NewCpu(TlbProfile profile)
    {
        var cpu = new MmuCpu<TFormat>(_memory, new TlbModel(profile, _domain));
        if (HasSecondTree)
            cpu.SetKernelTables(_kernel.Format, _kernel.Root);
        var first = HasSecondTree ? _boot ?? _empty! : _kernel;
        cpu.SetTables(first.Format, first.Root, 0);
        return cpu;
    }

    public override void UseKernelTables(IMmuCpu cpu) => cpu.SetTables(_empty ?? _kernel, 0);

    public override IPageTables? NewUserTables(Cpu cpu) => PageTables.Create(cpu, _memory, _user, _domain, shared: false);
}
