using System.Diagnostics.Metrics;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Limits;

/// <summary>
/// How many connections each listener holds open. One more is closed before its TLS handshake: without a bound, strangers who only
/// connect would use up the process's files, and with them the way to the database.
/// </summary>
/// <remarks>
/// One address may hold all of them while nobody else comes: a whole district may come from one. When the listener is full and an address comes that has far fewer
/// than another one has, the oldest connection of that other one makes room: one that is idle is closed as HTTP closes it, one in the middle of a
/// request finishes it first, within <see cref="TimeToFinish"/>. A proxy that tells nobody's address is no single client: it has its place without a share.
/// Listeners count for themselves, so that iPads cannot lock out administrators who have a listener of their own (<c>Http:AdminListen</c>). Any thread.
/// </remarks>
internal sealed partial class ConnectionLimit : IDisposable
{
    /// <summary>Files for the database, APNs, other nodes and logs; of a small allowance, a quarter.</summary>
    private const int Reserve = 1024;

    /// <summary>For a request that is under way on a connection that has to make room.</summary>
    private static readonly TimeSpan TimeToFinish = TimeSpan.FromSeconds(15);

    /// <summary>Connections that have made room and are not closed yet: they come on top of the limit, out of the reserve.</summary>
    private const int MostLeaving = 128;

    private readonly int _most;
    private readonly long? _shortOfFiles;
    private readonly LimitsOptions _options;
    private readonly ILogger<ConnectionLimit> _logger;
    private readonly Meter _meter;
    private readonly StandingCounter _refused;
    private readonly StandingCounter _displaced;
    private readonly ClientAddress _clients;
    private readonly TimeProvider _time;

    public ConnectionLimit(
        IOptions<LimitsOptions> options, ClientAddress clients, IMeterFactory meters, TimeProvider time, ILogger<ConnectionLimit> logger)
    {
        (_options, _clients, _time, _logger) = (options.Value, clients, time, logger);
        _most = _options.MaxConnections;
        if (OpenFiles() is { } files && files - Math.Min(Reserve, files / 4) is var allowed && allowed < _most)
        {
            _shortOfFiles = files;
            _most = (int)allowed;
        }

        _meter = meters.Create("FleetMdm.Admission");
        _refused = _meter.CreateStandingCounter(
            "fleetmdm.connections.refused", "{connection}", "Connections closed at once because their listener had too many.");
        _displaced = _meter.CreateStandingCounter(
            "fleetmdm.connections.displaced", "{connection}", "Connections of an address that had many, closed to make room for one that had few.");
    }

    /// <summary>Counts the connections of one listener.</summary>
    public Func<ConnectionDelegate, ConnectionDelegate> NewListener()
    {
        var listener = new Listener(this);
        return next => connection => listener.Hold(connection, next);
    }

    /// <summary>Says so when the operating system allows fewer than was asked for. When the server listens: who cannot start it reads one sentence.</summary>
    public void Announce()
    {
        if (_shortOfFiles is not { } files) return;
        // Nobody has asked for the default: what it comes to is worth knowing, and no warning.
        var level = _options.MaxConnections == new LimitsOptions().MaxConnections ? LogLevel.Information : LogLevel.Warning;
        LogFewFiles(_logger, level, files, _most, _options.MaxConnections);
    }

    public void Dispose() => _meter.Dispose();

    /// <summary>How many files the process may have open; null where nobody says.</summary>
    private static long? OpenFiles()
    {
        const string Limits = "/proc/self/limits";
        if (!File.Exists(Limits)) return null;
        var line = File.ReadLines(Limits).FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        return line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, var soft, ..] && long.TryParse(soft, out var files) ? files : null;
    }

    [LoggerMessage(EventId = 3210, Message = "The operating system lets this process open {Files} files, so a listener holds {Allowed} connections "
        + "instead of Limits:MaxConnections = {Wanted}; raise the limit (LimitNOFILE of systemd, ulimit -n)")]
    private static partial void LogFewFiles(ILogger logger, LogLevel level, long files, int allowed, int wanted);
}
