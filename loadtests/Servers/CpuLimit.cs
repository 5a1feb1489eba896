using System.Globalization;

namespace FleetMdm.LoadTests.Servers;

/// <summary>
/// How much CPU a process may take, as a container's limit: a control group of Linux, of either version. With it, servers that share a
/// machine with the load have cores of their own, as it were.
/// </summary>
/// <remarks>Needs root. A process has to begin in its group, as the runtime asks once how many cores it has.</remarks>
public sealed class CpuLimit : IDisposable
{
    private const string First = "/sys/fs/cgroup/cpu", Second = "/sys/fs/cgroup";

    /// <summary>Shorter than a container's 100 ms: a server that has used its share should not stand still for long.</summary>
    private const int PeriodMicroseconds = 20_000;

    private readonly string _group;
    private readonly Func<Task> _remove;

    private CpuLimit(string group)
    {
        _group = group;
        _remove = Leftovers.Add(Remove);
    }

    /// <summary>The shell's way into the group, in front of a command.</summary>
    public IReadOnlyList<string> Prefix => ["sh", "-c", "echo $$ > \"$0\" && exec \"$@\"", Path.Combine(_group, "cgroup.procs")];

    /// <exception cref="LoadException">The machine does not let us.</exception>
    public static CpuLimit Of(double cores)
    {
        var quota = ((int)(cores * PeriodMicroseconds)).ToString(CultureInfo.InvariantCulture);
        var isFirst = Directory.Exists(First);
        var group = Path.Combine(isFirst ? First : Second, $"fleetmdm-load-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(group);
            if (isFirst)
            {
                File.WriteAllText(Path.Combine(group, "cpu.cfs_period_us"), PeriodMicroseconds.ToString(CultureInfo.InvariantCulture));
                File.WriteAllText(Path.Combine(group, "cpu.cfs_quota_us"), quota);
            }
            else
            {
                File.WriteAllText(Path.Combine(group, "cpu.max"), $"{quota} {PeriodMicroseconds}");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LoadException($"--cores needs root and a control group for CPU: {e.Message}");
        }

        return new CpuLimit(group);
    }

    /// <summary>When the processes in it have ended.</summary>
    /// <remarks>Nothing in it waits.</remarks>
    public void Dispose() => _remove().GetAwaiter().GetResult();

    private Task Remove()
    {
        // Its files are the kernel's: the folder goes as it is.
        if (Directory.Exists(_group)) Directory.Delete(_group);
        return Task.CompletedTask;
    }
}
