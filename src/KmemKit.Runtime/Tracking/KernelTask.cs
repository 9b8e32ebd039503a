namespace KmemKit.Runtime.Tracking;

/// <summary>Who runs on a CPU, as reports name it (<c>current</c>).</summary>
/// <param name="Comm">The command's name, <c>current->comm</c>.</param>
/// <param name="Pid">Its number, at least 0.</param>
public sealed record KernelTask(string Comm, int Pid)
{
    /// <summary>The idle task of a CPU: what runs before anyone else does.</summary>
    public static KernelTask Idle(int cpu) => new($"swapper/{cpu}", 0);

    /// <summary><c>comm/pid</c>.</summary>
    public override string ToString() => $"{Comm}/{Pid}";
}
