using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>The short way of the commands behind every unmap through the queue.</summary>
/// <remarks>
/// What software's side and the SMMU do to have translations invalidated, in one hold of one gate: software puts an invalidation and CMD_SYNC in the queue and writes
/// CMDQ_PROD; the SMMU does both commands and moves CMDQ_CONS behind them. Queue and registers are as they are after the long way, by registers; nothing can fail, and
/// nobody is called.
/// </remarks>
public sealed unsafe partial class SmmuV3
{
    // The queue in host memory while it is enabled; null where it is not in one piece of RAM, or the SMMU has no stage 1.
    private ulong* _shortHost;

    // Each with its sync.
    private ulong _shortInvalidations;

    /// <summary>CMD_TLBI_NH_VA of one address, for which each nanosecond counts.</summary>
    /// <param name="word0">The command's first word.</param>
    /// <param name="word1">Its second one: the address, of no range.</param>
    /// <param name="queue">Software's gate of the queue.</param>
    /// <param name="producer">Where software goes on in the queue.</param>
    /// <returns>False where something is not as usual, and nothing was done: software then goes the long way.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryInvalidatePage(ulong word0, ulong word1, in OwnedGate queue, ref uint producer)
    {
        _gate.EnterBriefly();
        if (!IsAtRest(queue))
        {
            _gate.LeaveBriefly();
            return false;
        }
        _el1.InvalidatePage(word1 & ~0xFFFUL, TlbModel.ContextOf((ushort)(word0 >> 48), (ushort)((word0 >> 32) & 0xFFFF)));
        ForgetAnswers();
        _shortInvalidations++;
        producer = Done(word0, word1);
        _gate.LeaveBriefly();
        return true;
    }

    /// <summary>Any invalidation of TLBs.</summary>
    /// <inheritdoc cref="TryInvalidatePage"/>
    /// <param name="command">The command.</param>
    /// <param name="queue">Software's gate of the queue.</param>
    /// <param name="producer">Where software goes on in the queue.</param>
    internal bool TryInvalidate(in Command command, in OwnedGate queue, ref uint producer)
    {
        using (_gate.Hold())
        {
            if (!IsAtRest(queue) || command.IsSecureStream || InvalidateTlb(command) != CommandError.None)
                return false;
            _statistics.Syncs++;
            _statistics.Commands += 2;
            producer = Done(command.Word0, command.Word1);
            return true;
        }
    }

    /// <summary>Returns when nobody is on the short way who found software's gate free before the caller took it.</summary>
    internal void WaitForShortWay()
    {
        using (_gate.Hold())
        {
        }
    }

    // Enabled, not in use, empty, not in error, with room for two commands side by side, and with nobody who loses invalidations.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsAtRest(in OwnedGate queue)
    {
        var turns = _commandTurns;
        return _shortHost is not null && queue.IsFree && _cmdqProd == (_cmdqCons & turns) && (_cmdqProd & (turns >> 1)) != turns >> 1 && !HasCommandError && Losing is null;
    }

    // A command and a sync that were done stand in the queue, behind its consumer.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Done(ulong word0, ulong word1)
    {
        var at = _cmdqProd;
        var slot = _shortHost + ((at & (_commandTurns >> 1)) * 2);
        (slot[0], slot[1]) = (word0, word1);
        (slot[2], slot[3]) = ((ulong)CommandOpcode.Sync, 0);
        at = (at + 2) & _commandTurns;
        _cmdqProd = at;
        Volatile.Write(ref _cmdqCons, at | (_cmdqCons & CommandErrorCode));
        return at;
    }
}
