using System.Diagnostics;
using System.Text;

namespace FleetMdm.LoadTests.Servers;

/// <summary>A server that this load test started, with its output kept for the case that it fails.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private const int OutputKept = 200_000;

    private readonly StringBuilder _output = new();
    private readonly Process _process;
    private readonly Func<Task> _kill;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(string program, IEnumerable<string> arguments, string ready)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        _process = new Process { StartInfo = start };
        void Line(object sender, DataReceivedEventArgs e)
        {
            if (e.Data is null) return;
            lock (_output)
            {
                if (_output.Length < OutputKept) _output.AppendLine(e.Data);
            }

            if (e.Data.Contains(ready, StringComparison.Ordinal)) _ready.TrySetResult();
        }

        _process.OutputDataReceived += Line;
        _process.ErrorDataReceived += Line;
        _process.Start();
        _kill = Leftovers.Add(Kill);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Starts a .NET program of this folder, and waits until it says <paramref name="ready"/>.</summary>
    /// <param name="limit">The CPU that it may take.</param>
    /// <param name="asServer">With the runtime's settings of the server, whatever program it is.</param>
    /// <exception cref="InvalidOperationException">It ended, or never said so.</exception>
    public static async Task<ChildProcess> DotNet(string program, IEnumerable<string> arguments, string ready, CpuLimit? limit = null, bool asServer = false)
    {
        string[] settings = asServer ? ["exec", "--runtimeconfig", InFolder("FleetMdm.Silo.runtimeconfig.json")] : [];
        string[] command = [.. limit?.Prefix ?? [], "dotnet", .. settings, InFolder(program), .. arguments];
        var child = new ChildProcess(command[0], command.Skip(1), ready);
        var ended = child._process.WaitForExitAsync();
        var first = await Task.WhenAny(child._ready.Task, ended, Task.Delay(Patience, TimeProvider.System));
        if (first == child._ready.Task) return child;
        var output = child.Output;
        await child.DisposeAsync();
        throw new InvalidOperationException($"{program} did not start:\n{output}");
    }

    private static string InFolder(string file) => Path.Combine(AppContext.BaseDirectory, file);

    /// <summary>Runs a program to its end and returns what it wrote.</summary>
    public static async Task<string> Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
    }

    public async ValueTask DisposeAsync()
    {
        await _kill();
        _process.Dispose();
    }

    private async Task Kill()
    {
        if (_process.HasExited) return;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
    }
}
