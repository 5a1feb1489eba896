using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
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

    /// <param name="encoding">Of the server's databases.</param>
    public static async Task<PrivatePostgres> Create(string encoding = "UTF8")
    {
        var binaries = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order().LastOrDefault()
            : null;
        if (binaries is null)
            throw new InvalidOperationException("run ./test.sh, which installs PostgreSQL: initdb was not found under /usr/lib/postgresql");
        var folder = Directory.CreateTempSubdirectory("fleetmdm-pg-").FullName;
        if (Environment.UserName == "root")
            await Run("chown", ["-R", Owner(), folder]);
        var server = new PrivatePostgres(binaries, folder, FreePort());
        await server.RunAsOwner("initdb", "-D", server.Data, "-U", "postgres", "--auth=trust", $"--encoding={encoding}", "--locale=C");
        await server.Start();
        return server;
    }

    public Task Start() => RunAsOwner("pg_ctl", "-D", Data, "-l", Path.Combine(_folder, "log"), "-w", "-t", "60", "start",
        "-o", $"-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60");

    /// <summary>Stops at once, as a power failure would: nothing is flushed, the next start recovers from the log.</summary>
    public Task StopAtOnce() => RunAsOwner("pg_ctl", "-D", Data, "-m", "immediate", "-w", "-t", "60", "stop");

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
            await StopAtOnce();
        Directory.Delete(_folder, recursive: true);
    }

    private string Data => Path.Combine(_folder, "data");

    private static string Owner() => File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal)) ? "postgres" : "nobody";

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

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
