using System.Text;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Writers.Tables;
using KmemKit.Runtime.Processor;

namespace KmemKit.Conformance.Harness.Faults;

/// <summary>Why an access faulted, in words: what is there, with which rights, who decided so and where that stands.</summary>
internal static class FaultExplanation
{
    /// <summary>The explanation of a fault.</summary>
    public static string Of(FirmwareHarness machine, in MemoryFault fault)
    {
        var text = new StringBuilder(512);
        text.Append($"board {machine.Board.Name}: {fault.Access} of {fault.Address} by {fault.Privilege} code: {fault.Cause}\n");
        if (machine.HasMmu)
            Mmu(machine, fault, text);
        else
            Mpu(machine, fault, text);
        return text.ToString();
    }

    private static void Mmu(FirmwareHarness machine, in MemoryFault fault, StringBuilder text)
    {
        var kernel = machine.Mmu;
        var now = kernel.Addresses.Describe(fault.Address);
        text.Append($"now: {now}\n");
        if (now.Attributes is { } attributes)
            text.Append($"  {now.Output}: {attributes}\n");
        text.Append("at boot: ").Append(TableWhyWriter.Write(AddressWalk.Of(kernel.Plan, fault.Address)));
    }

    private static void Mpu(FirmwareHarness machine, in MemoryFault fault, StringBuilder text)
    {
        var kernel = machine.Mpu;
        var domain = kernel.Current.Name.Length == 0 ? null : kernel.Current.Name;
        text.Append(domain is null ? "no domain runs\n" : $"domain {domain} runs\n");
        if (machine.Board.Protection is not { } policy)
            return;
        if (policy.At(fault.Address.Value, domain) is not { } entry)
        {
            text.Append("  no entry of the policy covers the address: ").Append(policy.PrivilegedBackground ? "privileged code has the default map, others nothing" : "it is denied").Append($"  {policy.Span}\n");
            return;
        }
        text.Append($"  entry {entry.Name} {entry.Range} grants {Rights(entry, Privilege.Privileged)} to privileged code and {Rights(entry, Privilege.User)} to user code  {entry.Span}\n");
    }

    private static string Rights(ProtectionEntry entry, Privilege privilege) => entry.Attributes.RightsOf(privilege) is var rights and not AccessRights.None ? rights.ToText() : "nothing";
}
