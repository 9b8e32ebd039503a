using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>Event and PRI queues, stalls, global errors (Arm IHI 0070, chapters 3.5, 3.12, 7 and 8).</summary>
public sealed unsafe partial class SmmuV3
{
    private readonly Dictionary<ushort, StalledTransaction> _stalled = [];
    // Stall records that found the queue full: they are never lost (7.4).
    private readonly Queue<EventRecord> _waiting = [];
    private ushort _nextTag;
    private bool _raiseEvent;
    private bool _raisePri;
    private bool _raiseError;
    private bool _raiseSync;

    /// <summary>Accesses that wait for software now.</summary>
    public int StalledCount
    {
        get
        {
            using (_gate.Hold())
                return _stalled.Count;
        }
    }

    /// <summary>A device asks for a page (PCIe PRI). Where the queue is full the request is dropped, and a last request of a group is answered with failure at once (8.1).</summary>
    public void RequestPage(in PageRequestRecord request)
    {
        Command? answer = null;
        using (_gate.Hold())
        {
            var bits = (int)Math.Min(_priqBase & 31, (ulong)Features.PriQueueBits);
            if (!Features.Pri || (_cr0 & (SmmuV3Control.PriQueueEnable | SmmuV3Control.SmmuEnable)) != (SmmuV3Control.PriQueueEnable | SmmuV3Control.SmmuEnable))
            {
                answer = Command.PriResp(request.StreamId, request.SubstreamId, request.Group, PageResponse.Failure);
            }
            else if (!TryPush(_priqBase, bits, PageRequestRecord.Bytes, ref _priqProd, _priqCons, [request.Word0, request.Word1], SmmuV3GlobalErrors.PriQueueAbort))
            {
                if (request.IsLast)
                    answer = Command.PriResp(request.StreamId, request.SubstreamId, request.Group, PageResponse.Success);
            }
            else if (request.IsLast)
            {
                _raisePri = true;
            }
        }
        if (answer is { } command)
            PageResponded?.Invoke(command);
        RaiseInterrupts();
    }

    private void Record(in EventRecord record)
    {
        if ((_cr0 & SmmuV3Control.EventQueueEnable) == 0)
        {
            // Without a queue nothing can be told; a stalled access waits for it.
            if (record.IsStall)
                _waiting.Enqueue(record);
            else
                _statistics.LostEvents++;
            return;
        }
        if (_waiting.Count > 0 && record.IsStall)
            _waiting.Enqueue(record);
        else if (!TryRecord(record))
        {
            if (record.IsStall)
                _waiting.Enqueue(record);
            else
                _statistics.LostEvents++;
        }
    }

    private bool TryRecord(in EventRecord record)
    {
        Span<ulong> words = stackalloc ulong[EventRecord.Count];
        record.Encode(words);
        var bits = (int)Math.Min(_eventqBase & 31, (ulong)Features.EventQueueBits);
        var wasEmpty = QueuePointer.IsEmpty(new QueuePointer(_eventqProd, bits), new QueuePointer(_eventqCons, bits));
        if (!TryPush(_eventqBase, bits, EventRecord.Bytes, ref _eventqProd, _eventqCons, words, SmmuV3GlobalErrors.EventQueueAbort))
            return false;
        _statistics.Events++;
        _raiseEvent |= wasEmpty;
        return true;
    }

    // Stall records that waited go first when software makes room.
    private void RecordWaiting()
    {
        while (_waiting.TryPeek(out var record) && (_cr0 & SmmuV3Control.EventQueueEnable) != 0 && TryRecordQuietly(record))
            _waiting.Dequeue();
    }

    private bool TryRecordQuietly(in EventRecord record)
    {
        var bits = (int)Math.Min(_eventqBase & 31, (ulong)Features.EventQueueBits);
        return !QueuePointer.IsFull(new QueuePointer(_eventqProd, bits), new QueuePointer(_eventqCons, bits)) && TryRecord(record);
    }

    // 7.4: a full queue sets the overflow flag, once until software acknowledged it.
    private bool TryPush(ulong queueBase, int bits, int size, ref uint prodRegister, uint consRegister, ReadOnlySpan<ulong> words, SmmuV3GlobalErrors onAbort)
    {
        var producer = new QueuePointer(prodRegister, bits);
        var overflow = prodRegister & QueuePointer.Overflow;
        if (QueuePointer.IsFull(producer, new QueuePointer(consRegister, bits)))
        {
            if (overflow == (consRegister & QueuePointer.Overflow))
                prodRegister ^= QueuePointer.Overflow;
            return false;
        }
        var address = QueueAddress(queueBase, bits, size) + ((ulong)producer.Index * (uint)size);
        var pointer = (ulong*)_memory.PointerTo(new PhysAddr(address), (ulong)size);
        if (pointer is null)
        {
            SetError(onAbort);
            return false;
        }
        for (var i = words.Length - 1; i >= 0; i--)
            System.Threading.Volatile.Write(ref pointer[i], words[i]);
        prodRegister = producer.Next.Value | overflow;
        return true;
    }

    // The base is aligned to the queue, 32 bytes at least: lower bits are ignored (6.3.26).
    private static ulong QueueAddress(ulong queueBase, int bits, int size) =>
        queueBase & 0x000F_FFFF_FFFF_FFE0 & ~(Math.Max(32, (ulong)size << bits) - 1);

    private StalledTransaction? TryStall(in SmmuTransaction transaction, bool aborts, ref EventRecord record)
    {
        if (_stalled.Count >= Math.Min(Features.StallMaximum, ushort.MaxValue))
            return null;
        while (_stalled.ContainsKey(_nextTag))
            _nextTag = unchecked((ushort)(_nextTag + 1));
        var stalled = new StalledTransaction(transaction, _nextTag, aborts);
        _stalled.Add(_nextTag, stalled);
        record = record with { IsStall = true, StallTag = _nextTag };
        _nextTag = unchecked((ushort)(_nextTag + 1));
        return stalled;
    }

    private void Resume(in Command command)
    {
        // 4.6.1: a tag that is not of the stream, or not stalled, is ignored.
        if (!_stalled.TryGetValue(command.StallTag, out var stalled) || stalled.Transaction.StreamId != command.StreamId)
            return;
        _stalled.Remove(command.StallTag);
        if (command.Action != ResumeAction.Retry)
        {
            Terminate(stalled, command.Action == ResumeAction.Abort || stalled.Aborts);
            return;
        }
        var result = TranslateEnabled(stalled.Transaction);
        if (result.Stall is { } again)
        {
            // The access is the same one, which faulted again and has a new tag: whoever waits for it goes on waiting.
            _stalled[again.Tag] = stalled;
            return;
        }
        stalled.Result = result;
    }

    private void TerminateStalled(uint stream)
    {
        var tags = new List<ushort>();
        foreach (var (tag, stalled) in _stalled)
        {
            if (stalled.Transaction.StreamId == stream)
                tags.Add(tag);
        }
        foreach (var tag in tags)
        {
            _stalled.Remove(tag, out var stalled);
            Terminate(stalled!, stalled!.Aborts);
        }
    }

    private void Terminate(StalledTransaction stalled, bool aborts)
    {
        _statistics.Terminated++;
        stalled.Result = aborts ? SmmuResult.Aborted : new SmmuResult(SmmuOutcome.ReadZeroWriteIgnored, default, 0, default);
    }

    private void SetError(SmmuV3GlobalErrors error)
    {
        // An error that is active already stays as it is (6.3.17).
        if (((_gerror ^ _gerrorn) & (uint)error) != 0)
            return;
        _gerror ^= (uint)error;
        _raiseError = true;
    }

    // Outside of the gate: handlers write registers.
    private void RaiseInterrupts()
    {
        bool raiseEvent, raisePri, raiseError, raiseSync;
        using (_gate.Hold())
        {
            (raiseEvent, raisePri, raiseError, raiseSync) = (_raiseEvent, _raisePri, _raiseError, _raiseSync);
            _raiseEvent = _raisePri = _raiseError = _raiseSync = false;
        }
        // SMMU_IRQ_CTRL: GERROR 0, PRIQ 1, EVENTQ 2.
        if (raiseError && (_irqCtrl & 1) != 0)
            GlobalErrorInterrupt?.Invoke();
        if (raiseEvent && (_irqCtrl & 4) != 0)
            EventQueueInterrupt?.Invoke();
        if (raisePri && (_irqCtrl & 2) != 0)
            PriQueueInterrupt?.Invoke();
        if (raiseSync)
            SyncInterrupt?.Invoke();
    }
}
