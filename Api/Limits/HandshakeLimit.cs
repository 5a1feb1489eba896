using System.Diagnostics.Metrics;
using FleetMdm.Api.Hosting;
using FleetMdm.Storage.Hosting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Limits;

/// <summary>
/// How many TLS handshakes of a listener are under way at once. One costs as much CPU as dozens of messages: when thousands of iPads connect in the same
/// moment, all of them would be begun and most would run out of time before their end, so that the work was for nothing.
/// </summary>
/// <remarks>
/// The others wait, which costs memory only; the newest goes first, so that who came last (an administrator, say) is served at once, and only those who
/// have waited long are closed. A connection keeps its place until its handshake is done, but not for long: a stranger who connects and says nothing
/// does not keep the others out. Every other place goes to the addresses that have the fewest waiting (<see cref="AdmissionGate"/>). Listeners count for themselves. Any thread.
/// </remarks>
public sealed class HandshakeLimit : IDisposable
{
    /// <summary>Two round trips of a bad network. Whoever takes longer goes on, and the place is another's.</summary>
    private static readonly TimeSpan PlaceIsKeptFor = TimeSpan.FromSeconds(2);

    /// <summary>An iPad gives up after a minute; that leaves time for the handshake and the message.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(45);

    private readonly int _atOnce;
    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private readonly StandingCounter _refused;
    private readonly List<AdmissionGate> _gates = [];

    public HandshakeLimit(IOptions<LimitsOptions> options, TimeProvider time, IMeterFactory meters)
    {
        (_atOnce, _time) = (options.Value.TlsHandshakes, time);
        _meter = meters.Create("FleetMdm.Admission");
        _refused = _meter.CreateStandingCounter(
            "fleetmdm.handshakes.refused", "{connection}", "Connections closed because they waited too long for their TLS handshake.");
        _meter.CreateObservableGauge("fleetmdm.handshakes.waiting", () => Waiting, "{connection}", "Connections that wait for their TLS handshake.");
    }

    /// <summary>How many connections wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_gates) return _gates.Sum(gate => gate.Waiting);
        }
    }

    /// <summary>TLS on a listener, each handshake in its turn.</summary>
    public void UseHttps(ListenOptions listen, TlsHandshakeCallbackOptions tls)
    {
        // Connections are bounded, and so are those that wait.
        var gate = new AdmissionGate(
            new AdmissionRules { Concurrency = _atOnce, Queue = int.MaxValue, LongestWait = LongestWait, NewestFirst = true }, _time);
        lock (_gates) _gates.Add(gate);
        listen.Use(next => connection => Begin(gate, connection, next));
        listen.UseHttps(tls);
        listen.Use(next => connection =>
        {
            connection.Features.Get<Place>()!.Leave();
            connection.Features.Set<Place>(null);
            if (connection.Features.Get<Held>() is { } held) held.IsEstablished = true;
            return next(connection);
        });
    }

    public void Dispose()
    {
        _meter.Dispose();
        lock (_gates) _gates.ForEach(gate => gate.Dispose());
    }

    private async Task Begin(AdmissionGate gate, ConnectionContext connection, ConnectionDelegate next)
    {
        if (connection.Features.Get<Held>() is { } held) held.IsEstablished = false;
        if (!await gate.EnterAsync(connection.ConnectionClosed, ClientAddress.KeyOf(ClientAddress.Of(connection))))
        {
            if (!connection.ConnectionClosed.IsCancellationRequested) _refused.Add(1);
            connection.Abort();
            return;
        }

        var place = new Place(gate, _time);
        connection.Features.Set(place);
        try
        {
            await next(connection);
        }
        finally
        {
            // A handshake that failed.
            place.Leave();
        }
    }

    private sealed class Place
    {
        private readonly AdmissionGate _gate;
        private readonly ITimer? _lapse;
        private int _left;

        public Place(AdmissionGate gate, TimeProvider time)
        {
            _gate = gate;
            _lapse = time.CreateTimer(static place => ((Place)place!).Leave(), this, PlaceIsKeptFor, Timeout.InfiniteTimeSpan);
        }

        public void Leave()
        {
            if (Interlocked.Exchange(ref _left, 1) != 0) return;
            _lapse?.Dispose();
            _gate.Leave();
        }
    }
}
