using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using FleetMdm.Testing;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.EndToEnd.Server;

/// <summary>The server as its users run it: a process of its own, started with options, killed or told to stop.</summary>
public sealed partial class ServerProcess : IAsyncDisposable
{
    /// <summary>Every wait for the process ends by then, with its output in the failure.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private const int SignalTerm = 15;
    private const int SignalStop = 19;
    private const int SignalContinue = 18;


    private readonly string[] _arguments;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly StringBuilder _output = new();
    private Process? _process;
    private TaskCompletionSource _listening = NewSource();

    public ServerProcess(
        string folder, IReadOnlyDictionary<string, string>? options = null, IReadOnlyDictionary<string, string>? environment = null,
        string? program = null)
    {
        Program = program;
        _environment = environment ?? new Dictionary<string, string>();
        Folder = folder;
        Port = Ports.Free();
        var all = new Dictionary<string, string>
        {
            ["Http:Listen"] = $"https://127.0.0.1:{Port}",
            ["Mdm:PublicUrl"] = $"https://localhost:{Port}",
            ["Storage:DataDirectory"] = folder,
        };
        foreach (var (name, value) in options ?? new Dictionary<string, string>()) all[name] = value;
        _arguments = [.. all.Select(option => $"--{option.Key}={option.Value}")];
    }

    public string Folder { get; }

    /// <summary>The program's main file, with the next start; null: what was built for the tests.</summary>
    public string? Program { get; set; }

    /// <summary>As a shell writes it, with the next start; null: that of the tests.</summary>
    public string? Umask { get; init; }

    /// <summary>What was built for the tests.</summary>
    public static string Built => Path.Combine(AppContext.BaseDirectory, "FleetMdm.Silo.dll");

    public int Port { get; }

    public Uri Url => new($"https://localhost:{Port}");

    /// <summary>What the server was told, as in <c>Cluster:GatewayPort</c>.</summary>
    public string Setting(string name) => _arguments.Single(argument => argument.StartsWith($"--{name}=", StringComparison.Ordinal))[(name.Length + 3)..];

    /// <summary>Bytes of memory that the process holds now (resident set).</summary>
    public long ResidentBytes
    {
        get
        {
            _process!.Refresh();
            return _process.WorkingSet64;
        }
    }

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>The first administrator's token, as the server left it for its owner.</summary>
    public string AdminToken => File.ReadAllText(Path.Combine(Folder, "admin-token")).Trim();

    public bool HasAdminToken => File.Exists(Path.Combine(Folder, "admin-token"));

    public bool IsRunning => _process is { HasExited: false };

    public async Task<ServerProcess> Start()
    {
        _listening = NewSource();
        _process = Launch(_arguments, _environment, line =>
        {
            lock (_output) _output.AppendLine(line);
            if (line.Contains("FleetMdm listens on", StringComparison.Ordinal)) _listening.TrySetResult();
        }, Program, Umask);
        var exited = _process.WaitForExitAsync();
        if (await Task.WhenAny(_listening.Task, exited).WaitAsync(Patience) == exited)
            throw new InvalidOperationException($"The server ended with {_process.ExitCode} instead of listening:\n{Output}");
        return this;
    }

    /// <summary>SIGTERM during the start, as soon as it is far enough: the exit code, and what it said.</summary>
    public async Task<(int ExitCode, string Output)> StopWhileStarting(Func<bool> farEnough)
    {
        _process = Launch(_arguments, _environment, line =>
        {
            lock (_output) _output.AppendLine(line);
        }, Program, Umask);
        var started = TimeProvider.System.GetTimestamp();
        while (!farEnough())
        {
            if (_process.HasExited || TimeProvider.System.GetElapsedTime(started) > Patience) throw new InvalidOperationException($"It did not come so far:\n{Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }

        var code = await Stop();
        return (code, Output);
    }

    /// <summary>The built-in CA, read over a connection that cannot be checked yet: the first look at a server of one's own.</summary>
    public async Task<TrustAnchors> Trust()
    {
        using var careless = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        return TrustAnchors.FromPem(await careless.GetStringAsync(new Uri(Url, "/ca.pem")));
    }

    /// <summary>Runs the program, or another one, to its end with these arguments.</summary>
    public static async Task<(int ExitCode, string Output)> RunToEnd(
        IReadOnlyList<string> arguments, TimeSpan? patience = null, string? program = null, string? workingDirectory = null)
    {
        var output = new StringBuilder();
        using var process = Launch(arguments, new Dictionary<string, string>(), line =>
        {
            lock (output) output.AppendLine(line);
        }, program, workingDirectory: workingDirectory);
        try
        {
            await process.WaitForExitAsync().WaitAsync(patience ?? Patience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The program did not end:\n{output}");
        }

        process.WaitForExit();
        lock (output) return (process.ExitCode, output.ToString());
    }

    /// <summary>SIGKILL: no goodbye.</summary>
    public async Task Kill()
    {
        _process!.Kill();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    public Task<int> Stop()
    {
        Signal(_process!.Id, SignalTerm);
        return Ended();
    }

    /// <summary>The exit code, when it ends by itself.</summary>
    public async Task<int> Ended()
    {
        await _process!.WaitForExitAsync().WaitAsync(Patience);
        var code = _process.ExitCode;
        _process.Dispose();
        _process = null;
        return code;
    }

    public void Freeze() => Signal(_process!.Id, SignalStop);

    public async Task KillAndStart()
    {
        await Kill();
        await Start();
    }

    public void Thaw() => Signal(_process!.Id, SignalContinue);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await Kill();
    }

    internal static Process Launch(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, Action<string> line, string? program = null,
        string? umask = null, string? workingDirectory = null)
    {
        var start = new ProcessStartInfo(umask is null ? "dotnet" : "sh") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = workingDirectory ?? Path.GetTempPath() };
        // The shell becomes the server: signals reach it.
        foreach (var word in umask is null ? [] : new[] { "-c", $"umask {umask} && exec dotnet \"$@\"", "sh" }) start.ArgumentList.Add(word);
        start.ArgumentList.Add(program ?? Built);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, e) => { if (e.Data is not null) line(e.Data); };
        process.ErrorDataReceived += (_, e) => { if (e.Data is not null) line(e.Data); };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>SIGTERM, for what <see cref="Launch"/> started.</summary>
    internal static void Terminate(Process process) => Signal(process.Id, SignalTerm);

    private static void Signal(int process, int signal)
    {
        if (kill(process, signal) != 0) throw new InvalidOperationException($"Signal {signal} could not be sent to process {process}.");
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int process, int signal);
}
