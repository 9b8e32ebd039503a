using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Processor;

namespace KmemKit.Runtime.Mpu;

/// <summary>Code that runs in a domain: unprivileged, with the domain's stack and heap.</summary>
public sealed class MpuTask
{
    private const ulong StackAlignment = 8;

    private readonly MpuKernel _kernel;

    internal MpuTask(MpuKernel kernel, MpuDomain domain)
    {
        _kernel = kernel;
        Domain = domain;
        StackPointer = new VirtAddr(domain.Stack is { } stack ? stack.End.Value & ~(StackAlignment - 1) : 0);
    }

    /// <summary>The domain.</summary>
    public MpuDomain Domain { get; }

    /// <summary>The CPU; a task's own accesses are those below.</summary>
    public MpuCpu Cpu => _kernel.Cpu;

    /// <summary>The stack pointer; 0 for a domain without stack.</summary>
    public VirtAddr StackPointer { get; private set; }

    /// <summary>Reads, unprivileged.</summary>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    public T Load<T>(VirtAddr address) where T : unmanaged => Cpu.Load<T>(address, Privilege.User);

    /// <summary>Writes, unprivileged.</summary>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    public void Store<T>(VirtAddr address, T value) where T : unmanaged => Cpu.Store(address, value, Privilege.User);

    /// <summary>Makes room on the stack, as a function does when it is entered; nothing is touched before it is used.</summary>
    /// <param name="bytes">Rounded up to 8, as the stack of Arm and RISC-V is at each call.</param>
    /// <returns>The lowest address.</returns>
    public VirtAddr Enter(ulong bytes) => StackPointer = new VirtAddr(unchecked(StackPointer.Value - Alignment.Up(bytes, StackAlignment)));

    /// <summary>Gives room on the stack back.</summary>
    public void Leave(ulong bytes) => StackPointer = new VirtAddr(unchecked(StackPointer.Value + Alignment.Up(bytes, StackAlignment)));

    /// <summary>Takes memory of the domain's heap; null where there is none (-ENOMEM), or no heap.</summary>
    public VirtAddr? Alloc(ulong bytes) => Domain.Heap?.Alloc(bytes) is { } block ? new VirtAddr(block.Value) : null;

    /// <summary>Gives memory of the domain's heap back.</summary>
    /// <exception cref="InvalidOperationException">The domain has no heap.</exception>
    /// <exception cref="Uclinux.UclinuxFreeException">It is no block of the heap.</exception>
    public void Free(VirtAddr block) =>
        (Domain.Heap ?? throw new InvalidOperationException($"Domain {Domain.Name} has no heap.")).Free(new PhysAddr(block.Value));
}
