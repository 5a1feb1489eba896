using System.Diagnostics;
using Npgsql;

namespace FleetMdm.Testing;

/// <summary>
/// A PostgreSQL server that belongs to one test, which may stop and kill it. It lives in a temporary folder and runs as a user
/// that is not root (PostgreSQL refuses root), on a free port of 127.0.0.1, with fsync on.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _binaries;
    private readonly string _folder;
    private readonly int _port;

    private PrivatePostgres(string binaries, string folder, int port)
    {
        _binaries = binaries;
        _folder = folder;
        _port = port;
    }

    /// <summary>An administrator of the server; the database <c>postgres</c>.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres";

    /// <summary>What it answers to on 127.0.0.1.</summary>
    public int Port => _port;

    /// <summary>Connections that it takes at once, those of administrators included.</summary>
    public const int MaxConnections = 60;

    /// <param name="encoding">Of the server's databases.</param>
    /// <param name="parent">Where its data are to be, in a folder of their own; null: among the temporary files.</param>
    /// <param name="log">Where its write-ahead log is to be, in a folder of its own; null: with the data.</param>
    public static async Task<PrivatePostgres> Create(string encoding = "UTF8", string? parent = null, string? log = null)
    {
        var binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order().LastOrDefault()
            : null;
        if (binaries is null)
            throw new InvalidOperationException("run ./test.sh, which installs PostgreSQL: initdb was not found under /usr/lib/postgresql");
        var folder = parent is null
            ? Directory.CreateTempSubdirectory("fleetmdm-pg-").FullName
            : Directory.CreateDirectory(Path.Combine(parent, "postgres")).FullName;
        string[] folders = log is null ? [folder] : [folder, Directory.CreateDirectory(Path.Combine(log, "wal")).FullName];
        if (Environment.UserName == "root")
            await Run("chown", ["-R", Owner(), .. folders]);
        var server = new PrivatePostgres(binaries, folder, Ports.Free());
        await server.RunAsOwner("initdb", ["-D", server.Data, "-U", "postgres", "--auth=trust", $"--encoding={encoding}", "--locale=C",
            .. log is null ? (string[])[] : [$"--waldir={folders[1]}", "--wal-segsize=1"]]);
        await server.Start();
        return server;
    }

    public Task Start() => RunAsOwner("pg_ctl", "-D", Data, "-l", Path.Combine(_folder, "log"), "-w", "-t", "60", "start",
        "-o", $"-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections={MaxConnections}");

    /// <summary>Stops at once, as a power failure would: nothing is flushed, the next start recovers from the log.</summary>
    public Task StopAtOnce() => RunAsOwner("pg_ctl", "-D", Data, "-m", "immediate", "-w", "-t", "60", "stop");

    /// <summary>Stops as an administrator would who does not wait: what is under way is rolled back, everything is flushed.</summary>
    public Task StopFast() => RunAsOwner("pg_ctl", "-D", Data, "-m", "fast", "-w", "-t", "60", "stop");

    /// <summary>SIGKILL of the postmaster alone; its children find out by themselves.</summary>
    public void KillPostmaster()
    {
        using var postmaster = Process.GetProcessById(Postmaster ?? throw new InvalidOperationException("PostgreSQL does not run."));
        postmaster.Kill();
    }

    /// <summary>Starts it as somebody on call would: again, until it runs. Orphans of a killed postmaster keep it from starting at first.</summary>
    public async Task StartAgain()
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await Start();
                return;
            }
            catch (InvalidOperationException) when (TimeProvider.System.GetElapsedTime(started) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
    }

    /// <summary>True while there is a postmaster.</summary>
    public bool IsRunning => Postmaster is { } id && Directory.Exists($"/proc/{id}");

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (IsRunning)
            await StopAtOnce();
        Directory.Delete(_folder, recursive: true);
    }

    private int? Postmaster => File.Exists(Path.Combine(Data, "postmaster.pid"))
        && int.TryParse(File.ReadLines(Path.Combine(Data, "postmaster.pid")).FirstOrDefault(), out var id) ? id : null;

    private string Data => Path.Combine(_folder, "data");

    private static string Owner() => File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal)) ? "postgres" : "nobody";

    private Task RunAsOwner(string program, params string[] arguments)
    {
        string[] command = [Path.Combine(_binaries, program), .. arguments];
        return Environment.UserName == "root" ? Run("runuser", ["-u", Owner(), "--", .. command]) : Run(command[0], command[1..]);
    }

    private static async Task Run(string program, string[] arguments)
    {
        // The server inherits the pipes of pg_ctl and keeps them open: only the exit is waited for, and errors go to a file.
        var errors = Path.GetTempFileName();
        using var process = Process.Start(new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", "exec \"$@\" >\"$ERRORS\" 2>&1 </dev/null", "sh", program },
            Environment = { ["ERRORS"] = errors },
            WorkingDirectory = "/",
        }.With(arguments))!;
        using var patience = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(patience.Token);
        var output = await File.ReadAllTextAsync(errors);
        File.Delete(errors);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {output}");
    }
}

internal static class ProcessArguments
{
    public static ProcessStartInfo With(this ProcessStartInfo info, string[] arguments)
    {
        foreach (var argument in arguments)
            info.ArgumentList.Add(argument);
        return info;
    }
}
