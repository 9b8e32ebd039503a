using System;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>The command queue (Arm IHI 0070, chapters 3.5 and 4).</summary>
public sealed unsafe partial class SmmuV3
{
    // Opcode and SSec; with CS of a CMD_SYNC; TG of a TLBI.
    private const ulong OpcodeAndWorld = 0x4FF;
    private const ulong UsualMask = OpcodeAndWorld | (3UL << 12);
    private const ulong RangeGranule = 3UL << 10;

    // CMDQ_CONS.ERR.
    private const uint CommandErrorCode = 0x7Fu << 24;

    private ulong* _commandHost;
    private ulong _commandQueue;
    private uint _commandTurns;

    // Told by GERROR and not acknowledged: the queue stands.
    private bool HasCommandError
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ((_gerror ^ _gerrorn) & (uint)SmmuV3GlobalErrors.CommandQueue) != 0;
    }

    // Until the queue is empty, disabled, or stands at a command that cannot be done.
    private void ConsumeCommands()
    {
        if ((_cr0 & SmmuV3Control.CommandQueueEnable) == 0)
            return;
        if (HasCommandError)
            return;
        var turns = _commandTurns;
        var host = _commandHost;
        var (consumer, producer) = (_cmdqCons & turns, _cmdqProd & turns);
        // The last error's code stays beside the index.
        var error = _cmdqCons & CommandErrorCode;
        for (; consumer != producer; consumer = (consumer + 1) & turns)
        {
            var index = consumer & (turns >> 1);
            var pointer = host is not null ? host + (index * 2) : (ulong*)_memory.PointerTo(new PhysAddr(_commandQueue + (index * (ulong)Command.Bytes)), Command.Bytes);
            if (pointer is null || !TryDoUsual(pointer[0], pointer[1]))
            {
                var wrong = pointer is null ? CommandError.Abort : DoAt(pointer);
                if (wrong != CommandError.None)
                {
                    // CMDQ_CONS stays at the command and says why (7.1).
                    error = (uint)wrong << 24;
                    SetError(SmmuV3GlobalErrors.CommandQueue);
                    break;
                }
            }
            _statistics.Commands++;
        }
        // Told once, behind all that was done: who polls it from another thread sees either end.
        Volatile.Write(ref _cmdqCons, consumer | error);
    }

    // The two commands of every unmap, taken apart where they are: CMD_TLBI_NH_VA of one address, and CMD_SYNC that tells by the consumer index alone. All that is not so,
    // and what is wrong with it, is Do's.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryDoUsual(ulong word0, ulong word1)
    {
        if ((word0 & UsualMask) == (ulong)CommandOpcode.Sync)
        {
            _statistics.Syncs++;
            return true;
        }
        if ((word0 & OpcodeAndWorld) != (ulong)CommandOpcode.TlbiNhVa || (word1 & RangeGranule) != 0 || !Features.Stage1)
            return false;
        _statistics.TlbInvalidations++;
        if (LosesInvalidation())
            return true;
        _el1.InvalidatePage(word1 & ~0xFFFUL, TlbModel.ContextOf((ushort)(word0 >> 48), (ushort)((word0 >> 32) & 0xFFFF)));
        ForgetAnswers();
        return true;
    }

    // The queue is fixed while it is enabled (6.3.26), so its place is worked out once.
    private void PlaceCommandQueue()
    {
        var bits = (int)Math.Min(_cmdqBase & 31, (ulong)Features.CommandQueueBits);
        _commandTurns = (2u << bits) - 1;
        _commandQueue = QueueAddress(_cmdqBase, bits, Command.Bytes);
        // In one piece of RAM as a rule; a command outside is an abort by itself.
        _commandHost = (ulong*)_memory.PointerTo(new PhysAddr(_commandQueue), (ulong)Command.Bytes << bits);
    }

    // The usual commands then need no place in memory.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private CommandError DoAt(ulong* pointer) => Do(new Command(pointer[0], pointer[1]));

    private CommandError Do(in Command command)
    {
        // Secure streams and reserved forms are not the non-secure queue's (4.1.2).
        if (command.IsSecureStream)
            return CommandError.Illegal;
        switch (command.Opcode)
        {
            case CommandOpcode.PrefetchConfig:
            case CommandOpcode.PrefetchAddr:
                // Hints.
                return CommandError.None;
            case CommandOpcode.CfgiSte:
                ForgetStreams(command.StreamId, command.StreamId);
                _statistics.ConfigInvalidations++;
                return CommandError.None;
            case CommandOpcode.CfgiSteRange:
                ForgetRange(command);
                _statistics.ConfigInvalidations++;
                return CommandError.None;
            case CommandOpcode.CfgiCd:
            case CommandOpcode.CfgiCdAll:
                ForgetContext(command.StreamId, command.Opcode == CommandOpcode.CfgiCd ? command.SubstreamId : null);
                _statistics.ConfigInvalidations++;
                return CommandError.None;
            case CommandOpcode.AtcInv:
                return Features.Ats ? CommandError.None : CommandError.Illegal;
            case CommandOpcode.PriResp:
                return Respond(command);
            case CommandOpcode.Resume:
                if (Features.StallModel == StallModel.TerminateOnly || (int)command.Action == 3)
                    return CommandError.Illegal;
                Resume(command);
                return CommandError.None;
            case CommandOpcode.StallTerm:
                if (Features.StallModel == StallModel.TerminateOnly)
                    return CommandError.Illegal;
                TerminateStalled(command.StreamId);
                return CommandError.None;
            case CommandOpcode.Sync:
                return Sync(command);
            default:
                return InvalidateTlb(command);
        }
    }

    // 4.3.2: streams whose bits above Range are those of the command's.
    private void ForgetRange(in Command command)
    {
        if (command.Range >= 31)
        {
            ForgetStreams(0, uint.MaxValue);
            return;
        }
        var mask = (2u << command.Range) - 1;
        ForgetStreams(command.StreamId & ~mask, command.StreamId | mask);
    }

    private CommandError InvalidateTlb(in Command command)
    {
        if (ReachOf(command) is not { } reach)
            return CommandError.Illegal;
        _statistics.TlbInvalidations++;
        if (LosesInvalidation())
            return CommandError.None;
        if (reach.El1 is { } el1)
            _el1.Invalidate(el1);
        if (reach.El2 is { } el2)
            _el2.Invalidate(el2);
        if (reach.Stage2 is { } stage2)
            _stage2.Invalidate(stage2);
        ForgetAnswers();
        return CommandError.None;
    }

    // Which TLBs an opcode reaches, and what in them; null for an illegal one: each is there where its stage or world is (4.4).
    private (TlbScope? El1, TlbScope? El2, TlbScope? Stage2)? ReachOf(in Command command)
    {
        var guest = TlbScope.All with { Vmid = command.Vmid };
        return command.Opcode switch
        {
            CommandOpcode.TlbiNhAll when Features.Stage1 => (guest, null, null),
            CommandOpcode.TlbiNhAsid when Features.Stage1 => (TlbScope.AddressSpace(command.Asid, globals: false) with { Vmid = command.Vmid }, null, null),
            CommandOpcode.TlbiNhVa when Features.Stage1 => (ScopeOf(command, command.Asid) with { Vmid = command.Vmid }, null, null),
            CommandOpcode.TlbiNhVaa when Features.Stage1 => (ScopeOf(command, null) with { Vmid = command.Vmid }, null, null),
            CommandOpcode.TlbiEl2All when Features.Hypervisor => (null, TlbScope.All, null),
            CommandOpcode.TlbiEl2Asid when Features.Hypervisor => (null, TlbScope.AddressSpace(command.Asid, globals: false), null),
            CommandOpcode.TlbiEl2Va when Features.Hypervisor => (null, ScopeOf(command, command.Asid), null),
            CommandOpcode.TlbiEl2Vaa when Features.Hypervisor => (null, ScopeOf(command, null), null),
            CommandOpcode.TlbiS12Vmall when Features.Stage2 => (guest, null, guest),
            CommandOpcode.TlbiS2Ipa when Features.Stage2 => (null, null, ScopeOf(command, null) with { Vmid = command.Vmid }),
            CommandOpcode.TlbiNsnhAll => (TlbScope.All, null, TlbScope.All),
            _ => null,
        };
    }

    // One address, or with TG the (NUM+1) * 2^SCALE granules from it on (4.4.1.1). The range form is there with IDR3.RIL, which this SMMU has.
    private static TlbScope ScopeOf(in Command command, ushort? asid)
    {
        var first = command.Address;
        if (command.RangeGranuleShift == 0)
            return TlbScope.Address(new VirtAddr(first), asid, globals: true);
        var bytes = (UInt128)(uint)(command.Num + 1) << (command.Scale + command.RangeGranuleShift);
        var last = (UInt128)first + bytes - 1;
        return TlbScope.Range(new VirtAddr(first), last > ulong.MaxValue ? VirtAddr.MaxValue : new VirtAddr((ulong)last), asid, globals: true);
    }

    private CommandError Respond(in Command command)
    {
        if (!Features.Pri || (int)command.Response == 3)
            return CommandError.Illegal;
        _responses.Enqueue(command);
        return CommandError.None;
    }

    private CommandError Sync(in Command command)
    {
        if ((int)command.Signal == 3)
            return CommandError.Illegal;
        _statistics.Syncs++;
        if (command.Signal != SyncSignal.Interrupt)
            return CommandError.None;
        if (!Features.Msi || command.MessageAddress.Value == 0)
        {
            _raiseSync = true;
            return CommandError.None;
        }
        var pointer = (uint*)_memory.PointerTo(command.MessageAddress, sizeof(uint));
        if (pointer is null)
            SetError(SmmuV3GlobalErrors.MessageCommandAbort);
        else
            Volatile.Write(ref *pointer, command.MessageData);
        return CommandError.None;
    }
}
