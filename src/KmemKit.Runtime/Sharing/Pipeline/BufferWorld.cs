using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;

namespace KmemKit.Runtime.Sharing.Pipeline;

/// <summary>A way of sharing buffers, as a pipeline of drivers uses it: the same steps over each of the seed's worlds.</summary>
public abstract class BufferWorld : IDisposable
{
    private protected BufferWorld(SharingHost host, string name, SharingRoles roles)
    {
        ArgumentNullException.ThrowIfNull(host);
        (Host, Name, Roles) = (host, name, roles);
    }

    /// <summary>Its name in reports.</summary>
    public string Name { get; }

    /// <summary>Who does what.</summary>
    public SharingRoles Roles { get; }

    /// <summary>Bytes that the processor copied from one buffer to another because it could not be shared.</summary>
    public ulong CopiedBytes { get; private protected set; }

    /// <summary>Device mappings made.</summary>
    public ulong DeviceMaps { get; internal set; }

    /// <summary>The board.</summary>
    private protected SharingHost Host { get; }

    /// <summary>A device's driver starts: what the world sets up for it once.</summary>
    public virtual void Prepare(DmaDevice device)
    {
    }

    /// <summary>A driver gets a buffer for others to use as well.</summary>
    /// <param name="owner">Who.</param>
    /// <param name="size">Bytes.</param>
    public abstract WorldBuffer Allocate(string owner, ulong size);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>One driver's hold on a buffer.</summary>
public abstract class WorldBuffer : IDisposable
{
    private protected WorldBuffer(string user) => User = user;

    /// <summary>Who holds it.</summary>
    public string User { get; }

    /// <summary>Its memory.</summary>
    public abstract BufferMemory Memory { get; }

    /// <summary>Gives it to another driver, by the world's exporter and handle.</summary>
    public abstract WorldBuffer ShareWith(string user);

    /// <summary>Gives it to a device, as one range of addresses.</summary>
    public abstract BusAddr Map(DmaDevice device, DmaDirection direction);

    /// <summary>Takes it away from the device.</summary>
    public abstract void Unmap(DmaDevice device);

    /// <summary>The holder's device begins to work on it.</summary>
    /// <param name="writes">Whether it writes.</param>
    /// <returns>To be called when the work is over.</returns>
    public virtual Action BeginWork(bool writes) => static () => { };

    /// <summary>What others wrote is in front of the holder: where buffers are shared, it is by itself.</summary>
    public virtual void TakeOver()
    {
    }

    /// <summary>The processor looks at it.</summary>
    /// <returns>False where a device's work on it is not over.</returns>
    public virtual bool TryBeginCpuRead() => true;

    /// <summary>It does so no more.</summary>
    public virtual void EndCpuRead()
    {
    }

    /// <summary>Gives up the hold.</summary>
    public abstract void Dispose();
}
