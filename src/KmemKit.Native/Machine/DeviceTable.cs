using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu.Boards;

namespace KmemKit.Native.Machine;

/// <summary><c>struct device</c> of host/kmem_kernel.h: what C sees of a device.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct DeviceHeader
{
    public byte* Name;
    public void* DriverData;
    public ulong DmaMask;
    public ulong CoherentDmaMask;
}

/// <summary>A device of the board: a bus master for the DMA API and, once a model was put there, registers that answer.</summary>
internal sealed unsafe class NativeDevice(BoardDevice node, BoardMaster bus, nint header)
{
    /// <summary>The node.</summary>
    public BoardDevice Node => node;

    /// <summary>As the DMA API knows it.</summary>
    public DmaDevice Master => bus.Device;

    /// <summary>As the bus knows it. Its port is used by one thread at a time, which locks this.</summary>
    public BoardMaster Bus => bus;

    /// <summary>What C holds.</summary>
    public DeviceHeader* Header => (DeviceHeader*)header;

    /// <summary><c>const struct kmem_device_ops *</c>; null where no model is there.</summary>
    public void* Model { get; set; }

    /// <summary>The model's own pointer.</summary>
    public void* Context { get; set; }
}

/// <summary>The board's devices: by label or path, by what C holds, and by physical address.</summary>
internal sealed unsafe class DeviceTable(NativeMachine machine) : IDisposable
{
    private readonly ConcurrentDictionary<nint, NativeDevice> _byHeader = new();
    private readonly Dictionary<string, NativeDevice> _byPath = new(StringComparer.Ordinal);
    private readonly Lock _sync = new();
    private ImmutableArray<(PhysRange Range, ulong Offset, NativeDevice Device)> _onBus = [];

    /// <summary>All that were asked for.</summary>
    public IEnumerable<NativeDevice> All => _byHeader.Values;

    /// <summary>The device of a label or a node's path.</summary>
    /// <returns>Null where the board has none of that name, or one that could not be connected to its SMMU; the log says why.</returns>
    public NativeDevice? Find(string name)
    {
        var node = machine.Layout.Board.Devices.FirstOrDefault(d => d.NodePath == name || d.Labels.Contains(name));
        if (node is null)
            return null;
        lock (_sync)
        {
            if (_byPath.TryGetValue(node.NodePath, out var known))
                return known;
            if (machine.Masters.Refused.TryGetValue(node.NodePath, out var why))
            {
                Log.Add($"{node.NodePath}: {why}");
                return null;
            }
            var header = (DeviceHeader*)NativeMemory.AllocZeroed((nuint)sizeof(DeviceHeader));
            header->Name = (byte*)Marshal.StringToCoTaskMemUTF8(node.Labels.Length > 0 ? node.Labels[0] : node.NodePath);
            header->DmaMask = header->CoherentDmaMask = uint.MaxValue;
            var device = new NativeDevice(node, machine.Masters.Of(node.NodePath), (nint)header);
            _byPath.Add(node.NodePath, device);
            _byHeader[(nint)header] = device;
            return device;
        }
    }

    /// <summary>What C holds; null where it is no device.</summary>
    public NativeDevice? Of(void* header) => _byHeader.GetValueOrDefault(unchecked((nint)header));

    /// <summary>Puts a model at a device's registers.</summary>
    /// <returns>False where one is there.</returns>
    public bool TryAttach(NativeDevice device, void* model, void* context)
    {
        lock (_sync)
        {
            if (device.Model != null)
                return false;
            device.Model = model;
            device.Context = context;
            var offset = 0UL;
            foreach (var range in device.Node.Ranges)
            {
                if (range.Range.IsEmpty)
                    continue;
                _onBus = _onBus.Add((range.Range, offset, device));
                // A model with several ranges sees them behind each other.
                offset += range.Range.Size.Value;
            }
            return true;
        }
    }

    /// <summary>Takes a model away: nobody answers there any longer.</summary>
    public bool TryDetach(NativeDevice device)
    {
        lock (_sync)
        {
            if (device.Model == null)
                return false;
            device.Model = device.Context = null;
            _onBus = _onBus.RemoveAll(entry => entry.Device == device);
            return true;
        }
    }

    /// <summary>Who answers at a physical address.</summary>
    public bool TryAnswer(PhysAddr address, int size, out NativeDevice device, out ulong offset)
    {
        foreach (var entry in _onBus)
        {
            if (!entry.Range.Contains(address) || entry.Range.End.SizeFrom(address.Value) < (ulong)size)
                continue;
            device = entry.Device;
            offset = entry.Offset + (address.Value - entry.Range.Start.Value);
            return true;
        }
        (device, offset) = (null!, 0);
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var device in _byHeader.Values)
        {
            Marshal.FreeCoTaskMem((nint)device.Header->Name);
            NativeMemory.Free(device.Header);
        }
        _byHeader.Clear();
    }
}
