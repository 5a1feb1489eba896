using System.Globalization;

namespace FleetMdm.LoadTests.Servers;

/// <summary>CPU seconds and memory of a process and its children, from <c>/proc</c> (Linux).</summary>
/// <remarks>Beside throughput these compare best on a machine that others share: they say what was spent, not how long it took.</remarks>
public sealed class ProcessMeter(int process)
{
    private const int TicksPerSecond = 100;

    public int Process => process;

    /// <summary>User and system time of the process and of all its children, those that ended included.</summary>
    public double CpuSeconds => Tree().Sum(pid => Ticks(pid, ended: pid == process)) / TicksPerSecond;

    /// <summary>Memory that belongs to the process alone, in bytes (its resident set without shared pages and files).</summary>
    public long AnonymousBytes => Status("RssAnon:");

    public bool IsAlive => Directory.Exists($"/proc/{process}");

    private List<int> Tree()
    {
        var tree = new List<int> { process };
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid) && Fields(pid) is { } fields && fields[1] == process.ToString(CultureInfo.InvariantCulture))
                tree.Add(pid);
        }

        return tree;
    }

    private static double Ticks(int pid, bool ended) => Fields(pid) is not { } fields
        ? 0
        : new[] { 11, 12, 13, 14 }.Take(ended ? 4 : 2).Sum(at => double.Parse(fields[at], CultureInfo.InvariantCulture));

    /// <summary>proc(5): the fields behind the command's name; [1] is the parent, [11] to [14] the times.</summary>
    private static string[]? Fields(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private long Status(string name)
    {
        try
        {
            foreach (var line in File.ReadLines($"/proc/{process}/status"))
            {
                if (line.StartsWith(name, StringComparison.Ordinal))
                    return long.Parse(line[name.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture) * 1024;
            }
        }
        catch (IOException)
        {
            // It has ended.
        }

        return 0;
    }
}
