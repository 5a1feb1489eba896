using System.Net;
using System.Net.Sockets;
using FleetMdm.Storage;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Audit;

/// <summary>Records what strangers and the not allowed try, without letting them write as much as they like.</summary>
/// <remarks>
/// The first of a kind from an address is written at once. What follows within the minute is counted, and written as one record when the
/// minute is over. More than <see cref="MostKeys"/> addresses in a minute share one. So it is at most a few hundred rows a minute and node,
/// and as much memory, whatever comes. A node that dies loses the counts of one minute, never the first of a kind.
/// </remarks>
public sealed class Coalescer(IAuditStore store, TimeProvider time) : IHostedService, IDisposable
{
    private const int MostKeys = 200;
    private static readonly TimeSpan Span = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Dictionary<string, (AuditRecord Last, int More)> _seen = [];
    private ITimer? _timer;

    /// <summary>Never throws: the answer to whoever was refused does not depend on it.</summary>
    public async Task Record(AuditRecord record)
    {
        var key = $"{record.Verb} {record.Actor.Id ?? Neighbourhood(record.Actor.Address)}";
        lock (_lock)
        {
            if (_seen.Count >= MostKeys && !_seen.ContainsKey(key))
            {
                key = record.Verb;
                record = record with { Actor = new AuditActor(ActorKind.Stranger), TargetId = null, Subject = null, Detail = "from many addresses" };
            }

            if (_seen.TryGetValue(key, out var seen))
            {
                _seen[key] = (record, seen.More + 1);
                return;
            }

            _seen[key] = (record, 0);
        }

        await Write(record);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => _ = Flush(), null, Span, Span);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Flush();

    public void Dispose() => _timer?.Dispose();

    /// <summary>The minute is over.</summary>
    public async Task Flush()
    {
        Dictionary<string, (AuditRecord Last, int More)> over;
        lock (_lock) (over, _seen) = (_seen, []);
        foreach (var (last, more) in over.Values)
        {
            if (more > 0)
                await Write(last with { Count = more });
        }
    }

    private async Task Write(AuditRecord record)
    {
        try
        {
            await store.Write(record);
        }
        catch (Exception e) when (e is StoreUnavailableException or StoreRejectedException or ObjectDisposedException)
        {
            // The database is away: nobody can be let in meanwhile either.
        }
    }

    /// <summary>IPv6 by /64: one household has more addresses than there are seconds.</summary>
    private static string Neighbourhood(string? address)
    {
        if (address is null || !IPAddress.TryParse(address, out var parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6) return address ?? "";
        var bytes = parsed.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes).ToString();
    }
}
