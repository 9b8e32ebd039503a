using System.Collections.Generic;
using KmemKit.Architecture.Smmu.V3;
using R = KmemKit.Architecture.Smmu.V3.SmmuV3Register;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>The register file (Arm IHI 0070, chapter 6). Accesses of 4 bytes, and of 8 to the 64-bit registers; others read 0 and write nothing.</summary>
public sealed unsafe partial class SmmuV3
{
    private readonly Queue<Command> _responses = [];
    private SmmuV3Control _cr0;
    private uint _cr1, _cr2, _gbpa, _irqCtrl, _gerror, _gerrorn;
    private ulong _strtabBase, _cmdqBase, _eventqBase, _priqBase;
    private uint _strtabBaseCfg, _cmdqProd, _cmdqCons, _eventqProd, _eventqCons, _priqProd, _priqCons;

    /// <inheritdoc/>
    public override ulong Read(ulong offset, int size)
    {
        // What drivers poll: a register of 4 bytes is read whole by itself.
        if (offset == R.CmdqCons && size == 4)
            return System.Threading.Volatile.Read(ref _cmdqCons);
        using (_gate.Hold())
        {
            if (size == 8)
            {
                return offset switch
                {
                    R.StrtabBase => _strtabBase,
                    R.CmdqBase => _cmdqBase,
                    R.EventqBase => _eventqBase,
                    R.PriqBase => _priqBase,
                    _ => 0,
                };
            }
            return size != 4 ? 0 : offset switch
            {
                R.Idr0 => Features.Idr0,
                R.Idr1 => Features.Idr1,
                // RIL, bit 10: TLBI by range.
                R.Idr3 => 1u << 10,
                R.Idr5 => Features.Idr5,
                R.Aidr => 2,
                R.Cr0 or R.Cr0Ack => (uint)_cr0,
                R.Cr1 => _cr1,
                R.Cr2 => _cr2,
                R.Gbpa => _gbpa,
                R.IrqCtrl or R.IrqCtrlAck => _irqCtrl,
                R.GError => _gerror,
                R.GErrorN => _gerrorn,
                R.StrtabBase => (uint)(_strtabBase & uint.MaxValue),
                R.StrtabBase + 4 => (uint)(_strtabBase >> 32),
                R.StrtabBaseCfg => _strtabBaseCfg,
                R.CmdqBase => (uint)(_cmdqBase & uint.MaxValue),
                R.CmdqBase + 4 => (uint)(_cmdqBase >> 32),
                R.CmdqProd => _cmdqProd,
                R.CmdqCons => _cmdqCons,
                R.EventqBase => (uint)(_eventqBase & uint.MaxValue),
                R.EventqBase + 4 => (uint)(_eventqBase >> 32),
                R.EventqProd => _eventqProd,
                R.EventqCons => _eventqCons,
                R.PriqBase => (uint)(_priqBase & uint.MaxValue),
                R.PriqBase + 4 => (uint)(_priqBase >> 32),
                R.PriqProd => _priqProd,
                R.PriqCons => _priqCons,
                _ => 0,
            };
        }
    }

    /// <inheritdoc/>
    public override void Write(ulong offset, int size, ulong value)
    {
        bool tells;
        using (_gate.Hold())
        {
            if (offset == R.CmdqProd && size == 4)
            {
                _cmdqProd = (uint)(value & 0xF_FFFF);
                ConsumeCommands();
            }
            else if (size == 8)
            {
                Write64(offset, value);
            }
            else if (size == 4)
            {
                Write32(offset, (uint)(value & uint.MaxValue));
            }
            tells = _raiseEvent | _raisePri | _raiseError | _raiseSync || _responses.Count > 0;
        }
        if (tells)
            Tell();
    }

    private void Tell()
    {
        Command[] responses = [];
        using (_gate.Hold())
        {
            if (_responses.Count > 0)
            {
                responses = [.. _responses];
                _responses.Clear();
            }
        }
        foreach (var response in responses)
            PageResponded?.Invoke(response);
        RaiseInterrupts();
    }

    private void Write64(ulong offset, ulong value)
    {
        switch (offset)
        {
            // Table and queues are fixed while they are in use (6.3.24, 6.3.26).
            case R.StrtabBase when (_cr0 & SmmuV3Control.SmmuEnable) == 0:
                _strtabBase = value;
                break;
            case R.CmdqBase when (_cr0 & SmmuV3Control.CommandQueueEnable) == 0:
                _cmdqBase = value;
                break;
            case R.EventqBase when (_cr0 & SmmuV3Control.EventQueueEnable) == 0:
                _eventqBase = value;
                break;
            case R.PriqBase when (_cr0 & SmmuV3Control.PriQueueEnable) == 0:
                _priqBase = value;
                break;
        }
    }

    private void Write32(ulong offset, uint value)
    {
        switch (offset)
        {
            case R.StrtabBase or R.CmdqBase or R.EventqBase or R.PriqBase:
                Write64(offset, (BaseAt(offset) & ~0xFFFF_FFFFUL) | value);
                break;
            case R.StrtabBase + 4 or R.CmdqBase + 4 or R.EventqBase + 4 or R.PriqBase + 4:
                Write64(offset - 4, (BaseAt(offset - 4) & 0xFFFF_FFFFUL) | ((ulong)value << 32));
                break;
            case R.StrtabBaseCfg when (_cr0 & SmmuV3Control.SmmuEnable) == 0:
                _strtabBaseCfg = value & 0x3_07FF;
                break;
            case R.Cr0:
                WriteCr0((SmmuV3Control)(value & 0x1F));
                break;
            case R.Cr1:
                _cr1 = value & 0xFFF;
                break;
            case R.Cr2:
                _cr2 = value & 7;
                break;
            // Update, bit 31, completes at once and reads 0.
            case R.Gbpa when (value & (1u << 31)) != 0:
                _gbpa = value & ~(1u << 31);
                ForgetAnswers();
                break;
            case R.IrqCtrl:
                _irqCtrl = value & 7;
                break;
            case R.GErrorN:
                _gerrorn = value;
                ConsumeCommands();
                break;
            case R.CmdqCons when (_cr0 & SmmuV3Control.CommandQueueEnable) == 0:
                _cmdqCons = value & 0xF_FFFF;
                break;
            case R.EventqProd when (_cr0 & SmmuV3Control.EventQueueEnable) == 0:
                _eventqProd = value & (0xF_FFFF | QueuePointer.Overflow);
                break;
            case R.EventqCons:
                _eventqCons = value & (0xF_FFFF | QueuePointer.Overflow);
                RecordWaiting();
                break;
            case R.PriqProd when (_cr0 & SmmuV3Control.PriQueueEnable) == 0:
                _priqProd = value & (0xF_FFFF | QueuePointer.Overflow);
                break;
            case R.PriqCons:
                _priqCons = value & (0xF_FFFF | QueuePointer.Overflow);
                break;
        }
    }

    private void WriteCr0(SmmuV3Control value)
    {
        if (!Features.Pri)
            value &= ~SmmuV3Control.PriQueueEnable;
        // Caches are of no known content when the SMMU is turned on or off (6.3.9): ports forget; the main caches are left as they are, for software has to invalidate them.
        ForgetAnswers();
        if ((value & ~_cr0 & SmmuV3Control.CommandQueueEnable) != 0)
            PlaceCommandQueue();
        _cr0 = value;
        _shortHost = (value & SmmuV3Control.CommandQueueEnable) != 0 && Features.Stage1 ? _commandHost : null;
        ConsumeCommands();
        RecordWaiting();
    }

    private ulong BaseAt(ulong offset) => offset switch
    {
        R.StrtabBase => _strtabBase,
        R.CmdqBase => _cmdqBase,
        R.EventqBase => _eventqBase,
        _ => _priqBase,
    };
}
